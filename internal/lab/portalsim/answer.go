package portalsim

import (
	"encoding/json"
	"net/http"
	"time"
)

// apiError is an error as the platform answers it.
type apiError struct {
	status      int
	code        string
	description string
	extra       *object
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

func (e *apiError) write(w http.ResponseWriter) { writeJSON(w, e.status, e.body()) }

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
		set("date_start", start.Format(time.RFC3339)).
		set("date_finish", end.Format(time.RFC3339)).
		set("operating", 0)
}

func writeError(w http.ResponseWriter, status int, code, description string) {
	(&apiError{status, code, description, nil}).write(w)
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
