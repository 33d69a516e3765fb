// Package locales holds the messages of the app, one file a language.
package locales

import "embed"

// Files holds <language>.json.
//
//go:embed *.json
var Files embed.FS
