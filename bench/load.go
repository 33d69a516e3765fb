package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// visitor is whose pages are opened: a portal with its item, and where the page is.
type visitor struct {
	address string // host and port of the program
	path    string // with the query
	member  string // member_id of the portal
	shape   string // of the portal's deals
	host    string // of the portal
	session string // of an open page, which asks for a view; empty of a page that is opened
}

// Pairs of tokens are told apart by numbers: that of the installation, that which the same page brings again and again,
// and from then on those that were never brought before.
const (
	installPair = 0
	keptPair    = 1
)

// form is what a portal posts to open the tab of a deal (settings/app-installation, api-reference/widgets). The tokens
// are told by number, so that a visit may bring the same pair as the one before, or a new one.
func (v visitor) form(pair int64, placement string) url.Values {
	name := fmt.Sprintf("%s.%s.1.%d", v.shape, v.member, pair)
	form := url.Values{
		"AUTH_ID": {"access." + name}, "AUTH_EXPIRES": {"3600"}, "REFRESH_ID": {"refresh." + name}, "member_id": {v.member}, "status": {"L"},
		"SERVER_ENDPOINT": {"http://" + v.host + "/rest/"}, "APPLICATION_TOKEN": {"application-token-of-" + v.member}, "PLACEMENT": {placement},
	}
	if placement != "DEFAULT" {
		form.Set("PLACEMENT_OPTIONS", `{"ID":"20"}`)
	}
	return form
}

// request writes the whole request that opens a page.
func (v visitor) request(path string, pair int64, placement, accept string) []byte {
	body, media := v.form(pair, placement).Encode(), "application/x-www-form-urlencoded"
	if v.session != "" {
		body, media = `{"entityTypeId":2,"id":20}`, "application/json\r\nAuthorization: Bearer "+v.session
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", path, v.address, media, len(body))
	if accept != "" {
		fmt.Fprintf(&out, "Accept-Encoding: %s\r\n", accept)
	}
	out.WriteString("\r\n" + body)
	return out.Bytes()
}

// likeChrome is how a browser asks for compression.
const likeChrome = "gzip, deflate, br, zstd"

// connection is one kept connection; it counts the bytes that come.
type connection struct {
	net.Conn
	reader *bufio.Reader
	came   int64
}

func dial(ctx context.Context, address string) (*connection, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &connection{Conn: raw}
	c.reader = bufio.NewReaderSize(counter{c}, 64<<10)
	return c, nil
}

type counter struct{ of *connection }

func (c counter) Read(into []byte) (int, error) {
	n, err := c.of.Conn.Read(into)
	c.of.came += int64(n)
	return n, err
}

// patience is how long one page may take: 16,000 fields took 6 s once.
const patience = 60 * time.Second

// page is an answer that was read to its end.
type page struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request and reads the answer. The body is valid until the next one.
func (c *connection) ask(request []byte, into *bytes.Buffer) (page, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return page{}, err
	}
	if _, err := c.Write(request); err != nil {
		return page{}, fmt.Errorf("send: %w", err)
	}
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return page{}, fmt.Errorf("read answer: %w", err)
	}
	defer res.Body.Close()
	into.Reset()
	if _, err := into.ReadFrom(res.Body); err != nil {
		return page{}, fmt.Errorf("read answer: %w", err)
	}
	return page{res.StatusCode, res.Header, into.Bytes()}, nil
}

// errRefused says that a program answered something else than the page, with the beginning of what it said.
var errRefused = errors.New("not the page")

func (p page) check() error {
	if p.status != http.StatusOK {
		return fmt.Errorf("%w: status %d: %.600s", errRefused, p.status, p.body)
	}
	return nil
}

// load opens pages over and over.
type load struct {
	visitors []visitor
	accept   string
	pairs    *atomic.Int64 // counts pairs that are brought once; nil: the kept pair each time
	at       atomic.Int64
}

func (l *load) next() (visitor, []byte) {
	v := l.visitors[int(l.at.Add(1))%len(l.visitors)]
	pair := int64(keptPair)
	if l.pairs != nil {
		pair = l.pairs.Add(1) + keptPair
	}
	return v, v.request(v.path, pair, "CRM_DEAL_DETAIL_TAB", l.accept)
}

// run opens pages by so many readers at once until the time is over, at least once each, and gives the time that each
// page took. An answer that is no page ends it.
func (l *load) run(ctx context.Context, readers int, span time.Duration) (took []time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(span)
	for range readers {
		all.Go(func() {
			own, err := l.read(ctx, end)
			if err != nil {
				cancel(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	all.Wait()
	return took, context.Cause(ctx)
}

func (l *load) read(ctx context.Context, end time.Time) ([]time.Duration, error) {
	c, err := dial(ctx, l.visitors[0].address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var took []time.Duration
	var body bytes.Buffer
	for len(took) == 0 || time.Now().Before(end) {
		if ctx.Err() != nil {
			return took, nil
		}
		_, request := l.next()
		start := time.Now()
		p, err := c.ask(request, &body)
		if err == nil {
			err = p.check()
		}
		if err != nil {
			return took, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// open opens one page on a connection of its own, and tells the bytes that came, headers and all.
func (l *load) open(ctx context.Context) (page, int64, error) {
	v, request := l.next()
	return exchange(ctx, v.address, request)
}

func exchange(ctx context.Context, address string, request []byte) (page, int64, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return page{}, 0, err
	}
	defer c.Close()
	p, err := c.ask(request, new(bytes.Buffer))
	if err == nil {
		err = p.check()
	}
	return p, c.came, err
}

// get asks for a file as a browser does.
func get(ctx context.Context, address, path string) (page, int64, error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nAccept-Encoding: " + likeChrome + "\r\n\r\n"
	return exchange(ctx, address, []byte(request))
}

// decode reads a body without compression; only what the bench asked for without any can be read.
func (p page) decode() (io.Reader, error) {
	if how := p.header.Get("Content-Encoding"); how != "" && how != "identity" {
		return nil, errors.New("the answer is compressed by " + strconv.Quote(how))
	}
	return bytes.NewReader(p.body), nil
}
