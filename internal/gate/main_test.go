package gate_test

import (
	"flag"
	"testing"

	"itemlens/internal/lab/apptest"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) {
	// The property test's share of an ordinary run; -rapid.checks on the command line counts more.
	_ = flag.Set("rapid.checks", "30")
	apptest.Main(m, &cluster)
}
