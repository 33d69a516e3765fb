package portalsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// batchLength is how many commands a batch may have.
const batchLength = 50

// batch runs commands in order, each able to use the results before it (settings/how-to-call-rest-api/batch.md). Without
// cmd there is an empty result; commands that are no text are passed over.
func (c *call) batch() (any, *apiError) {
	commands, _ := c.params.fold("cmd").(*object)
	if commands == nil {
		commands = newObject()
	}
	halt := truthy(c.params.fold("halt"))
	so := newObject() // what references may name
	for _, name := range []string{"result", "next", "total", "time", "error"} {
		so.set(name, newObject())
	}
	of := func(name string) *object { return so.values[name].(*object) }
	for i, key := range commands.keys {
		command, ok := commands.values[key].(string)
		if !ok {
			continue
		}
		start := time.Now()
		name, query, _ := strings.Cut(command, "?")
		name = strings.ToLower(name)
		params := newObject()
		decodeQuery(params, query)
		c.portal.sim.resolve(params, so)
		sub := *c
		sub.params, sub.total, sub.next = params, nil, nil
		var result any
		var refusal *apiError
		switch {
		case i >= batchLength:
			refusal = failure(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
		case slices.Contains([]string{"batch", "download", "upload"}, name):
			refusal = failure(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
		default:
			result, refusal = sub.run(name)
		}
		if refusal != nil && refusal.fatal {
			return nil, refusal
		}
		if refusal != nil {
			of("error").set(key, c.portal.sim.varyError(refusal).body())
			if halt {
				break
			}
			continue
		}
		plain, _ := json.Marshal(result)
		tree, _ := decodeJSON(plain) // the form that later commands refer to
		of("result").set(key, tree)
		if sub.total != nil {
			of("total").set(key, json.Number(strconv.Itoa(*sub.total)))
		}
		if sub.next != nil {
			of("next").set(key, json.Number(strconv.Itoa(*sub.next)))
		}
		of("time").set(key, sub.timing(start))
	}
	return newObject().set("result", of("result")).set("result_error", of("error")).set("result_total", of("total")).
		set("result_next", of("next")).set("result_time", of("time")), nil
}

var (
	reference = regexp.MustCompile(`(?i)\$(result|next|total|time|error)(\S*)`)
	step      = regexp.MustCompile(`\[([^\]]+)\]`)
)

// resolve puts what came before in place of $result[key][field] in a command's parameters.
func (s *Sim) resolve(params, so *object) {
	for _, key := range params.keys {
		switch v := params.values[key].(type) {
		case *object:
			s.resolve(v, so)
		case string:
			params.values[key] = s.resolveText(v, so)
		}
	}
}

// resolveText follows a reference as far as it leads; a member that is null leads nowhere. A value that is a reference and
// nothing else becomes whatever was found, an array too; within a text, numbers and texts alone are put in.
func (s *Sim) resolveText(text string, so *object) any {
	for _, match := range reference.FindAllStringSubmatch(text, -1) {
		steps := step.FindAllStringSubmatch(match[2], -1)
		if steps == nil {
			continue
		}
		found := so.values[match[1]]
		for _, st := range steps {
			o, ok := found.(*object)
			if !ok || o.values[st[1]] == nil {
				break
			}
			found = o.values[st[1]]
		}
		_, isArray := found.(*object)
		switch {
		case match[0] == text:
			return found
		case !isArray && found != nil && found != true && found != false:
			text = strings.ReplaceAll(text, match[0], fmt.Sprint(found))
		}
	}
	return text
}

// collapse is what is left of a request when the platform's code throws what nobody catches: a text and no JSON.
func collapse(why string) *apiError {
	return &apiError{status: http.StatusInternalServerError, code: "INTERNAL_SERVER_ERROR", description: why, fatal: true}
}
