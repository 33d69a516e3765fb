package portalsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// listener is one HTTP server on one address, under a name.
type listener struct {
	net    net.Listener
	server *http.Server
	name   string // host name that is given out instead of the address; empty for none
	secure bool
}

// listen starts a server; with an authority it speaks TLS and shows a certificate for whatever name it is asked by.
func listen(address, name string, authority *authority, handler http.Handler) (*listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{Handler: singleSlashes(handler), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	out := &listener{net: l, server: server, name: name, secure: authority != nil}
	serving := l
	if out.secure {
		server.ErrorLog = quiet()
		serving = tls.NewListener(l, authority.config())
	}
	go func() { _ = server.Serve(serving) }()
	return out, nil
}

// named is the same server under another name.
func (l *listener) named(name string) *listener {
	return &listener{net: l.net, server: l.server, name: name, secure: l.secure}
}

// singleSlashes takes slashes away that are too many, as the platform's web server does, instead of redirecting.
func singleSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for strings.Contains(r.URL.Path, "//") {
			r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
			r.URL.RawPath = ""
		}
		next.ServeHTTP(w, r)
	})
}

// host is the address to give out, without a port where the scheme's own one is meant; a listener on every address is
// reached at loopback.
func (l *listener) host() string {
	address := l.net.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	if l.name != "" {
		host = l.name
	}
	if l.secure && address.Port == 443 || !l.secure && address.Port == 80 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(address.Port))
}

func (l *listener) scheme() string {
	if l.secure {
		return "https"
	}
	return "http"
}

func (l *listener) url() string { return l.scheme() + "://" + l.host() }

// protocol is the scheme as the platform's forms write it: 1 for https.
func (l *listener) protocol() int {
	if l.secure {
		return 1
	}
	return 0
}

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := l.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = l.server.Close()
	}
}
