package soak

import "math/rand/v2"

// step is one choice: what is done to which portal. All of it is chosen before anything is known of what came of the steps
// before, so a seed always gives the same steps, however fast they are.
type step struct {
	portal int // of those of a worker
	act    act
	user   int
	item   int // in items
	form   int // of the pages that were opened, counted back
	kind   int // of a fault, an event, an update
	count  int
	yes    bool
}

type act int

const (
	open act = iota
	ask
	reload
	together
	event
	payment
	fault
	oauthFault
	garbage
	stranger
	update
	rename
	remove
)

// weights are how often something is done, in a thousand steps.
var weights = map[act]int{
	open: 470, ask: 130, reload: 110, together: 30, event: 100, payment: 15, fault: 60, oauthFault: 10, garbage: 20, stranger: 15,
	update: 10, rename: 5, remove: 25,
}

// choices is the endless sequence of one worker's steps.
type choices struct {
	rng     *rand.Rand
	portals int
	acts    []act
}

func newChoices(seed int64, worker, portals int) *choices {
	c := &choices{rng: rand.New(rand.NewPCG(uint64(seed), uint64(worker))), portals: portals}
	for a := open; a <= remove; a++ {
		for range weights[a] {
			c.acts = append(c.acts, a)
		}
	}
	return c
}

func (c *choices) next() step {
	return step{
		portal: c.rng.IntN(c.portals), act: c.acts[c.rng.IntN(len(c.acts))], user: 1 + c.rng.IntN(2), item: c.rng.IntN(len(items)),
		form: c.rng.IntN(keptForms), kind: c.rng.IntN(1 << 20), count: 1 + c.rng.IntN(3), yes: c.rng.IntN(2) == 0,
	}
}
