package stack

import (
	"cmp"
	"os"

	"itemlens/internal/lab/portalsim"
)

// lived names what real portals do and the app lives with. What is left out breaks tests of the app that still
// expect the ways of the documentation.
const lived = "all,-fields,-updates,-tokens"

// Truth is what the simulator tells the truth about: what the app lives with, or what ITEMLENS_SIM_TRUTH names, as "all"
// or "references,updates".
func Truth() (portalsim.Truth, error) {
	return portalsim.ParseTruth(cmp.Or(os.Getenv("ITEMLENS_SIM_TRUTH"), lived))
}
