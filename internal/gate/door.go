package gate

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

const (
	// doorQueue is how many strangers may wait to be looked up; further ones are refused at once, which costs nothing.
	doorQueue = 100
	// doorWait is how long one of them waits.
	doorWait = time.Second
)

// Door is where strangers queue for the database. Whether a page is genuine is known only after a look there, so a flood of
// forged ones would keep everybody waiting for a connection. Who showed something before that was proven, in this process,
// passes by: the portal's application_token, or the access token itself. Everybody else shares a part of the connections.
type Door struct {
	lookups  *semaphore.Weighted
	waiting  atomic.Int64
	familiar *lru.Cache[[sha256.Size]byte, struct{}]

	// Passed is told how long a stranger waited, and whether in vain; nil: nobody is.
	Passed func(waited time.Duration, refused bool)
}

// NewDoor makes a door for so many lookups of strangers at once.
func NewDoor(lookups int64) (*Door, error) {
	familiar, err := lru.New[[sha256.Size]byte, struct{}](100_000)
	return &Door{lookups: semaphore.NewWeighted(max(1, lookups)), familiar: familiar}, err
}

// enter lets a request in; leave is called when it has been looked up. The error is the problem PortalBusy.
func (d *Door) enter(ctx context.Context, req *bitrix24.AppRequest) (leave func(), err error) {
	if d.knows(req, req.ApplicationToken) || d.knows(req, req.Access) {
		return func() {}, nil
	}
	if d.Passed != nil {
		begun := time.Now()
		defer func() { d.Passed(time.Since(begun), err != nil) }()
	}
	defer d.waiting.Add(-1)
	if d.waiting.Add(1) > doorQueue {
		return nil, doorBusy(errors.New("too many strangers wait to be looked up"))
	}
	wait, cancel := context.WithTimeout(ctx, doorWait)
	defer cancel()
	if err := d.lookups.Acquire(wait, 1); err != nil {
		return nil, doorBusy(err)
	}
	return func() { d.lookups.Release(1) }, nil
}

func doorBusy(err error) error {
	return &portal.Error{Problem: portal.PortalBusy, Err: errors.Join(&bitrix24.BusyError{Method: "admission", RetryAfter: doorWait}, err)}
}

// remember keeps that a portal's token was proven.
func (d *Door) remember(id portal.MemberID, token secret.Text) {
	if !token.IsZero() {
		d.familiar.Add(familiarKey(string(id), token), struct{}{})
	}
}

func (d *Door) knows(req *bitrix24.AppRequest, token secret.Text) bool {
	_, ok := d.familiar.Get(familiarKey(req.MemberID, token))
	return ok && !token.IsZero()
}

func familiarKey(id string, token secret.Text) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(id+"\x00"), token.Hash()...))
}
