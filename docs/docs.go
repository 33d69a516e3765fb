// Package docs embeds those of the documents that the app itself serves.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed legal/*.md
var files embed.FS

// Legal holds legal/<document>.<language>.md.
func Legal() fs.FS { return files }
