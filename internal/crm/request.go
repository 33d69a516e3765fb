package crm

import (
	"context"
	"encoding/json"
	"time"

	"itemlens/internal/bitrix24"
)

// Request is a request for an item, and what came of it.
type Request struct {
	*Reading
	Method     string
	Parameters bitrix24.Params
	Time       json.RawMessage // the answer's own member "time": valid JSON; nil where it has none
	Took       time.Duration   // what the portal took for it
	Operating  time.Duration   // what the portal has spent on the method for this app lately; it answers no more at its limit
}

// maxTime is how long the member "time" of an answer may be, in bytes. The platform's own is 300 long.
const maxTime = 4096

// Request reads an item as an open page asks about how it is read: with one request, as the user who looks.
func (s *Source) Request(ctx context.Context, v Viewer, ref Ref) (*Request, error) {
	reading, result, err := s.view(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	command := itemCommand(ref)
	r := &Request{Reading: reading, Method: command.Method, Parameters: command.Params}
	if told := result.Time(command.Key); len(told) > 0 && len(told) <= maxTime && told[0] == '{' {
		r.Time = WithoutAuthorizationIn(told)
	}
	bitrix24.EachMember(r.Time, func(name, value []byte) bool {
		switch string(name) {
		case `"duration"`:
			r.Took = seconds(value)
		case `"operating"`:
			r.Operating = seconds(value)
		}
		return true
	})
	return r, nil
}

// seconds reads a number of seconds, up to a day.
func seconds(raw json.RawMessage) time.Duration {
	n := number(raw)
	if !(n > 0) { // nor is what is no number
		return 0
	}
	return min(time.Duration(min(n, 86400)*float64(time.Second)), 24*time.Hour)
}
