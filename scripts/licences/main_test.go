package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLicences that may be are told apart, and none else passes.
func TestLicences(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted, free of charge, ... The above copyright notice and this\n permission notice shall": "MIT",
		"Redistributions of source code must retain ... to endorse or promote products derived":                           "BSD-3-Clause",
		"Redistributions of source code must retain ...":                                                                  "BSD-2-Clause",
		"Apache License\n Version 2.0, January 2004":                                                                      "Apache-2.0",
		"Mozilla Public License Version 2.0 ... GNU GENERAL PUBLIC LICENSE":                                               "MPL-2.0",
		"GNU AFFERO GENERAL PUBLIC LICENSE Version 3 ... Apache License Version 2.0":                                      "",
		"Business Source License 1.1":                                                                                     "",
		"":                                                                                                                "",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	dir := t.TempDir()
	if name, err := licenceIn(dir); err == nil {
		t.Errorf("a module without a licence passes as %q", name)
	}
	if err := os.WriteFile(filepath.Join(dir, "LICENSE.md"), []byte("All rights reserved."), 0o600); err != nil {
		t.Fatal(err)
	}
	if name, err := licenceIn(dir); err == nil {
		t.Errorf("a module whose licence is unknown passes as %q", name)
	}
}
