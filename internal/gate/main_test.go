package gate_test

import (
	"flag"
	"os"
	"testing"

	"itemlens/internal/lab/apptest"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) {
	// The property test's share of an ordinary run; -rapid.checks on the command line counts more.
	_ = flag.Set("rapid.checks", "30")
	if os.Getenv(apptest.SharedCluster) != "" { // a run among many, with guards taken out: what fails is no news
		_ = flag.Set("rapid.nofailfile", "true")
	}
	apptest.Main(m, &cluster)
}
