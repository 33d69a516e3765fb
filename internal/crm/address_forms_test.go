package crm_test

import (
	"testing"

	"itemlens/internal/crm"
)

// TestAddressesInUnusualForms: relative ones, with blanks, with parameters in the path, and within each other.
func TestAddressesInUnusualForms(t *testing.T) {
	for text, want := range map[string]string{
		"show.php?auth=1&id=7":                                 "show.php?id=7",
		"https://x.example/my file.pdf?auth=1":                 "https://x.example/my%20file.pdf",
		"https://x.example/a;auth=1;v=2/b?c=3":                 "https://x.example/a;v=2/b?c=3",
		"https://x.example/?u=https%3A%2F%2Fy%2F%3Fauth%3D1":   "https://x.example/?u=https%3A%2F%2Fy%2F",
		"https://x.example/?u=%2F%3Fu%3D%252F%253Ftoken%253D1": "https://x.example/?u=%2F%3Fu%3D%252F",
		"https://x.example/?back=%2Fcrm%2F&id=1":               "https://x.example/?back=%2Fcrm%2F&id=1",
		"?name=my file&auth=1":                                 "?name=my file",
		"https://x.example/%zz?auth=1":                         "https://x.example/%zz",
		"https://ann:auth@x.example/%zz?auth=1":                "",
		"a = b? c; auth=1":                                     "a = b? c; auth=1", // words
		"Is it #5?":                                            "Is it #5?",
		"x@y.example":                                          "x@y.example",
	} {
		if got := crm.WithoutAuthorization(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
