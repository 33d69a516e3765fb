package card

import (
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
)

// file links to the portal's own download, for which the user's session in the portal counts. Its address carries no
// authorization (crm.Item). A file of the item tells its id alone; one on Drive tells its name and size.
func (f *formatter) file(raw []byte) (Piece, bool) {
	text := bitrix24.Text(raw)
	if text != "" {
		if id := crm.PositiveID(text); id > 0 { // the photo of a contact is a bare id
			return Piece{Text: f.L.T("value.file", "ID", id)}, true
		}
		return Piece{Text: text, Raw: true}, text != "0" && text != "false"
	}
	var file bitrix24.Object
	if json.Unmarshal(raw, &file) != nil {
		return Piece{}, false
	}
	member := func(names ...string) string { // those of an item's file, or of one on Drive
		for _, name := range names {
			if text := bitrix24.Text(file[name]); text != "" {
				return text
			}
		}
		return ""
	}
	id := crm.PositiveID(member("id", "ID"))
	if id == 0 {
		return f.structured(&crm.Field{Type: "file"}, raw)
	}
	piece := Piece{Text: member("name", "NAME"), Note: member("SIZE")}
	if size := crm.PositiveID(member("size", "BYTES")); size > 0 {
		piece.Note = f.L.Size(size)
	}
	address := member("url", "VIEW_URL")
	u, err := url.Parse(address)
	switch {
	case err != nil || address == "":
		u = nil
	case !u.IsAbs() && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		piece.Href = f.Origin + address
	case u.IsAbs() && u.Scheme+"://"+u.Host == f.Origin:
		piece.Href = address
	}
	if piece.Text == "" {
		piece.Text = f.L.T("value.file", "ID", id)
		if u != nil && slices.Contains(fileEndings, strings.ToLower(path.Ext(u.Path))) {
			piece.Text = path.Base(u.Path)
		}
	}
	return piece, true
}

// fileEndings tell that the end of an address is a file's own name, and not the page that sends it.
var fileEndings = []string{".pdf", ".doc", ".docx", ".xls", ".xlsx", ".csv", ".txt", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".zip"}
