package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/andybalholm/brotli"
)

// TestPackedFilesAreThoseOfToday: a browser gets the packed file, so an old one is an old page.
func TestPackedFilesAreThoseOfToday(t *testing.T) {
	names, err := staticFiles.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range names {
		plain, err := staticFiles.ReadFile("static/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for ending, unpack := range map[string]func(io.Reader) (io.Reader, error){
			".br": func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
			".gz": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		} {
			packed, err := staticFiles.ReadFile("packed/" + entry.Name() + ending)
			if err != nil {
				t.Fatal(err)
			}
			reader, err := unpack(bytes.NewReader(packed))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s%s holds another file than static/: `go generate ./web` packs it anew (%v)", entry.Name(), ending, err)
			}
		}
	}
	packed, err := staticFiles.ReadDir("packed")
	if err != nil || len(packed) != 2*len(names) {
		t.Errorf("%d packed files of %d: %v", len(packed), len(names), err)
	}
}
