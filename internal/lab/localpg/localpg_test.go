package localpg_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/localpg"
)

func TestStartsAndStops(t *testing.T) {
	s, err := localpg.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var one int
	if err := conn.QueryRow(context.Background(), "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Fatalf("%d, %v", one, err)
	}
}
