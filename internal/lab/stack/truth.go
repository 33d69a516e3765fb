package stack

import (
	"cmp"
	"os"

	"itemlens/internal/lab/portalsim"
)

// Truth is what the simulator takes where sources differ: what the platform's code does, or what ITEMLENS_SIM_TRUTH names, as
// "none" or "all,-statuses".
func Truth() (portalsim.Truth, error) {
	return portalsim.ParseTruth(cmp.Or(os.Getenv("ITEMLENS_SIM_TRUTH"), "all"))
}
