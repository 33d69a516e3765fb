// Package templates draws: typed components, one file a page, with the pieces that pages share beside them. There is no
// HTML anywhere else. The *_templ.go files are generated from the *.templ files by `go generate ./web/...`.
package templates

//go:generate go tool templ generate -lazy

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"itemlens/internal/i18n"
)

// Page is what every page needs beside its own data.
type Page struct {
	L         *i18n.Printer
	Title     string
	Assets    func(name string) string   // address of a static file
	Modules   func(name string) []string // addresses of what a script imports
	LibraryJS string                     // address of the platform's JS library; empty on pages that do without
	Reader    string                     // the name of who reads it; empty where that is not known
	Session   string                     // with which the page asks for more; empty on pages that do not
	Classes   []string                   // of the body: what of cards is shown
	Zone      *string                    // the time zone that the page is written in, where the browser's counts; nil where it does not
	Empty     *bool                      // the user wants to see empty fields; nil where that is not known
	Codes     *bool                      // the user wants to see field codes; nil where that is not known
}

// attributes are what the page's script is told of the page.
func (p Page) attributes() templ.Attributes {
	all := templ.Attributes{"data-failed": p.L.T("tools.failed")}
	if p.Session != "" {
		all["data-session"] = p.Session
	}
	if p.Reader != "" {
		all["data-reader"] = p.Reader
	}
	if len(p.Classes) > 0 {
		all["class"] = strings.Join(p.Classes, " ")
	}
	if p.Zone != nil {
		all["data-zone"] = *p.Zone
	}
	for name, wanted := range map[string]*bool{"data-empty": p.Empty, "data-codes": p.Codes} {
		if wanted != nil {
			all[name] = strconv.FormatBool(*wanted)
		}
	}
	return all
}

// link lets the schemes pass that pages use.
func link(address string) templ.SafeURL {
	for _, scheme := range []string{"https://", "http://", "mailto:", "tel:"} {
		if strings.HasPrefix(address, scheme) {
			return templ.SafeURL(address)
		}
	}
	return "#"
}

// photo is the address of a picture, where it is one that a page may load.
func photo(address string) string {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return address
	}
	return ""
}

// jsonElement carries data for the page's script. The text must hold no "<".
func jsonElement(attribute, json string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		for _, part := range []string{`<script type="application/json" `, attribute, ">", json, "</script>"} {
			if _, err := io.WriteString(w, part); err != nil {
				return err
			}
		}
		return nil
	})
}
