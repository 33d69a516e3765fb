package server_test

import (
	"testing"

	"itemlens/internal/apptest"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }
