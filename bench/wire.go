package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// wire is what a browser that was never here before receives to show a page: bytes from the socket, headers and all.
type wire struct {
	page, files int64
	count       int // of files
}

func (w wire) total() int64 { return w.page + w.files }

// cold opens a page as a browser does and then fetches what it needs of its own origin: styles, scripts, the modules that
// these import, pictures. The platform's library comes from the platform and is not counted.
func cold(ctx context.Context, l *load) (wire, error) {
	v, request := l.next()
	plain, _, err := exchange(ctx, v.address, request) // read for its links
	if err != nil {
		return wire{}, err
	}
	text, err := plain.decode()
	if err != nil {
		return wire{}, err
	}
	todo, err := links(text)
	if err != nil {
		return wire{}, err
	}
	compressed := &load{visitors: l.visitors, accept: likeChrome}
	_, came, err := compressed.open(ctx)
	if err != nil {
		return wire{}, err
	}
	w := wire{page: came}
	var seen []string
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if slices.Contains(seen, path) {
			continue
		}
		seen = append(seen, path)
		_, came, err := get(ctx, v.address, path)
		if err != nil {
			return w, fmt.Errorf("fetch %s: %w", path, err)
		}
		w.files += came
		w.count++
		if strings.Contains(path, ".js") {
			script, err := plainFile(ctx, v.address, path)
			if err != nil {
				return w, err
			}
			todo = append(todo, imports(path, script)...)
		}
	}
	return w, nil
}

// plainFile fetches a file without compression, to read what it imports.
func plainFile(ctx context.Context, address, path string) (string, error) {
	p, _, err := exchange(ctx, address, []byte("GET "+path+" HTTP/1.1\r\nHost: "+address+"\r\nAccept-Encoding: identity\r\n\r\n"))
	if err != nil {
		return "", err
	}
	text, err := p.decode()
	if err != nil {
		return "", err
	}
	all, err := io.ReadAll(text)
	return string(all), err
}

// links are the files of the own origin that a page needs to be shown.
func links(page io.Reader) ([]string, error) {
	root, err := html.Parse(page)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var found []string
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		attribute := map[string]string{}
		for _, a := range node.Attr {
			attribute[a.Key] = a.Val
		}
		address := ""
		switch node.Data {
		case "script", "img":
			address = attribute["src"]
		case "link":
			if rel := attribute["rel"]; rel == "stylesheet" || rel == "modulepreload" || rel == "preload" {
				address = attribute["href"]
			}
		}
		if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") {
			found = append(found, address)
		}
	}
	return found, nil
}

// imported finds what a module imports at once; what it imports later, when it is needed, is in parentheses.
var imported = regexp.MustCompile(`(?m)^\s*(?:import|export)\b[^"'(;]*["']([^"']+)["']`)

// imports are the addresses of the modules that a script at a path imports.
func imports(path, script string) []string {
	var found []string
	for _, match := range imported.FindAllStringSubmatch(script, -1) {
		switch name := match[1]; {
		case strings.HasPrefix(name, "./"):
			found = append(found, path[:strings.LastIndexByte(path, '/')+1]+name[2:])
		case strings.HasPrefix(name, "/"):
			found = append(found, name)
		}
	}
	return found
}
