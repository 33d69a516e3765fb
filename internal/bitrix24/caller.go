package bitrix24

import (
	"context"
	"net/netip"
)

// caller is whoever outside a request of ours is made for. Work of the app's own has none.
type caller struct {
	address string // of the client: an IPv4 address, or an IPv6 network of 64 bits, which one customer has for themselves
	proven  bool
}

type callerKey struct{}

// WithCaller says that what is done in a context is done for a client at an address, whose tokens nobody has vouched for
// yet: until Vouched, requests to portals and OAuth servers come out of the small share that strangers have.
func WithCaller(ctx context.Context, address string) context.Context {
	if ip, err := netip.ParseAddr(address); err == nil {
		if ip = ip.Unmap().WithZone(""); ip.Is6() {
			address = netip.PrefixFrom(ip, 64).Masked().String()
		} else {
			address = ip.String()
		}
	}
	return context.WithValue(ctx, callerKey{}, caller{address: address})
}

// Vouched says that the tokens used from here on are known to be the portal's: they are stored, or were exchanged, or came
// with the portal's application_token.
func Vouched(ctx context.Context) context.Context {
	c, ok := ctx.Value(callerKey{}).(caller)
	if !ok || c.proven {
		return ctx
	}
	c.proven = true
	return context.WithValue(ctx, callerKey{}, c)
}

// Stranger reports whether a context is that of a client whose tokens nobody has vouched for, and the client's address.
func Stranger(ctx context.Context) (address string, is bool) {
	c, ok := ctx.Value(callerKey{}).(caller)
	return c.address, ok && !c.proven
}

// HasCaller reports whether a context is that of a client, proven or not, rather than of work of the app's own.
func HasCaller(ctx context.Context) bool {
	_, ok := ctx.Value(callerKey{}).(caller)
	return ok
}
