package card

import "testing"

// TestWordsOnColours: white on dark colours, black on light ones, so that each can be read.
func TestWordsOnColours(t *testing.T) {
	for colour, want := range map[string]bool{
		"#000000": false, "#ffffff": true, "#2fc6f6": true, "#47E4C2": true, "#0154c8": false, "#c21b16": false, "#7a7a7a": true, "#727272": false,
	} {
		if got := pale(colour); got != want {
			t.Errorf("%s is pale: %t", colour, got)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Anna Berger": "AB", "Anna Maria Berger": "AB", "anna": "A", "": "", "«Рога и копыта»": "РК", "李 小龙": "李小", "(none)": "N", "a\u0301b ç": "AÇ", "🙂 7": "7",
	} {
		if got := Initials(name, 2); got != want {
			t.Errorf("the initials of %q are %q, want %q", name, got, want)
		}
	}
	if got := Initials("Nordlicht Logistics", 1); got != "N" {
		t.Errorf("one initial: %q", got)
	}
}
