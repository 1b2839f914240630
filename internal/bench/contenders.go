package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/internal/bench/plain"
)

// contender is one way to read an export.
type contender struct {
	name  string
	title string
	label string // the title in the plot
	own   bool   // it is the SDK
	open  func(p page) (reader, error)
}

// reader reads a number of pages and returns how many records they had.
type reader func(ctx context.Context, pages int) (records int, err error)

var contenders = []contender{
	{"floor", "floor: `io.Copy` to `io.Discard`", "io.Copy, the floor", false, eachPage(discard)},
	{"map", "`encoding/json`, whole page into a map", "encoding/json, a map", false, eachPage(unmarshal)},
	{"plain", "plain oapi-codegen client", "oapi-codegen client", false, openPlain},
	{"typed", "**this SDK, typed**", "this SDK, typed", true, openTyped},
	{"raw", "**this SDK, raw**", "this SDK, raw", true, openRaw},
}

// names are those of all contenders, of a page and of an export.
func names() (names []string) {
	for _, c := range contenders {
		names = append(names, c.name)
	}
	for _, e := range exporters {
		if !slices.Contains(names, e.name) {
			names = append(names, e.name)
		}
	}
	for _, l := range languages {
		names = append(names, l.name)
	}
	return names
}

// window is what one page is asked for by, each page by another one. All are later than the records that the server
// has, so that none of these can be one that the page before had at its end.
const window = time.Hour

func (p page) window(n int) (since, until time.Time) {
	since = p.Until.Add(day + time.Duration(n)*window)
	return since, since.Add(window)
}

// eachPage opens readers that read each page by itself.
func eachPage(read func(ctx context.Context, p page) (records int, err error)) func(page) (reader, error) {
	return func(p page) (reader, error) {
		return func(ctx context.Context, pages int) (records int, err error) {
			for range pages {
				n, err := read(ctx, p)
				if err != nil {
					return 0, err
				}
				records += n
			}
			return records, nil
		}, nil
	}
}

func get(ctx context.Context, p page) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+route, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

func discard(ctx context.Context, p page) (int, error) {
	resp, err := get(ctx, p)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && n != p.Size {
		err = fmt.Errorf("got %d bytes, want %d", n, p.Size)
	}
	return p.Records, err
}

func unmarshal(ctx context.Context, p page) (int, error) {
	resp, err := get(ctx, p)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var decoded map[string]any
	if err := json.Unmarshal(body, &decoded); err != nil {
		return 0, err
	}
	records, _ := decoded["data"].([]any)
	return len(records), nil
}

func openPlain(p page) (reader, error) {
	client, err := plain.NewClientWithResponses(p.URL)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, pages int) (records int, err error) {
		for n := range pages {
			since, until := p.window(n)
			from, to := since.Format(time.RFC3339), until.Format(time.RFC3339)
			resp, err := client.ExportConversationsWithResponse(ctx, &plain.ExportConversationsParams{CreatedSince: &from, CreatedTo: &to})
			if err != nil {
				return 0, err
			}
			if resp.JSON200 == nil {
				return 0, fmt.Errorf("the answer is %s", resp.Status())
			}
			for _, conversation := range resp.JSON200.Data {
				if conversation.UnderscoreId != "" {
					records++
				}
			}
		}
		return records, nil
	}, nil
}

func openTyped(p page) (reader, error) {
	return openSDK(p, func(ctx context.Context, client *dataexport.Client, q dataexport.Query) (records int, err error) {
		for conversation, err := range client.Conversations(ctx, q) {
			if err != nil {
				return 0, err
			}
			if conversation.ID != "" {
				records++
			}
		}
		return records, nil
	})
}

func openRaw(p page) (reader, error) {
	return openSDK(p, func(ctx context.Context, client *dataexport.Client, q dataexport.Query) (records int, err error) {
		for raw, err := range client.ConversationsRaw(ctx, q) {
			if err != nil {
				return 0, err
			}
			if len(raw) > 0 {
				records++
			}
		}
		return records, nil
	})
}

// openSDK opens a reader that exports all pages at once, each as a window of its own. Requests are not paced.
func openSDK(p page, export func(context.Context, *dataexport.Client, dataexport.Query) (records int, err error)) (reader, error) {
	client, err := ada.NewClient(ada.Config{
		BaseURL: p.URL, APIKey: "bench",
		HTTP: ada.HTTPConfig{Limiter: ada.Unpaced, Retry: ada.RetryPolicy{MaxAttempts: 1}},
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, pages int) (int, error) {
		since, _ := p.window(0)
		_, until := p.window(pages - 1)
		return export(ctx, dataexport.New(client), dataexport.Query{Since: since, Until: until, Window: window})
	}, nil
}
