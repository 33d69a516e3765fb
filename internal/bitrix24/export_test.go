package bitrix24

import "net/http"

// DecodeAnswerForFuzz reads a body as the client does.
func DecodeAnswerForFuzz(body []byte) (*Answer, error) {
	return decodeAnswer("fuzz", &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, body)
}
