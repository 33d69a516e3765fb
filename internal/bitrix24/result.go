package bitrix24

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Has reports whether a command of the batch was answered, be it with an error.
func (r *BatchResult) Has(key string) bool { return r.Result[key] != nil || r.Errors[key] != nil }

// Raw is the result of one command as it came: valid JSON. It returns the command's own error, or one that says that the
// command has no answer.
func (r *BatchResult) Raw(key string) (json.RawMessage, error) {
	if err := r.Errors[key]; err != nil {
		return nil, err
	}
	raw, ok := r.Result[key]
	if !ok {
		return nil, &AnswerError{Method: "batch", Status: 200, Kind: "no_result", Err: fmt.Errorf("no answer for %q", key)}
	}
	return raw, nil
}

// Time is what the portal tells of how long a command took, as it came: valid JSON; nil where it tells nothing
// (api-reference/data-types.md, time).
func (r *BatchResult) Time(key string) json.RawMessage {
	var found json.RawMessage
	eachAnswer(r.times, func(name string, value []byte) {
		if name == key {
			found = value
		}
	})
	return found
}

// IsNotSupported reports that a type of items lacks what was asked for: pipelines, a history of stages, and the like.
func IsNotSupported(err error) bool {
	var platform *Error
	return errors.As(err, &platform) && strings.Contains(strings.ToUpper(platform.Code), "NOT_SUPPORTED")
}
