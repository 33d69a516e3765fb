// Command echo is the least that a page over the platform can cost in Go: Echo, one request to the portal, one decoding
// of its answer, and 40 KB of HTML that never change. It checks nobody, keeps nothing, formats nothing. The app is
// measured against it.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// htmlSize is how long the fixed page is, in bytes.
const htmlSize = 40 << 10

func main() {
	endpoint := flag.String("rest", "", "origin of the portals' REST, such as http://127.0.0.1:1234")
	flag.Parse()
	if err := run(*endpoint, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func run(endpoint string, out io.Writer) error {
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	operator, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	go func() { _ = http.Serve(operator, promhttp.Handler()) }()
	if _, err := fmt.Fprintf(out, "http://%s http://%s\n", public.Addr(), operator.Addr()); err != nil {
		return err
	}
	return http.Serve(public, newEcho(endpoint))
}

// answer is what is read of a batch.
type answer struct {
	Result struct {
		Result struct {
			Item struct {
				Item map[string]json.RawMessage `json:"item"`
			} `json:"item"`
		} `json:"result"`
	} `json:"result"`
}

func newEcho(endpoint string) *echo.Echo {
	e := echo.New()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	page := "<!doctype html><title>Bench deal</title>" + strings.Repeat("<p>fixed</p>", htmlSize/12)
	e.POST("/:shape", func(c echo.Context) error {
		ask, err := json.Marshal(map[string]any{"halt": 0, "auth": c.FormValue("AUTH_ID"), "cmd": map[string]string{
			"profile":   "profile",
			"item":      "crm.item.get?entityTypeId=2&id=20",
			"layoutP":   "crm.item.details.configuration.get?entityTypeId=2&scope=P",
			"layoutC":   "crm.item.details.configuration.get?entityTypeId=2&scope=C",
			"products0": "crm.item.productrow.list?filter[=ownerType]=D&filter[=ownerId]=20&start=0",
		}})
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(c.Request().Context(), http.MethodPost, endpoint+"/"+c.Param("shape")+"/rest/batch", bytes.NewReader(ask))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		var got answer
		if err := json.Unmarshal(text, &got); err != nil {
			return err
		}
		if len(got.Result.Result.Item.Item) == 0 {
			return echo.NewHTTPError(http.StatusBadGateway, "the portal's answer holds no item")
		}
		return c.HTML(http.StatusOK, page)
	})
	return e
}
