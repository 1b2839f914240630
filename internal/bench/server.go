package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
)

const (
	serveCommand = "serve"
	route        = "/api/v2/export/conversations"
	day          = 24 * time.Hour
)

// page is what the server has at its URL, whatever it is asked for.
type page struct {
	URL     string // without the route
	Records int
	Size    int64     // in bytes, decompressed
	Until   time.Time // all records are older
}

// startServer starts a process that serves a page. stop ends it.
func startServer(ctx context.Context, records int, compressed bool) (p page, stop func(), err error) {
	stop, err = start(ctx, &p, serveCommand, "-records", strconv.Itoa(records), "-gzip="+strconv.FormatBool(compressed))
	return p, stop, err
}

// start starts a process that serves something, and waits until it has said what, in JSON. stop ends it.
func start(ctx context.Context, what any, args ...string) (stop func(), err error) {
	cmd, err := self(ctx, args...)
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe() // the server ends when it is closed
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}
	if err := json.NewDecoder(stdout).Decode(what); err != nil {
		stop()
		return nil, fmt.Errorf("the server: %w", err)
	}
	return stop, nil
}

// self returns a command that runs this program again.
func self(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// serve is the process that serves a page. It writes where to stdout, and ends with its standard input.
func serve(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	records := flags.Int("records", 0, "")
	compressed := flags.Bool("gzip", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	until := time.Now().UTC().Truncate(day).Add(-300 * day) // Ada has those of a year
	body, err := makePage(*records, until)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p := page{URL: "http://" + listener.Addr().String(), Records: *records, Size: int64(len(body)), Until: until}
	header := map[string]string{"Content-Type": "application/json"}
	if *compressed {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(body) // a buffer takes everything
		_ = w.Close()
		body = b.Bytes()
		header["Content-Encoding"] = "gzip"
	}
	header["Content-Length"] = strconv.Itoa(len(body))

	mux := http.NewServeMux()
	mux.HandleFunc("GET "+route, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		_, _ = w.Write(body) // the client may be gone
	})
	if err := json.NewEncoder(stdout).Encode(p); err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, mux) }()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// makePage returns a page of the day before until, as Ada would answer.
func makePage(records int, until time.Time) ([]byte, error) {
	srv := adatest.New()
	defer srv.Close()
	since := until.Add(-day)
	srv.Generate(adatest.Generated{Seed: 1, Conversations: records, Since: since, Until: until})
	query := url.Values{"created_since": {since.Format(time.RFC3339)}, "created_to": {until.Format(time.RFC3339)}}
	req := httptest.NewRequest(http.MethodGet, route+"?"+query.Encode(), nil)
	req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
	answer := httptest.NewRecorder()
	srv.ServeHTTP(answer, req)
	if answer.Code != http.StatusOK {
		return nil, fmt.Errorf("the fake: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.Bytes(), nil
}
