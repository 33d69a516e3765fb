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

// object is PHP's array: keys in order. Whether it is a JSON list or a JSON object is told by its keys alone.
type object struct {
	keys   []string
	values map[string]any
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

// isList reports whether the keys are exactly 0 to n-1 in this order, which is when PHP writes a list.
func (o *object) isList() bool {
	for i, key := range o.keys {
		if key != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// push adds a value under the next number.
func (o *object) push(value any) *object { return o.set(strconv.Itoa(len(o.keys)), value) }

// without is a copy without a member.
func (o *object) without(name string) *object {
	out := newObject()
	for _, key := range o.keys {
		if key != name {
			out.set(key, o.values[key])
		}
	}
	return out
}

// first are the first n values, as a list.
func (o *object) first(n int) *object {
	out := newObject()
	for _, key := range o.keys[:min(n, len(o.keys))] {
		out.push(o.values[key])
	}
	return out
}

// fold finds a member whatever the case of its name, as most methods of the platform's own module do.
func (o *object) fold(name string) any {
	if value, ok := o.values[name]; ok {
		return value
	}
	for _, key := range o.keys {
		if strings.EqualFold(key, name) {
			return o.values[key]
		}
	}
	return nil
}

// foldText is fold for a scalar.
func (o *object) foldText(name string) string { return newObject().set("v", o.fold(name)).text("v") }

// MarshalJSON writes the members in order, as a list where the keys are those of one; an empty array comes out as [].
func (o *object) MarshalJSON() ([]byte, error) {
	if o == nil || len(o.keys) == 0 {
		return []byte("[]"), nil
	}
	open, end, list := byte('{'), byte('}'), o.isList()
	if list {
		open, end = '[', ']'
	}
	out := bytes.NewBuffer([]byte{open})
	for i, key := range o.keys {
		if i > 0 {
			out.WriteByte(',')
		}
		if !list {
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
	out, list := newObject(), delim == '['
	for i := 0; d.More(); i++ {
		key := strconv.Itoa(i)
		if !list {
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
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 == nil && err2 == nil {
			into.setNested(name, value)
		}
	}
}

// setNested sets a value under a name such as filter[@id][0] or select[].
func (o *object) setNested(name, value string) {
	if name == "" {
		return
	}
	head, rest, nested := strings.Cut(name, "[")
	path := []string{head}
	if nested {
		path = append(path, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
	}
	target := o
	for _, step := range path[:len(path)-1] {
		if step == "" {
			step = strconv.Itoa(len(target.keys))
		}
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
