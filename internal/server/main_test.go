package server_test

import (
	"testing"

	"itemlens/internal/lab/apptest"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }
