package portalsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object that keeps its order, as PHP's arrays do; list says that it came as a list.
type object struct {
	keys   []string
	values map[string]any
	list   bool
}

func newObject() *object { return &object{values: map[string]any{}} }

func (o *object) set(key string, value any) *object {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
	return o
}

func (o *object) get(path ...string) any {
	var value any = o
	for _, key := range path {
		next, ok := value.(*object)
		if !ok || next == nil {
			return nil
		}
		value = next.values[key]
	}
	return value
}

// text reads a scalar as text.
func (o *object) text(path ...string) string {
	switch v := o.get(path...).(type) {
	case nil, *object:
		return ""
	case bool:
		return map[bool]string{true: "Y", false: "N"}[v]
	default:
		return fmt.Sprint(v)
	}
}

func (o *object) int(path ...string) int {
	n, _ := strconv.Atoi(o.text(path...))
	return n
}

// texts reads a scalar or a list of scalars.
func (o *object) texts(path ...string) []string {
	nested, ok := o.get(path...).(*object)
	if !ok {
		if t := o.text(path...); t != "" {
			return []string{t}
		}
		return nil
	}
	var out []string
	for _, key := range nested.keys {
		out = append(out, nested.text(key))
	}
	return out
}

// only keeps the members that a select names; an empty one, or *, keeps all.
func (o *object) only(names []string) *object {
	if len(names) == 0 || slices.Contains(names, "*") {
		return o
	}
	out := newObject()
	for _, key := range o.keys {
		if key == "id" || slices.Contains(names, key) {
			out.set(key, o.values[key])
		}
	}
	return out
}

// MarshalJSON writes the members in order; an empty object comes out as [], as PHP has it.
func (o *object) MarshalJSON() ([]byte, error) {
	if o == nil || len(o.keys) == 0 {
		return []byte("[]"), nil
	}
	open, end := byte('{'), byte('}')
	if o.list {
		open, end = '[', ']'
	}
	out := bytes.NewBuffer([]byte{open})
	for i, key := range o.keys {
		if i > 0 {
			out.WriteByte(',')
		}
		if !o.list {
			name, _ := json.Marshal(key)
			out.Write(append(name, ':'))
		}
		value, err := json.Marshal(o.values[key])
		if err != nil {
			return nil, err
		}
		out.Write(value)
	}
	out.WriteByte(end)
	return out.Bytes(), nil
}

// decodeJSON reads any JSON value with order kept and numbers as written.
func decodeJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return decodeValue(d, 0)
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > 50 {
		return nil, errors.New("nested too deeply")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, nested := t.(json.Delim)
	if !nested {
		return t, nil
	}
	out := newObject()
	out.list = delim == '['
	for i := 0; d.More(); i++ {
		key := strconv.Itoa(i)
		if !out.list {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ = name.(string)
		}
		value, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		out.set(key, value)
	}
	_, err = d.Token()
	return out, err
}

// decodeQuery reads name=value pairs with PHP's nested names into an object, in order.
func decodeQuery(into *object, query string) {
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || name == "" {
			continue
		}
		head, rest, nested := strings.Cut(name, "[")
		path := []string{head}
		if nested {
			path = append(path, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
		}
		target := into
		for _, step := range path[:len(path)-1] {
			next, ok := target.values[step].(*object)
			if !ok {
				next = newObject()
				target.set(step, next)
			}
			target = next
		}
		last := path[len(path)-1]
		if last == "" {
			last = strconv.Itoa(len(target.keys))
		}
		target.set(last, value)
	}
}
