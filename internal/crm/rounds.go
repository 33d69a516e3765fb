package crm

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// rounds asks a portal in as few requests as there can be: what is known to be needed goes together, and what an answer
// shows to be needed goes with the next request.
type rounds struct {
	waiting []question
	asked   int // commands so far
	group   int // of what is asked together now; 0 for none
	groups  int
	failed  bool // an answer is missing for a reason that passes
}

// question is a command with what is done with its answer.
type question struct {
	command bitrix24.Command
	take    func(answer)
	group   int // of commands that refer to each other's results, and so belong into one request
}

// answer is what a command was answered.
type answer struct {
	raw   json.RawMessage
	total int
	err   error
}

// ask puts a command into the next request. One without a key gets one.
func (r *rounds) ask(command bitrix24.Command, take func(answer)) {
	if command.Key == "" {
		command.Key = "q" + strconv.Itoa(r.asked+len(r.waiting))
	}
	r.waiting = append(r.waiting, question{command, take, r.group})
}

// together has everything that is asked meanwhile go with one request: a few commands of which one refers to another's result.
func (r *rounds) together(ask func()) {
	r.groups++
	r.group = r.groups
	ask()
	r.group = 0
}

// cut is how many of the waiting commands go with the next request.
func (r *rounds) cut() int {
	n := min(len(r.waiting), bitrix24.MaxBatch-1)
	for n > 1 && n < len(r.waiting) && r.waiting[n].group != 0 && r.waiting[n].group == r.waiting[n-1].group {
		n--
	}
	return n
}

// run asks until nothing is left to ask, with at most so many requests. learn sees each answer as a whole before its parts
// are taken; its error ends it all, as the error of a request does.
func (r *rounds) run(ctx context.Context, v Viewer, most int, learn func(*bitrix24.BatchResult) error) error {
	for round := 0; round < most && len(r.waiting) > 0; round++ {
		now := r.waiting[:r.cut()]
		r.waiting = append([]question(nil), r.waiting[len(now):]...)
		r.asked += len(now)
		commands := make([]bitrix24.Command, len(now))
		for i, q := range now {
			commands[i] = q.command
		}
		result, err := v.Batch(ctx, commands)
		if err != nil {
			return err
		}
		if err := learn(result); err != nil {
			return err
		}
		for _, q := range now {
			if q.take == nil {
				continue
			}
			raw, err := result.Raw(q.command.Key)
			r.failed = r.failed || err != nil && passes(err)
			q.take(answer{raw, result.Totals[q.command.Key], err})
		}
	}
	r.failed = r.failed || len(r.waiting) > 0
	return nil
}

// passes reports that a command may be answered another time: it was neither refused for good, nor asked for what there is
// not, a field or an id (INVALID_ARG_VALUE; 100 of a value that is none; 0 of crm.type.* about a type that is none).
func passes(err error) bool {
	var platform *bitrix24.Error
	if errors.As(err, &platform) && slices.Contains([]string{"INVALID_ARG_VALUE", "100", "0"}, strings.ToUpper(platform.Code)) {
		return false
	}
	return !isLasting(err)
}
