package portalsim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// transport lets a method that is called as name.xml answer XML (settings/how-to-call-rest-api/general-principles.md); the
// answer is written when finish is called. Every other name answers JSON, at once.
func transport(w http.ResponseWriter, path string) (out http.ResponseWriter, finish func()) {
	if !strings.HasSuffix(strings.ToLower(strings.TrimRight(path, "/")), ".xml") {
		return w, func() {}
	}
	x := &xmlWriter{ResponseWriter: w, status: http.StatusOK}
	return x, x.finish
}

// xmlWriter keeps a JSON answer and writes it as XML.
type xmlWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (x *xmlWriter) WriteHeader(status int) { x.status = status }

func (x *xmlWriter) Write(text []byte) (int, error) { return x.body.Write(text) }

func (x *xmlWriter) finish() {
	value, err := decodeJSON(x.body.Bytes())
	if err != nil { // a fault's answer is no JSON: as it is
		x.ResponseWriter.WriteHeader(x.status)
		_, _ = x.ResponseWriter.Write(x.body.Bytes())
		return
	}
	var out bytes.Buffer
	out.WriteString(xml.Header + "<response>")
	writeXML(&out, value)
	out.WriteString("</response>")
	x.Header().Set("Content-Type", "text/xml; charset=utf-8")
	x.ResponseWriter.WriteHeader(x.status)
	_, _ = x.ResponseWriter.Write(out.Bytes())
}

var xmlName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// writeXML writes members as elements of their names; those of lists are called item, as names may not begin with digits.
func writeXML(out *bytes.Buffer, value any) {
	o, ok := value.(*object)
	if !ok {
		if value != nil {
			_ = xml.EscapeText(out, []byte(fmt.Sprint(value)))
		}
		return
	}
	for _, key := range o.keys {
		name := key
		if !xmlName.MatchString(key) {
			name = "item"
		}
		fmt.Fprintf(out, "<%s>", name)
		writeXML(out, o.values[key])
		fmt.Fprintf(out, "</%s>", name)
	}
}
