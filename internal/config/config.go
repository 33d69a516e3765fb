// Package config reads what the operator sets: environment variables named ITEMLENS_*, and flags of the same names.
// Secrets may also come from files, named by ITEMLENS_*_FILE. Everything is checked at once, so that one start tells
// every problem.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// Raw is the configuration as given; kong fills it from flags and the environment. Every value is text here, so that a
// wrong one is reported beside all others.
type Raw struct {
	PublicURL             string `help:"Address at which portals reach the app, such as https://lens.example.com." placeholder:"URL"`
	Listen                string `help:"Address to serve portals on." default:":8080" placeholder:"ADDRESS"`
	OperatorListen        string `help:"Address for /healthz, /readyz, /metrics and the queue's pages. Do not make it public." default:"127.0.0.1:8081" placeholder:"ADDRESS"`
	QueueUI               string `name:"queue-ui" help:"Pages about the job queue at /queue/ of the operator's address: off, read, or write (cancel, retry and delete jobs, pause queues)." default:"off" placeholder:"MODE"`
	OperatorPassword      string `help:"Password for those pages, of any user name, or the token of a Bearer header; 16 characters at least. Secret." placeholder:"SECRET"`
	OperatorPasswordFile  string `help:"File with that password." placeholder:"FILE"`
	DatabaseURL           string `help:"Connection URL of Postgres, such as postgres://user@host/itemlens?sslmode=verify-full. Secret." placeholder:"URL"`
	DatabaseURLFile       string `help:"File with the database URL." placeholder:"FILE"`
	DatabaseMaxConns      string `help:"Maximum number of connections to Postgres." default:"20" placeholder:"N"`
	DatabaseDirectURL     string `help:"Connection URL for migrations, where the database URL leads to a pooler such as PgBouncer. Secret." placeholder:"URL"`
	DatabaseDirectURLFile string `help:"File with that URL." placeholder:"FILE"`
	Migrate               string `help:"Apply migrations at start (true or false)." default:"false" placeholder:"BOOL"`
	ClientID              string `help:"client_id of the app, as registered with Bitrix24." placeholder:"ID"`
	ClientSecret          string `help:"client_secret of the app. Secret." placeholder:"SECRET"`
	ClientSecretFile      string `help:"File with the client_secret." placeholder:"FILE"`
	Keyset                string `help:"Keys that encrypt tokens in the database; make them with 'app keys generate'. Secret." placeholder:"KEYSET"`
	KeysetFile            string `help:"File with the keyset." placeholder:"FILE"`
	OAuthServers          string `name:"oauth-servers" help:"Trusted OAuth servers, comma separated; the first is the default." default:"https://oauth.bitrix.info,https://oauth.bitrix24.tech" placeholder:"URLS"`
	JSLibraryURL          string `name:"js-library-url" help:"Where pages load the platform's JS library from." default:"https://api.bitrix24.com/api/v1/" placeholder:"URL"`
	AllowPrivate          string `help:"Allow portals on plain http and private addresses (true or false). Never for a marketplace app." default:"false" placeholder:"BOOL"`
	PortalTimeout         string `help:"How long a portal may take to answer one request." default:"20s" placeholder:"DURATION"`
	OAuthTimeout          string `name:"oauth-timeout" help:"How long an OAuth server may take to answer one request." default:"10s" placeholder:"DURATION"`
	PortalRate            string `help:"Requests a second to one portal in the long run; 0: what its plan allows, 5 for Enterprise and 2 for others." default:"0" placeholder:"N"`
	PortalBurst           string `help:"Requests to one portal at once; 0: what its plan allows less a tenth, 225 for Enterprise and 45 for others." default:"0" placeholder:"N"`
	PortalWait            string `help:"How long a page waits for a busy portal before it says so." default:"8s" placeholder:"DURATION"`
	OAuthRate             string `name:"oauth-rate" help:"Requests a second to the OAuth servers for tokens that are not verified yet; one client address gets a fifth." default:"5" placeholder:"N"`
	TrustedProxies        string `help:"Networks of your proxies, whose X-Forwarded-For is trusted, comma separated, such as 10.0.0.0/8." placeholder:"CIDRS"`
	MaxConnections        string `help:"Maximum number of open connections from portals and browsers; more have to wait." default:"10000" placeholder:"N"`
	SchemaLife            string `help:"How long field titles, dictionaries and names are cached." default:"10m" placeholder:"DURATION"`
	CacheBytes            string `help:"Memory for that cache in bytes, all portals together; one portal gets at most an eighth." default:"67108864" placeholder:"N"`
	RESTLogDays           string `name:"rest-log-days" help:"Days to keep requests to portals and their answers; the marketplace wants 3. 0 keeps none." default:"3" placeholder:"N"`
	DrainDelay            string `help:"How long to go on serving after SIGTERM, not ready any more, so that the balancer sends new requests elsewhere." default:"5s" placeholder:"DURATION"`
	KeepAliveSpread       string `help:"Period over which renewals of installers' tokens are spread." default:"20h" placeholder:"DURATION"`
	Vendor                string `help:"Your name, as licensor, in the privacy policy and the license agreement." placeholder:"NAME"`
	Support               string `help:"E-mail address or https:// address of your support, in the same texts." placeholder:"ADDRESS"`
	LogLevel              string `help:"Log level: debug, info, warn or error." default:"info" placeholder:"LEVEL"`
}

