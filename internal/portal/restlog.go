package portal

import (
	"errors"
	"time"
)

// ErrNoPartition is returned where the REST log has no partition for the day of a line.
var ErrNoPartition = errors.New("the REST log has no partition for this day")

// RESTLine is one request that the app made to a portal, and what came of it, as the REST log keeps it.
type RESTLine struct {
	ID        int64 // in the order of writing; 0 before
	MemberID  MemberID
	UserID    UserID // whose token was used; 0 where nobody had said yet
	At        time.Time
	Duration  time.Duration
	Method    string   // as it was called, such as "batch"
	Commands  []string // each method that ran, with the type and the id that it asked for, such as "crm.item.get 2/20"
	Status    int      // of HTTP; 0 where no answer came
	Code      string   // "ok", the platform's error code, or a kind of failure
	RequestID string   // of the page that asked; empty of background work
	// Request and Answer are the bodies, without secrets, and how many bytes of each were left out.
	Request, Answer       string
	RequestCut, AnswerCut int
}

// RESTLogFilter chooses lines of the REST log. Empty members choose everything.
type RESTLogFilter struct {
	MemberID     MemberID
	Since, Until time.Time
	Method, Code string // Method is that of a command, or of the request
	RequestID    string
	After        int64 // lines with larger ids
}
