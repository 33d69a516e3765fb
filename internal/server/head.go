package server

import "net/http"

// headAsGet answers HEAD wherever GET is answered: whoever registers the app's addresses with the platform has them asked so
// (market/preparing-to-publish/faq.md). The handlers see a GET; net/http, which keeps the request as it came, sends no body.
// An authorization code works once, so a question whether the address answers must not use one up.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
			query := r.URL.Query()
			query.Del("code")
			r.URL.RawQuery = query.Encode()
		}
		next.ServeHTTP(w, r)
	})
}
