// Command licences lists the licence of every module that is linked into the product, and fails where one is not among those
// that may be, or where the list in docs/licences.txt is not up to date. With -write it writes the list.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const list = "docs/licences.txt"

func main() {
	write := flag.Bool("write", false, "write "+list)
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	lines, err := modules("./cmd/app")
	if err != nil {
		return err
	}
	text := "Modules that are linked into the product, with their licences. `make licences` writes and checks this list.\n\n" + strings.Join(lines, "\n") + "\n"
	if write {
		return os.WriteFile(list, []byte(text), 0o644)
	}
	there, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	if string(there) != text {
		return errors.New(list + " is not up to date: `go run ./scripts/licences -write`")
	}
	return nil
}

// modules lists path, version and licence of every module that a program is made of. The error names those without a licence
// that may be.
func modules(program string) ([]string, error) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", program)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, &problems)
	}
	var lines []string
	var refused []error
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		name, err := licenceIn(fields[2])
		if err != nil {
			refused = append(refused, fmt.Errorf("%s: %w", fields[0], err))
		}
		lines = append(lines, fields[0]+" "+fields[1]+" "+name)
	}
	slices.Sort(lines)
	return slices.Compact(lines), errors.Join(refused...)
}

// licenceIn names the licence of the module in a directory.
func licenceIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		if !strings.HasPrefix(name, "LICENSE") && !strings.HasPrefix(name, "LICENCE") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", err
		}
		if found := licenceOf(string(text)); found != "" {
			return found, nil
		}
		return "", fmt.Errorf("%s is none of the licences that may be", entry.Name())
	}
	return "", errors.New("has no licence")
}

// licenceOf names a licence that may be by words that only its text has; empty for all others.
func licenceOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(words ...string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	}
	switch {
	case has("GNU", "GENERAL PUBLIC LICENSE") && !has("Mozilla Public License"): // the MPL names the GPL among its secondary licences
		return ""
	case has("Apache License", "Version 2.0"):
		return "Apache-2.0"
	case has("Mozilla Public License", "2.0"):
		return "MPL-2.0"
	case has("Permission is hereby granted, free of charge", "The above copyright notice and this permission notice"):
		return "MIT"
	case has("Redistributions of source code must retain", "endorse or promote products"):
		return "BSD-3-Clause"
	case has("Redistributions of source code must retain"):
		return "BSD-2-Clause"
	case has("Permission to use, copy, modify, and/or distribute this software"), has("Permission to use, copy, modify, and distribute this software"):
		return "ISC"
	}
	return ""
}
