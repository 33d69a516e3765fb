package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/restlog"
	"itemlens/internal/secret"
)

// claims is the first thing that a request meets: nobody has vouched for its tokens, its secrets are to be watched, and a
// name that the client gives it is not taken.
func claims() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			ctx := secret.WithWatch(bitrix24.WithCaller(r.Context(), c.RealIP()))
			secret.Note(ctx, secret.New(strings.TrimPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer ")))
			r = r.WithContext(ctx)
			r.Header.Del(echo.HeaderXRequestID)
			c.SetRequest(r)
			return next(c)
		}
	}
}

// clientAddress finds the client behind proxies that are trusted: without any, whoever connects is the client, and
// X-Forwarded-For is a claim like every other.
func clientAddress(trusted []*net.IPNet) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, network := range trusted {
		options = append(options, echo.TrustIPRange(network))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// panicError is a panic that was recovered; its stack has a place of its own in the log.
type panicError struct {
	err   error
	stack []byte
}

func (e *panicError) Error() string { return "panic: " + e.err.Error() }
func (e *panicError) Unwrap() error { return e.err }

// requestID names a request in the log and on error pages.
func requestID() string {
	raw := make([]byte, 8)
	_, _ = rand.Read(raw)
	return hex.EncodeToString(raw)
}

// named tells whatever is done for a request by which id it is known.
func named(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Response().Header().Get(echo.HeaderXRequestID)
		ctx, request := restlog.WithRequest(c.Request().Context(), id)
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		if user, ok := c.Get("user").(portal.UserID); ok {
			request.By(user)
		}
		return err
	}
}

// requestLog writes one line a request, without its query string and without anything it posted.
func requestLog(log *slog.Logger, m *metrics) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			err := next(c)
			if err != nil {
				c.Error(err) // writes the page, so that the status below is what was sent
			}
			status, took := c.Response().Status, time.Since(start)
			problem, _ := c.Get("problem").(string)
			m.request(c.Path(), c.Request().Method, status, problem, took)
			describe(c)
			if strings.HasPrefix(c.Path(), "/static/") && status < 400 {
				return nil
			}
			attrs := []any{
				"method", c.Request().Method, "path", bitrix24.CleanText(c.Request().URL.Path, longestPath), "status", status, "duration_ms", took.Milliseconds(),
			}
			for _, name := range []string{"portal", "user", "event", "problem", "reason"} {
				if value := c.Get(name); value != nil {
					attrs = append(attrs, name, value)
				}
			}
			var panicked *panicError
			if errors.As(err, &panicked) {
				attrs = append(attrs, "stack", string(panicked.stack))
			}
			level := slog.LevelInfo
			switch {
			case status >= 500:
				level = slog.LevelError
			case status >= 400:
				level = slog.LevelWarn
			}
			log.Log(c.Request().Context(), level, "request", attrs...)
			return nil
		}
	}
}

// longestPath bounds what is logged of a path; no route of ours is half as long.
const longestPath = 100

const frameOriginKey = "frame_origin"

// framed allows the pages of one portal, of these origins, to show the answer in an iframe.
func framed(c echo.Context, origins string) { c.Set(frameOriginKey, origins) }

// securityHeaders are on every answer. Who may frame a page is decided when it is written: the portal that the handler
// named. A page that nobody named a portal for is a message without data; the portal that the request claims to come
// from may frame that one, so that its user sees why something was refused.
func securityHeaders(libraryOrigin string, https bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Before(func() {
				h := c.Response().Header()
				if https {
					h.Set("Strict-Transport-Security", "max-age=31536000")
				}
				if strings.HasPrefix(c.Path(), "/static/") && c.Response().Status < 400 {
					// Files are parts of pages, whose rules hold; as a page of its own a picture may do nothing.
					if strings.HasSuffix(c.Request().URL.Path, ".svg") {
						h.Set("Content-Security-Policy", "default-src 'none'")
					}
					h.Set("X-Content-Type-Options", "nosniff")
					h.Del(echo.HeaderXRequestID)
					if h.Get(echo.HeaderCacheControl) == "" {
						h.Set(echo.HeaderCacheControl, "no-store")
					}
					return
				}
				ancestors, connect, images := "'none'", "'self'", ""
				if origin, ok := c.Get(frameOriginKey).(string); ok && origin != "" {
					// Pictures of people stand on the portal, or where its plan keeps its files.
					ancestors, connect, images = origin, "'self' "+origin, origin+" https:"
				} else if domain := bitrix24.CanonicalHost(c.QueryParam("DOMAIN")); bitrix24.ValidHost(domain) && c.Request().Method == http.MethodPost {
					ancestors = "https://" + domain
					if c.QueryParam("PROTOCOL") == "0" {
						ancestors = "http://" + domain
					}
				}
				h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' "+libraryOrigin+"; style-src 'self'; img-src 'self' "+images+"; "+
					"connect-src "+connect+"; base-uri 'none'; form-action 'none'; frame-ancestors "+ancestors)
				h.Set("X-Content-Type-Options", "nosniff")
				h.Set("Referrer-Policy", "no-referrer")
				if h.Get("Cache-Control") == "" {
					h.Set("Cache-Control", "no-store")
				}
			})
			return next(c)
		}
	}
}

// deadline bounds how long a request may take, whatever it waits for: a page, and anything else (an installation makes
// several requests to the portal). Whoever waits gets an error page then, not a spinner.
func deadline(page, other time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			limit := other
			if c.Path() == "/" || inPage(c) {
				limit = page
			}
			ctx, cancel := context.WithTimeout(c.Request().Context(), limit)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// lastOnItsConnection ends each connection with the answer that it is about to get once the process is about to stop. A
// balancer keeps connections and posts its next page on one of them; what it posts in the moment in which the process closes
// it would be lost.
func lastOnItsConnection(draining *atomic.Bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Before(func() {
				if draining.Load() {
					c.Response().Header().Set("Connection", "close")
				}
			})
			return next(c)
		}
	}
}

// limitBody bounds what is read of a request.
func limitBody(limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > limit {
				return &http.MaxBytesError{Limit: limit}
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
			return next(c)
		}
	}
}
