package docs_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMarketPicturesAreAsTheMarketWantsThem reads the pictures that are handed to the marketplace: their sizes, that nothing shows
// through, that each view is there in both languages, and that the README names each
// (market/preparing-to-publish/common-requirements.md).
func TestMarketPicturesAreAsTheMarketWantsThem(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("market", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("market", "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		name := filepath.Base(file)
		names = append(names, name)
		if !strings.Contains(string(readme), "]("+name+")") {
			t.Errorf("the README does not name %s", name)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if opaque, ok := picture.(interface{ Opaque() bool }); !ok || !opaque.Opaque() {
			t.Errorf("%s is transparent", name)
		}
		wide, high := 1280, 720
		if strings.HasPrefix(name, "icon-") {
			wide, high = 512, 512
		}
		if size := picture.Bounds().Size(); size.X != wide || size.Y != high {
			t.Errorf("%s is %v, want %d by %d", name, size, wide, high)
		}
	}
	want := []string{"card-en.png", "card-ru.png", "fields-en.png", "fields-ru.png", "history-en.png", "history-ru.png", "icon-512.png", "search-en.png", "search-ru.png", "settings-en.png", "settings-ru.png"}
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("there are %v, want %v", names, want)
	}
}
