package bitrix24

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/secret"
)

// The events of the app's life (api-reference/common/events/).
const (
	OnAppInstall   = "ONAPPINSTALL"
	OnAppUpdate    = "ONAPPUPDATE"
	OnAppUninstall = "ONAPPUNINSTALL"
	OnAppPayment   = "ONAPPPAYMENT"
)

// SchemaEvents lists the events that tell that fields, dictionaries or types of a portal have changed: the lists of events of the pages
// api-reference/crm/{leads,deals,contacts,companies,quote}/…/events, universal/events/type, universal/userfieldconfig/events
// and currency/events. The platform has none for statuses and pipelines.
func SchemaEvents() []string {
	var events []string
	for _, of := range []string{"LEAD", "DEAL", "CONTACT", "COMPANY", "QUOTE", "TYPE"} {
		for _, what := range []string{"ADD", "UPDATE", "DELETE", "SETENUMVALUES"} {
			events = append(events, "ONCRM"+of+"USERFIELD"+what)
		}
	}
	for _, of := range []string{"TYPE", "CURRENCY"} {
		for _, what := range []string{"ADD", "UPDATE", "DELETE"} {
			events = append(events, "ONCRM"+of+what)
		}
	}
	return events
}

// IsSchemaEvent reports whether an event tells that fields, dictionaries or types have changed.
func IsSchemaEvent(name string) bool { return slices.Contains(SchemaEvents(), name) }

// IsTypeEvent reports whether an event tells of a smart process that is new, changed or gone.
func IsTypeEvent(name string) bool {
	return name == "ONCRMTYPEADD" || name == "ONCRMTYPEUPDATE" || name == "ONCRMTYPEDELETE"
}

// Event is what the platform posts to an event handler (api-reference/events/index.md). Nothing in it is proven.
type Event struct {
	Name string    // in upper case
	Time time.Time // when the event was sent; zero where the event does not say
	Auth EventAuth
	form url.Values
}

// EventAuth tells where an event comes from. Tokens are missing where no user acted, and always with OnAppUninstall.
type EventAuth struct {
	MemberID         string
	Domain           string
	ServerEndpoint   string
	Access           secret.Text
	Refresh          secret.Text // with OnAppInstall and OnAppUpdate alone
	ApplicationToken secret.Text
}

// Data is a value of the event's data, such as Data("FIELDS", "ID"); empty where there is none.
func (e *Event) Data(path ...string) string {
	return e.form.Get("data[" + strings.Join(path, "][") + "]")
}

// ParseEvent reads a posted event. Errors are as for ParseAppRequest.
func ParseEvent(r *http.Request) (*Event, error) {
	form, err := postedForm(r)
	if err != nil {
		return nil, err
	}
	auth := func(name string) string { return form.Get("auth[" + name + "]") }
	event := &Event{
		Name: strings.ToUpper(form.Get("event")),
		Auth: EventAuth{
			MemberID:         auth("member_id"),
			Domain:           CanonicalHost(auth("domain")),
			ServerEndpoint:   auth("server_endpoint"),
			Access:           secret.New(auth("access_token")),
			Refresh:          secret.New(auth("refresh_token")),
			ApplicationToken: secret.New(auth("application_token")),
		},
		form: form,
	}
	secret.Note(r.Context(), event.Auth.Access, event.Auth.Refresh, event.Auth.ApplicationToken)
	if seconds, err := strconv.ParseInt(form.Get("ts"), 10, 64); err == nil && seconds > 0 && seconds < 1<<40 {
		event.Time = time.Unix(seconds, 0)
	}
	switch {
	case !validEventName(event.Name):
		return nil, &FormError{"event", "is missing or malformed"}
	case !validMemberID(event.Auth.MemberID):
		return nil, &FormError{"auth[member_id]", "is missing or malformed"}
	}
	for _, name := range []string{"access_token", "refresh_token", "application_token", "domain", "server_endpoint"} {
		if len(auth(name)) > 1024 {
			return nil, &FormError{"auth[" + name + "]", "is too long"}
		}
	}
	return event, nil
}

// validEventName bounds what goes to the log as the name of an event: the longest that is documented has 40 characters.
func validEventName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, r := range name {
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}
