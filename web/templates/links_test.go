package templates

import (
	"strings"
	"testing"

	"itemlens/internal/card"
	"itemlens/internal/i18n"
	"itemlens/web/locales"
)

// TestLinksAndPicturesHaveSafeSchemes: a link of any other scheme leads nowhere, and no such picture is loaded.
func TestLinksAndPicturesHaveSafeSchemes(t *testing.T) {
	catalog, err := i18n.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	draw := func(p card.Piece) string {
		var out strings.Builder
		if err := fields(catalog.For("en"), []card.Row{{Code: "x", Title: "X", Pieces: []card.Piece{p}}}).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, address := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://x", "//x.example/", "/x", "intent:x",
	} {
		if page := draw(card.Piece{Text: "x", Href: address}); !strings.Contains(page, `href="#"`) || strings.Contains(page, address) {
			t.Errorf("link %q: %s", address, page)
		}
		if page := draw(card.Piece{Text: "x", Photo: address}); strings.Contains(page, "<img") || !strings.Contains(page, "x") || strings.Contains(page, address) {
			t.Errorf("photo %q: %s", address, page)
		}
	}
	for _, address := range []string{"https://x.example/a?b=1", "http://x.example/", "mailto:a@b.example", "tel:+12025550110"} {
		if page := draw(card.Piece{Text: "x", Href: address}); !strings.Contains(page, `href="`+address+`"`) {
			t.Errorf("link %q: %s", address, page)
		}
	}
	if page := draw(card.Piece{Text: "x", Photo: "https://x.example/a.png"}); !strings.Contains(page, `src="https://x.example/a.png"`) {
		t.Error(page)
	}
	if page := draw(card.Piece{Text: `<script>"'`, Note: `<i>`, Photo: `https://x.example/"><script>`}); strings.Contains(page, "<script>") || strings.Contains(page, "<i>") {
		t.Errorf("foreign text is no text: %s", page)
	}
}
