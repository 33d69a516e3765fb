package portalsim

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// restParams reads parameters from the query and from a body: JSON, multipart/form-data or a form
// (settings/how-to-call-rest-api/general-principles.md).
func restParams(w http.ResponseWriter, r *http.Request) (*object, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	params := newObject()
	decodeQuery(params, r.URL.RawQuery)
	if len(body) == 0 { // a Content-Type without a body means nothing
		return params, nil
	}
	kind, options, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		value, err := decodeJSON(body)
		if err != nil {
			return nil, err
		}
		if nested, ok := value.(*object); ok {
			for _, key := range nested.keys {
				params.set(key, nested.values[key])
			}
		}
	case "multipart/form-data":
		return params, decodeMultipart(params, body, options["boundary"])
	default:
		decodeQuery(params, string(body))
	}
	return params, nil
}

// decodeMultipart reads the parts of a form that was sent as FormData or by cURL's -F; files are left out.
func decodeMultipart(into *object, body []byte, boundary string) error {
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if part.FileName() == "" {
			into.setNested(part.FormName(), string(value))
		}
	}
}

// accessToken finds the token of a request: the parameter auth, or access_token, or a Bearer header.
func accessToken(r *http.Request, params *object) string {
	for _, name := range []string{"auth", "access_token"} {
		if token := params.text(name); token != "" {
			return token
		}
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// truthy is what PHP takes for true.
func truthy(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case *object:
		return len(v.keys) > 0
	default:
		text := newObject().set("v", v).text("v")
		return text != "" && text != "0"
	}
}
