package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// Braze is written to with braze.Client.Track, beside what is written by hand where there is no client: maps, encoding/json
// and one request after another, with one object in each or with as many of one array as Braze takes. All send the same
// objects to a fake that answers after 20 ms, which is what a request to Braze costs at least; the fake checks each
// object, and its limit of requests is lifted, since nothing here comes to it. The numbers of requests are the fake's.
//
// Encoding is measured by itself: Batch.Validate, which checks, encodes and groups the objects as Track does, beside
// json.Marshal of maps that were made before.

const (
	brazeLatency = 20 * time.Millisecond
	brazeObjects = 75 // in a request, at most
)

// measureBraze measures sending and encoding.
func measureBraze(ctx context.Context, c config) (section, error) {
	return sendings(ctx, c.rounds, 200)
}

// sent is what became of a batch.
type sent struct {
	elapsed  time.Duration
	requests int
}

// brazeMaps is objects by their array.
type brazeMaps map[string][]map[string]any

// people returns an attributes object, an event and a purchase of each of so many users, and the same as maps.
func people(users int) (b braze.Batch, maps brazeMaps) {
	maps = brazeMaps{}
	at := time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)
	for i := range users {
		id := fmt.Sprint("crm-", i)
		custom := map[string]any{"plan": "pro", "seats": i, "trial": false, "topics": []any{"refunds", "shipping"}}
		properties := map[string]any{"channel": "chat", "messages": i, "summary": "asked about a refund, and was told how to get one"}
		b.Attributes = append(b.Attributes, braze.Attributes{
			User: braze.ExternalID(id), FirstName: ada.Set("Ada"), Language: ada.Set("pt"), Custom: braze.Custom(custom),
		})
		b.Events = append(b.Events, braze.Event{User: braze.ExternalID(id), Name: "conversation_ended", Time: at, Properties: braze.Properties(properties)})
		b.Purchases = append(b.Purchases, braze.Purchase{User: braze.ExternalID(id), ProductID: "seats", Currency: "USD", Price: 9.5, Time: at})

		attributes := map[string]any{"external_id": id, "first_name": "Ada", "language": "pt"}
		for name, value := range custom {
			attributes[name] = value
		}
		maps["attributes"] = append(maps["attributes"], attributes)
		maps["events"] = append(maps["events"], map[string]any{
			"external_id": id, "name": "conversation_ended", "time": at.Format(time.RFC3339), "properties": properties,
		})
		maps["purchases"] = append(maps["purchases"], map[string]any{
			"external_id": id, "product_id": "seats", "currency": "USD", "price": 9.5, "time": at.Format(time.RFC3339),
		})
	}
	return b, maps
}

// oneByOne sends requests of up to size objects of one array, each when the one before was answered.
func (m brazeMaps) oneByOne(ctx context.Context, config braze.Config, size int) error {
	for _, array := range []string{"attributes", "events", "purchases"} {
		for from := 0; from < len(m[array]); from += size {
			body, err := json.Marshal(brazeMaps{array: m[array][from:min(from+size, len(m[array]))]})
			if err != nil {
				return err
			}
			if err := postToBraze(ctx, config, body); err != nil {
				return err
			}
		}
	}
	return nil
}

func postToBraze(ctx context.Context, config braze.Config, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, config.Endpoint+"/users/track", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+string(config.APIKey))
	resp, err := config.HTTP.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the fake Braze: %s", resp.Status)
	}
	return nil
}

func sendings(ctx context.Context, rounds, users int) (section, error) {
	batch, maps := people(users)
	objects := batch.Len()
	senders := []struct {
		title string
		send  func(srv *brazetest.Server) error
	}{
		{"one object in each request, in sequence", func(srv *brazetest.Server) error { return maps.oneByOne(ctx, srv.Config(), 1) }},
		{"75 of one array in each request, in sequence", func(srv *brazetest.Server) error { return maps.oneByOne(ctx, srv.Config(), brazeObjects) }},
		{"**this SDK**, `Track`", func(srv *brazetest.Server) error {
			_, err := srv.Client().Track(ctx, batch)
			return err
		}},
	}
	var contenders []int
	for i := range senders {
		contenders = append(contenders, i)
	}
	results, err := inTurns(ctx, rounds, contenders, func(i int) (sent, error) {
		srv := brazetest.New(brazetest.Latency(brazeLatency), brazetest.RateLimit(0, 0))
		defer srv.Close()
		start := time.Now()
		if err := senders[i].send(srv); err != nil {
			return sent{}, fmt.Errorf("%s: %w", senders[i].title, err)
		}
		took := sent{time.Since(start), len(srv.Calls())}
		if len(srv.Profiles()) != users || len(srv.Events()) != users || len(srv.Purchases()) != users {
			return sent{}, fmt.Errorf("%s: objects are missing", senders[i].title)
		}
		return took, nil
	})
	if err != nil {
		return section{}, err
	}
	encodings, err := inTurns(ctx, rounds, []func() error{
		func() error {
			_, err := json.Marshal(maps)
			return err
		},
		batch.Validate,
	}, benchmark)
	if err != nil {
		return section{}, err
	}

	s := section{
		title: "Braze",
		notes: []string{
			fmt.Sprintf("%d objects: attributes, an event and a purchase of each of %d users, to a fake that answers after %s", objects, users, brazeLatency),
			"encoding: `Batch.Validate`, which checks, encodes and groups the objects, beside `json.Marshal` of maps that were made before; it sends nothing",
			fmt.Sprintf("median of %d rounds (least to most)", rounds),
		},
		columns: []string{"", "objects/s", "requests", "×", "allocations per object"},
	}
	faster := func(r, base sent) float64 { return float64(base.elapsed) / float64(r.elapsed) }
	for i, rs := range results {
		s.rows = append(s.rows, []string{
			senders[i].title,
			each(rs, func(r sent) float64 { return float64(objects) / r.elapsed.Seconds() }).count(),
			each(rs, func(r sent) float64 { return float64(r.requests) }).count(),
			against(rs, results[0], faster).format(1), "",
		})
	}
	for i, title := range []string{"encoding alone: `json.Marshal`", "encoding alone: **this SDK**, with all checks"} {
		s.rows = append(s.rows, []string{
			title,
			each(encodings[i], func(r testing.BenchmarkResult) float64 { return float64(objects) * 1e9 / nanoseconds(r) }).count(), "",
			against(encodings[i], encodings[0], func(r, base testing.BenchmarkResult) float64 { return nanoseconds(base) / nanoseconds(r) }).format(2),
			each(encodings[i], func(r testing.BenchmarkResult) float64 { return allocations(r) / float64(objects) }).format(1),
		})
	}
	return s, nil
}
