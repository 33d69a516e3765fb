package page

import (
	"itemlens/internal/portal"
	"itemlens/internal/turns"
)

// cardsPerPortal is how many cards of one portal are made at once. Making one takes a processor as long as its portal's
// answer is large, and no portal may take them all.
const cardsPerPortal = 2

// NewTurns shares the processors among portals.
func NewTurns() *turns.Turns[portal.MemberID] { return turns.New[portal.MemberID](cardsPerPortal) }
