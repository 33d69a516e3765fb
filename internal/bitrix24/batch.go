package bitrix24

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/tracing"
)

// MaxBatch is how many commands a batch may hold (settings/how-to-call-rest-api/batch.md).
const MaxBatch = 50

// Params are parameters of a command: text, numbers, booleans, and nested Params and slices of these.
type Params map[string]any

// Command is one call within a batch. A value may refer to an earlier command's result: Ref("item", "item", "id").
type Command struct {
	Key    string
	Method string
	Params Params
}

// Ref writes a reference to the result of an earlier command of the same batch. Where the path does not resolve, the
// platform passes the reference on as text, so use it only where that does no harm.
func Ref(key string, path ...string) string {
	ref := "$result[" + key + "]"
	for _, step := range path {
		ref += "[" + step + "]"
	}
	return ref
}

// RefID writes a reference to an id in the result of an earlier command of the same batch. The digit before it keeps it text
// for the platform: where the path leads to an id, the value is that number, and where it leads nowhere, it is none, which
// methods refuse or find nothing for. A reference by itself would become whatever was found last, a list too.
func RefID(key string, path ...string) string { return "0" + Ref(key, path...) }

// BatchResult holds the answers of the commands by key. Totals are those that list methods tell.
type BatchResult struct {
	Result Object
	Errors map[string]*Error
	Totals map[string]int
	times  []byte // as they came
}

// Decode reads the result of one command into a value. It returns the command's own error, or one that says that the
// command has no answer.
func (r *BatchResult) Decode(key string, into any) error {
	if err := r.Errors[key]; err != nil {
		return err
	}
	raw, ok := r.Result[key]
	if !ok {
		return &AnswerError{Method: "batch", Status: 200, Kind: "no_result", Err: fmt.Errorf("no answer for %q", key)}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &AnswerError{Method: "batch", Status: 200, Kind: "not_json", Err: fmt.Errorf("read %q: %w", key, err)}
	}
	return nil
}

// Err returns the command's own error, or nil.
func (r *BatchResult) Err(key string) error {
	if err := r.Errors[key]; err != nil {
		return err
	}
	return nil
}

// Batch runs up to MaxBatch commands, in order, in one request; all run even where one fails. An error is about the
// request as a whole; errors of commands are in the result.
func (c *Client) Batch(ctx context.Context, to Target, commands []Command) (*BatchResult, error) {
	if len(commands) == 0 || len(commands) > MaxBatch {
		return nil, fmt.Errorf("batch of %d commands: 1 to %d fit", len(commands), MaxBatch)
	}
	methods, names := make(map[string]string, len(commands)), make([]string, len(commands))
	cmd := []byte(`{"halt":0,"cmd":{`) // written by hand: the commands run in this order, and a map has none
	for i, command := range commands {
		if i > 0 {
			cmd = append(cmd, ',')
		}
		cmd = append(appendText(cmd, command.Key), ':')
		cmd = appendText(cmd, command.line())
		methods[command.Key], names[i] = command.Method, command.Method
	}
	cmd = append(cmd, "}}"...)
	host := EndpointHost(to.Endpoint)
	ctx, span := c.begin(ctx, to, "batch")
	defer span.End()
	span.Number(tracing.Commands, int64(len(commands)))
	if err := c.buckets.blocked(host, names...); err != nil {
		_, stranger := Stranger(ctx)
		c.tell(ctx, span, Observation{Method: c.service + "batch", Code: CodeOf(err), Stranger: stranger})
		return nil, err
	}

	answer, err := c.run(ctx, span, to, "batch", json.RawMessage(cmd))
	if err != nil {
		return nil, err
	}
	answered := time.Now()
	if answer.Result[0] != '{' {
		return nil, &AnswerError{Method: "batch", Status: 200, Kind: "not_json", Err: errors.New("the result is no object")}
	}
	result := &BatchResult{Errors: map[string]*Error{}, Totals: map[string]int{}}
	EachMember(answer.Result, func(name, value []byte) bool {
		switch string(name) {
		case `"result"`:
			result.Result = make(Object, len(commands))
			eachAnswer(value, func(key string, raw []byte) { result.Result[key] = raw })
		case `"result_error"`:
			eachAnswer(value, func(key string, raw []byte) {
				result.Errors[key] = commandError(methods[key], raw)
				result.Errors[key].clean(to.Access)
				c.buckets.learn(host, methods[key], result.Errors[key])
			})
		case `"result_total"`:
			eachAnswer(value, func(key string, raw []byte) { result.Totals[key] = wholeNumber(raw) })
		case `"result_time"`:
			result.times = value
			eachAnswer(value, func(key string, raw []byte) { c.buckets.reset(host, methods[key], resetAt(raw)) })
		}
		return true
	})
	if span.Recording() {
		traceCommands(ctx, span, commands, result, answered)
	}
	return result, nil
}