// Config is the configuration, checked.
type Config struct {
	PublicURL         string // without "/" at the end
	Listen            string
	OperatorListen    string
	QueueUI           QueueUI
	OperatorPassword  secret.Text // none where QueueUI is off
	DatabaseURL       secret.Text
	DatabaseDirectURL secret.Text // DatabaseURL, where there is no pooler
	DatabaseMaxConns  int32
	Migrate           bool
	ClientID          string
	ClientSecret      secret.Text
	Sealer            *seal.Sealer
	OAuthServers      []string
	JSLibraryURL      string
	AllowPrivate      bool
	PortalTimeout     time.Duration
	OAuthTimeout      time.Duration
	PortalRate        int // 0: what the plan of each portal allows
	PortalBurst       int // 0: the same
	PortalWait        time.Duration
	OAuthRate         int
	TrustedProxies    []*net.IPNet
	MaxConnections    int
	SchemaLife        time.Duration
	CacheBytes        int64
	RESTLogDays       int
	DrainDelay        time.Duration // from SIGTERM until connections are closed
	KeepAliveSpread   time.Duration
	Vendor            string // licensor in the legal texts; empty: they name nobody
	Support           string // e-mail address or https address; may be empty
	LogLevel          slog.Level
	// Traces gets the spans of pages, jobs and statements; nil: nobody does. OpenTelemetry's own variables decide
	// (tracing.FromEnvironment), so Parse leaves it empty.
	Traces trace.TracerProvider
	Now    func() time.Time // the clock; nil for the machine's. No setting: tests move it
}

// QueueUI is what operators may do in the pages about the job queue.
type QueueUI string

// What operators may do.
const (
	QueueUIOff   QueueUI = "off"
	QueueUIRead  QueueUI = "read"
	QueueUIWrite QueueUI = "write"
)

// shortestPassword is the least length of the operator's password: nothing slows down whoever guesses.
const shortestPassword = 16

// Parse checks everything and returns every problem at once, joined.
func (r Raw) Parse() (Config, error) {
	var p problems
	c := Config{
		Listen:           p.needed("LISTEN", r.Listen),
		OperatorListen:   p.needed("OPERATOR_LISTEN", r.OperatorListen),
		DatabaseURL:      p.secret("DATABASE_URL", r.DatabaseURL, r.DatabaseURLFile),
		DatabaseMaxConns: int32(p.number("DATABASE_MAX_CONNS", r.DatabaseMaxConns, 2, 1000)),
		Migrate:          p.flag("MIGRATE", r.Migrate),
		ClientID:         p.needed("CLIENT_ID", r.ClientID),
		ClientSecret:     p.secret("CLIENT_SECRET", r.ClientSecret, r.ClientSecretFile),
		AllowPrivate:     p.flag("ALLOW_PRIVATE", r.AllowPrivate),
		PortalTimeout:    p.duration("PORTAL_TIMEOUT", r.PortalTimeout, time.Second, time.Minute),
		OAuthTimeout:     p.duration("OAUTH_TIMEOUT", r.OAuthTimeout, time.Second, 30*time.Second),
		PortalRate:       p.number("PORTAL_RATE", r.PortalRate, 0, 100_000),
		PortalBurst:      p.number("PORTAL_BURST", r.PortalBurst, 0, 1_000_000),
		PortalWait:       p.duration("PORTAL_WAIT", r.PortalWait, 0, time.Minute),
		OAuthRate:        p.number("OAUTH_RATE", r.OAuthRate, 1, 100_000),
		TrustedProxies:   p.networks("TRUSTED_PROXIES", r.TrustedProxies),
		MaxConnections:   p.number("MAX_CONNECTIONS", r.MaxConnections, 10, 1_000_000),
		SchemaLife:       p.duration("SCHEMA_LIFE", r.SchemaLife, time.Second, 24*time.Hour),
		CacheBytes:       int64(p.number("CACHE_BYTES", r.CacheBytes, 1<<20, 1<<40)),
		RESTLogDays:      p.number("REST_LOG_DAYS", r.RESTLogDays, 0, 400),
		DrainDelay:       p.duration("DRAIN_DELAY", r.DrainDelay, 0, 5*time.Minute),
		KeepAliveSpread:  p.duration("KEEP_ALIVE_SPREAD", r.KeepAliveSpread, 0, 7*24*time.Hour),
		Vendor:           p.line("VENDOR", r.Vendor, 200),
		Support:          p.contact("SUPPORT", r.Support),
	}
	c.DatabaseDirectURL = c.DatabaseURL
	if r.DatabaseDirectURL != "" || r.DatabaseDirectURLFile != "" {
		c.DatabaseDirectURL = p.secret("DATABASE_DIRECT_URL", r.DatabaseDirectURL, r.DatabaseDirectURLFile)
	}
	// The address decides what browsers may frame and where portals post tokens: plain http is for private networks.
	c.PublicURL = strings.TrimRight(p.address("PUBLIC_URL", r.PublicURL, c.AllowPrivate), "/")
	c.JSLibraryURL = p.address("JS_LIBRARY_URL", r.JSLibraryURL, c.AllowPrivate)
	c.QueueUI, c.OperatorPassword = p.queueUI(r)
	for server := range strings.SplitSeq(r.OAuthServers, ",") {
		c.OAuthServers = append(c.OAuthServers, strings.TrimRight(p.address("OAUTH_SERVERS", strings.TrimSpace(server), c.AllowPrivate), "/"))
	}
	if keyset := p.secret("KEYSET", r.Keyset, r.KeysetFile); !keyset.IsZero() {
		var err error
		if c.Sealer, err = seal.New(keyset); err != nil {
			p.add("KEYSET", err.Error())
		}
	}
	if err := c.LogLevel.UnmarshalText([]byte(r.LogLevel)); err != nil {
		p.add("LOG_LEVEL", "must be debug, info, warn or error")
	}
	return c, errors.Join(p...)
}

