// Command precompress prepares the static files for browsers, for `go generate ./web`: scripts and styles without
// comments and indentation, each file compressed as well as it can be done. That happens once, when the app is built, and
// not for every browser. Files stay files: nothing is bundled, and modules go on importing each other by name. Only the
// design tokens go into the style sheet that imports them: each page needs both.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/andybalholm/brotli"
)

func main() {
	if err := run("static", "packed"); err != nil {
		fmt.Fprintln(os.Stderr, "precompress:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	names, err := filepath.Glob(from + "/*")
	if err != nil {
		return err
	}
	if err := minify(names, to); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, name := range names {
		base := filepath.Base(name)
		plain, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(plain), base)
		if base == tokens {
			continue
		}
		small, err := os.ReadFile(filepath.Join(to, base))
		if os.IsNotExist(err) { // neither script nor style
			small = plain
			err = os.WriteFile(filepath.Join(to, base), small, 0o644)
		}
		if err != nil {
			return err
		}
		if err := pack(small, filepath.Join(to, base)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(to, "sources"), sums.Bytes(), 0o644)
}

// tokens is the style sheet that app.css imports.
const tokens = "tokens.css"

// minify has esbuild, which the tools' module pins, write scripts and styles as small as they can be with their names kept.
func minify(names []string, to string) error {
	for _, ending := range []string{".js", ".css"} {
		args := []string{"tool", "-modfile=../tools/go.mod", "esbuild", "--minify", "--target=es2022", "--charset=utf8", "--log-level=warning", "--outdir=" + to}
		if ending == ".css" {
			args = append(args, "--bundle")
		}
		for _, name := range names {
			if filepath.Ext(name) == ending && filepath.Base(name) != tokens {
				args = append(args, name)
			}
		}
		command := exec.Command("go", args...)
		command.Stderr = os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("esbuild: %w", err)
		}
	}
	return nil
}

// pack writes a file in the encodings that browsers take.
func pack(content []byte, name string) error {
	for ending, writer := range map[string]func(io.Writer) io.WriteCloser{
		".br": func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, brotli.BestCompression) },
		".gz": func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.BestCompression); return z },
	} {
		var out bytes.Buffer
		w := writer(&out)
		if _, err := w.Write(content); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(name+ending, out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
