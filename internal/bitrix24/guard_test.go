package bitrix24_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// resolver answers every question for an A record with the addresses that answer gives; each question counts.
func resolver(t *testing.T, answer func(question int64) []string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	var questions atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			if m.Questions[0].Type == dnsmessage.TypeA {
				for _, ip := range answer(questions.Add(1)) {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET},
						Body:   &dnsmessage.AResource{A: netip.MustParseAddr(ip).As4()},
					})
				}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// TestNamesThatLeadInsideAreRefused has names of portals that resolve to what stands in one's own network.
func TestNamesThatLeadInsideAreRefused(t *testing.T) {
	called := false
	inside := serveFunc(t, func(http.ResponseWriter, *http.Request) { called = true })
	_, port, _ := net.SplitHostPort(bitrix24.EndpointHost(inside.Endpoint))
	for name, answer := range map[string]func(int64) []string{
		"loopback": func(int64) []string { return []string{"127.0.0.1"} },
		"private":  func(int64) []string { return []string{"10.1.2.3"} },
		"metadata": func(int64) []string { return []string{"169.254.169.254"} },
		"several":  func(int64) []string { return []string{"192.168.0.1", "127.0.0.1", "172.16.0.9"} },
		"rebinding": func(n int64) []string {
			return []string{map[bool]string{true: "10.0.0.1", false: "127.0.0.1"}[n%2 == 1]}
		},
		"this network":   func(int64) []string { return []string{"0.0.0.0"} },
		"carrier's NAT":  func(int64) []string { return []string{"100.64.1.1"} },
		"broadcast":      func(int64) []string { return []string{"255.255.255.255"} },
		"multicast":      func(int64) []string { return []string{"224.0.0.1"} },
		"benchmark nets": func(int64) []string { return []string{"198.18.0.1"} },
	} {
		t.Run(name, func(t *testing.T) {
			client, err := bitrix24.NewClient(bitrix24.Options{Resolver: resolver(t, answer)})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for range 3 {
				_, err := client.Call(t.Context(), bitrix24.Target{Endpoint: "http://portal.example:" + port + "/rest/", Access: secret.New("x")}, "profile", nil)
				if !errors.Is(err, bitrix24.ErrForbiddenAddress) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	if called {
		t.Error("a request went inside")
	}
}
