package portalsim

import (
	"testing"
	"time"
)

// TestMomentsOfUTC: a container's zone is UTC, which RFC 3339 writes as Z and the platform does not.
func TestMomentsOfUTC(t *testing.T) {
	if got := moment(time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)); got != "2026-05-01T10:00:00+00:00" {
		t.Errorf("moment in UTC: %s", got)
	}
}
