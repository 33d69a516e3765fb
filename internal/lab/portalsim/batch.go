package portalsim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// batch runs commands in order, each able to use the results before it (settings/how-to-call-rest-api/batch.md).
func (c *call) batch() (any, *apiError) {
	commands, _ := c.params.get("cmd").(*object)
	if commands == nil {
		return nil, &apiError{400, "ERROR_ARGUMENT", "Argument 'cmd' is null or empty", newObject().set("argument", "cmd")}
	}
	halt := slices.Contains([]string{"1", "Y", "true"}, c.params.text("halt"))
	results, errs, totals, nexts, times := newObject(), newObject(), newObject(), newObject(), newObject()
	results.list, errs.list = commands.list, false
	for i, key := range commands.keys {
		start := time.Now()
		name, query, _ := strings.Cut(commands.text(key), "?")
		name = strings.ToLower(name)
		params := newObject()
		decodeQuery(params, query)
		substitute(params, results)
		sub := *c
		sub.params, sub.total, sub.next = params, nil, nil
		var result any
		var refusal *apiError
		switch {
		case i >= 50:
			refusal = &apiError{400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded", nil}
		case name == "batch":
			refusal = &apiError{405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", nil}
		default:
			result, refusal = sub.run(name)
		}
		if refusal != nil {
			errs.set(key, c.portal.sim.varyError(refusal).body())
			if halt {
				break
			}
			continue
		}
		plain, _ := json.Marshal(result)
		tree, _ := decodeJSON(plain) // the form that later commands refer to
		results.set(key, tree)
		if sub.total != nil {
			totals.set(key, *sub.total)
		}
		if sub.next != nil {
			nexts.set(key, *sub.next)
		}
		times.set(key, sub.timing(start))
	}
	return newObject().set("result", results).set("result_error", errs).set("result_total", totals).
		set("result_next", nexts).set("result_time", times), nil
}

var reference = regexp.MustCompile(`\$result((?:\[[^\]\s]+\])+)`)

// substitute puts results in place of $result[key][field]; what does not resolve to a scalar stays as text.
func substitute(params *object, results *object) {
	for _, key := range params.keys {
		switch v := params.values[key].(type) {
		case *object:
			substitute(v, results)
		case string:
			params.values[key] = reference.ReplaceAllStringFunc(v, func(ref string) string {
				path := strings.Split(strings.Trim(strings.TrimPrefix(ref, "$result"), "[]"), "][")
				switch found := results.get(path...).(type) {
				case nil, *object:
					return ref
				default:
					return fmt.Sprint(found)
				}
			})
		}
	}
}