// KeysetText reads the keyset alone.
func (r Raw) KeysetText() (secret.Text, error) {
	var p problems
	text := p.secret("KEYSET", r.Keyset, r.KeysetFile)
	return text, errors.Join(p...)
}

// DirectDatabase reads the URL for migrations alone.
func (r Raw) DirectDatabase() (secret.Text, error) {
	if r.DatabaseDirectURL == "" && r.DatabaseDirectURLFile == "" {
		return r.Database()
	}
	var p problems
	text := p.secret("DATABASE_DIRECT_URL", r.DatabaseDirectURL, r.DatabaseDirectURLFile)
	return text, errors.Join(p...)
}

// Database reads the database URL alone, for commands that need nothing else.
func (r Raw) Database() (secret.Text, error) {
	var p problems
	text := p.secret("DATABASE_URL", r.DatabaseURL, r.DatabaseURLFile)
	return text, errors.Join(p...)
}

type problems []error

func (p *problems) add(name, what string) {
	*p = append(*p, fmt.Errorf("ITEMLENS_%s %s", name, what))
}

func (p *problems) needed(name, value string) string {
	if value = strings.TrimSpace(value); value == "" {
		p.add(name, "is missing")
	}
	return value
}

func (p *problems) secret(name, value, file string) secret.Text {
	switch {
	case value != "" && file != "":
		p.add(name, "is set twice: directly and by a file")
	case file != "":
		content, err := os.ReadFile(file)
		if err != nil {
			p.add(name+"_FILE", "cannot be read: "+err.Error())
			return secret.Text{}
		}
		if value = strings.TrimSpace(string(content)); value == "" {
			p.add(name+"_FILE", "is an empty file")
		}
	case value == "":
		p.add(name, "is missing (or ITEMLENS_"+name+"_FILE)")
	}
	return secret.New(value)
}

// queueUI reads who may see the queue. A password without the pages is none of the app's business, but pages without a
// password are.
func (p *problems) queueUI(r Raw) (QueueUI, secret.Text) {
	mode := QueueUI(r.QueueUI)
	switch mode {
	case QueueUIOff, "":
		return QueueUIOff, secret.Text{}
	case QueueUIRead, QueueUIWrite:
	default:
		p.add("QUEUE_UI", "must be off, read or write")
		return QueueUIOff, secret.Text{}
	}
	password := p.secret("OPERATOR_PASSWORD", r.OperatorPassword, r.OperatorPasswordFile)
	if !password.IsZero() && len(password.Reveal()) < shortestPassword {
		p.add("OPERATOR_PASSWORD", fmt.Sprintf("must have %d characters at least", shortestPassword))
	}
	return mode, password
}

func (p *problems) number(name, value string, least, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		p.add(name, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return n
}

func (p *problems) networks(name, value string) (networks []*net.IPNet) {
	for text := range strings.SplitSeq(value, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			p.add(name, "must be networks such as 10.0.0.0/8,2001:db8::/32")
			return nil
		}
		networks = append(networks, network)
	}
	return networks
}

func (p *problems) flag(name, value string) bool {
	b, err := strconv.ParseBool(value)
	if err != nil {
		p.add(name, "must be true or false")
	}
	return b
}

func (p *problems) duration(name, value string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		p.add(name, fmt.Sprintf("must be a duration from %s to %s, such as 20s", least, most))
	}
	return d
}

func (p *problems) address(name, value string, allowHTTP bool) string {
	u, err := url.Parse(value)
	switch {
	case value == "":
		p.add(name, "is missing")
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		p.add(name, "must be an address such as https://lens.example.com")
	case u.Scheme == "http" && !allowHTTP:
		p.add(name, "must begin with https:// (http:// takes ITEMLENS_ALLOW_PRIVATE=true)")
	}
	return value
}
