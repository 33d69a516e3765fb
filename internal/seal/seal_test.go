package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

func newSealer(t *testing.T) *seal.Sealer {
	t.Helper()
	key, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedValueOpensOnlyAtItsPlace(t *testing.T) {
	s := newSealer(t)
	home := seal.Place{MemberID: "m1", UserID: 7, Column: "access_token"}
	sealed, err := s.Seal(secret.New("the token"), home)
	if err != nil || bytes.Contains(sealed, []byte("the token")) {
		t.Fatalf("sealed %q, %v", sealed, err)
	}
	if opened, err := s.Open(sealed, home); err != nil || opened.Reveal() != "the token" {
		t.Fatalf("opened %q, %v", opened.Reveal(), err)
	}
	for _, elsewhere := range []seal.Place{
		{"m2", 7, "access_token"}, {"m1", 8, "access_token"}, {"m1", 7, "refresh_token"},
	} {
		if _, err := s.Open(sealed, elsewhere); !errors.Is(err, seal.ErrUnreadable) {
			t.Errorf("opened at %+v: %v", elsewhere, err)
		}
	}
	if _, err := newSealer(t).Open(sealed, home); !errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("opened with another key: %v", err)
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := s.Open(sealed, home); !errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("opened after tampering: %v", err)
	}
}

func TestBadKeysetsAreRefusedWithoutShowingThem(t *testing.T) {
	for _, bad := range []string{"", "not base64 !", "aGVsbG8gd29ybGQ="} {
		_, err := seal.New(secret.New(bad))
		if err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