// traceCommands adds a span for each command. The portal says how long each one took, by its own clock, and they ran one
// after the other, so they are drawn in their order up to the answer; one of which it says nothing has no length.
func traceCommands(ctx context.Context, span tracing.Span, commands []Command, result *BatchResult, answered time.Time) {
	times := make(map[string]time.Duration, len(commands))
	eachAnswer(result.times, func(key string, raw []byte) { times[key] = durationOf(raw) })
	at := answered
	for _, command := range commands {
		at = at.Add(-times[command.Key])
	}
	for _, command := range commands {
		end := at.Add(times[command.Key])
		code := "ok"
		if err := result.Errors[command.Key]; err != nil {
			code = CodeOf(err)
		}
		span.Part(ctx, command.Method, at, end, code)
		at = end
	}
}

// longestCommand bounds what is believed of how long a command took; the platform ends a request after a minute.
const longestCommand = time.Minute

// durationOf reads the member "duration" of a command's time, in seconds.
func durationOf(raw []byte) (took time.Duration) {
	EachMember(raw, func(name, value []byte) bool {
		if string(name) != `"duration"` {
			return true
		}
		if seconds, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64); err == nil && seconds > 0 {
			took = time.Duration(min(seconds, longestCommand.Seconds()) * float64(time.Second))
		}
		return false
	})
	return took
}

// eachAnswer walks what a batch answers by command: an object, or, because PHP knows one kind of array, a list with its
// indexes as keys.
func eachAnswer(raw []byte, do func(key string, value []byte)) {
	if len(raw) > 0 && raw[0] == '[' {
		index := 0
		EachElement(raw, func(value []byte) bool {
			do(strconv.Itoa(index), value)
			index++
			return true
		})
		return
	}
	EachMember(raw, func(name, value []byte) bool {
		do(Text(name), value)
		return true
	})
}

// appendText writes a text as JSON. Lines of commands are encoded for addresses and so need no escaping.
func appendText(out []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			escaped, _ := json.Marshal(text)
			return append(out, escaped...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}

// commandError reads an error of one command. It comes without a status; 400 is what the methods document for theirs.
func commandError(method string, raw json.RawMessage) *Error {
	e := &Error{Method: method, Status: 400}
	var fields struct {
		Error       json.RawMessage `json:"error"`
		Description flexText        `json:"error_description"`
	}
	if json.Unmarshal(raw, &fields) == nil {
		e.Code, _ = errorCode(fields.Error, string(fields.Description))
		e.Description = string(fields.Description)
	}
	return e
}

// line writes the command as the platform wants it: method?query.
func (c Command) line() string {
	query := EncodeParams(c.Params)
	if query == "" {
		return c.Method
	}
	return c.Method + "?" + query
}

// EncodeParams writes nested parameters in PHP's way, a[b][0]=x, sorted by name.
func EncodeParams(params Params) string {
	var out []byte
	for _, name := range sortedKeys(params) {
		out = appendParam(out, url.QueryEscape(name), params[name])
	}
	return string(out)
}

func appendParam(out []byte, name string, value any) []byte {
	switch v := value.(type) {
	case Params:
		for _, key := range sortedKeys(v) {
			out = appendParam(out, name+"["+url.QueryEscape(key)+"]", v[key])
		}
		return out
	case []string:
		for i, item := range v {
			out = appendParam(out, name+"["+strconv.Itoa(i)+"]", item)
		}
		return out
	case bool:
		value = map[bool]string{true: "Y", false: "N"}[v]
	}
	if len(out) > 0 {
		out = append(out, '&')
	}
	out = append(out, name...)
	out = append(out, '=')
	switch v := value.(type) {
	case string:
		return append(out, url.QueryEscape(v)...)
	case int:
		return strconv.AppendInt(out, int64(v), 10)
	case int64:
		return strconv.AppendInt(out, v, 10)
	}
	return append(out, url.QueryEscape(fmt.Sprint(value))...)
}

func sortedKeys(params Params) []string {
	keys := make([]string, 0, len(params))
	for key := range params {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
