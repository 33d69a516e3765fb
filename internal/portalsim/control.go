package portalsim

import (
	"encoding/json"
	"net/http"
	"time"
)

// routeControl serves the control API on the OAuth server's address: what a person or a script at the demo may want to
// do to the simulated world. Tests in Go call the same methods directly.
func (s *Sim) routeControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /control/counters", func(w http.ResponseWriter, _ *http.Request) {
		out := newObject()
		portals := newObject()
		s.mu.Lock()
		all := s.portals
		s.mu.Unlock()
		for _, p := range all {
			p.mu.Lock()
			portals.set(p.Name, newObject().set("member_id", p.MemberID).set("requests", copyCounts(p.requests)).set("commands", copyCounts(p.commands)))
			p.mu.Unlock()
		}
		s.mu.Lock()
		out.set("oauth", copyCounts(s.oauth))
		s.mu.Unlock()
		writeJSON(w, http.StatusOK, out.set("portals", portals))
	})
	mux.HandleFunc("POST /control/expire-tokens", func(w http.ResponseWriter, _ *http.Request) {
		s.ExpireAccessTokens()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/advance", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			http.Error(w, "by: a duration such as 2h", http.StatusBadRequest)
			return
		}
		s.Advance(d)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/portals/{name}/{action}", s.controlPortal)
}

func (s *Sim) controlPortal(w http.ResponseWriter, r *http.Request) {
	var p *Portal
	s.mu.Lock()
	for _, candidate := range s.portals {
		if candidate.Name == r.PathValue("name") {
			p = candidate
		}
	}
	s.mu.Unlock()
	if p == nil {
		http.NotFound(w, r)
		return
	}
	switch r.PathValue("action") {
	case "fault":
		var f struct {
			Method, Kind, Target string
			Status, Count        int
			DelayMS              int `json:"delay_ms"`
		}
		if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&f) != nil || f.Kind == "" {
			http.Error(w, `a JSON object such as {"method":"batch","kind":"html","count":1}`, http.StatusBadRequest)
			return
		}
		p.AddFault(Fault{Method: f.Method, Kind: f.Kind, Target: f.Target, Status: f.Status, Count: f.Count, Delay: time.Duration(f.DelayMS) * time.Millisecond})
	case "clear-faults":
		p.ClearFaults()
	case "rename":
		if err := p.Rename(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	case "update-app":
		p.Update(r.FormValue("client"))
	default:
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func copyCounts(counts map[string]int) map[string]int {
	out := make(map[string]int, len(counts))
	for name, n := range counts {
		out[name] = n
	}
	return out
}
