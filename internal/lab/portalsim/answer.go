package portalsim

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// apiError is an error as the platform answers it.
type apiError struct {
	status      int
	code        string
	description string
	extra       *object
	fatal       bool // no JSON at all: the platform's code has broken off
}

// failure makes an error.
func failure(status int, code, description string) *apiError {
	return &apiError{status: status, code: code, description: description}
}

func (e *apiError) body() *object {
	out := newObject().set("error", e.code).set("error_description", e.description)
	if e.extra != nil {
		for _, key := range e.extra.keys {
			out.set(key, e.extra.values[key])
		}
	}
	return out
}

func (e *apiError) write(w http.ResponseWriter) {
	if e.fatal {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, "Internal server error.")
		return
	}
	writeJSON(w, e.status, e.body())
}

// timing is the member "time" of an answer (api-reference/data-types.md, time).
func (c *call) timing(start time.Time) *object {
	out := timing(start)
	if c.resetAt.IsZero() { // a batch: its commands are counted one by one
		return out
	}
	return out.set("operating_reset_at", c.resetAt.Unix()).set("operating", c.operating)
}

func timing(start time.Time) *object {
	end := time.Now()
	unix := func(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
	return newObject().
		set("start", unix(start)).
		set("finish", unix(end)).
		set("duration", end.Sub(start).Seconds()).
		set("processing", end.Sub(start).Seconds()/2).
		set("date_start", moment(start)).
		set("date_finish", moment(end)).
		set("operating", 0)
}

// moment writes a time as the platform does: with an offset, never with Z.
func moment(t time.Time) string { return t.Format("2006-01-02T15:04:05-07:00") }

func writeError(w http.ResponseWriter, status int, code, description string) {
	failure(status, code, description).write(w)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
