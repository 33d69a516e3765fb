package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// printer prints what a command tells: text for people, or JSON for programs, one object a line.
type printer struct {
	out  io.Writer
	json bool
}

// print prints one thing, in the form that was asked for.
func (p printer) print(value any, text string, args ...any) error {
	if p.json {
		return p.object(value)
	}
	_, err := fmt.Fprintf(p.out, text+"\n", args...)
	return err
}

// object prints one JSON object.
func (p printer) object(value any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
