package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/secret"
)

// queuePath is where the pages about the job queue are.
const queuePath = "/queue"

// operatorRoutes are what operators may ask. Only the pages about the queue are behind a password: the rest tells nothing
// of any portal.
func (s *Server) operatorRoutes(m *metrics) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if s.draining.Load() {
			http.Error(w, "the app is stopping", http.StatusServiceUnavailable)
			return
		}
		if err := s.store.Ready(ctx); err != nil {
			s.log.Warn("not ready", "error", err.Error())
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.Handle("GET /metrics", m.handler())
	if s.config.QueueUI != config.QueueUIOff && s.config.QueueUI != "" {
		ui, err := s.jobs.UI(queuePath)
		if err != nil {
			return nil, err
		}
		s.queueUI = ui
		pages := http.Handler(ui)
		if s.config.QueueUI != config.QueueUIWrite {
			pages = readOnly(pages)
		}
		pages = unframed(behindPassword(s.config.OperatorPassword, http.NewCrossOriginProtection().Handler(pages)))
		mux.Handle(queuePath, pages)
		mux.Handle(queuePath+"/", pages)
	}
	return mux, nil
}

// behindPassword lets in who shows the password: as the one of HTTP's basic authentication, with any user name, which
// browsers ask for, or as a bearer token.
func behindPassword(password secret.Text, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, shown, basic := r.BasicAuth()
		if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); !basic && ok && strings.EqualFold(kind, "Bearer") {
			shown = strings.TrimSpace(token)
		}
		if !secret.New(shown).Equal(password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Item Lens, job queue", charset="UTF-8"`)
			http.Error(w, "These pages take the password of ITEMLENS_OPERATOR_PASSWORD.", http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization") // nothing behind this needs it, and nothing shall log it
		next.ServeHTTP(w, r)
	})
}

// readOnly refuses whatever changes something.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, `{"message":"The queue may only be looked at. ITEMLENS_QUEUE_UI=write allows changes."}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// unframed keeps other sites from laying themselves over pages in which a click cancels a job.
func unframed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
