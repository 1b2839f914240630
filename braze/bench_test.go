package braze_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// The ways to send the same objects. peer is what is written by hand where there is no client: a map for each object,
// encoding/json, and one request after another.
var senders = []struct {
	name string
	send func(ctx context.Context, srv *brazetest.Server, b braze.Batch) error
}{
	{"Track", func(ctx context.Context, srv *brazetest.Server, b braze.Batch) error {
		_, err := srv.Client().Track(ctx, b)
		return err
	}},
	{"naive-75", func(ctx context.Context, srv *brazetest.Server, b braze.Batch) error { return peer(ctx, srv, b, 75) }},
	{"one-by-one", func(ctx context.Context, srv *brazetest.Server, b braze.Batch) error { return peer(ctx, srv, b, 1) }},
}

func peer(ctx context.Context, srv *brazetest.Server, b braze.Batch, size int) error {
	config := srv.Config()
	for from := 0; from < len(b.Events); from += size {
		var events []map[string]any
		for _, e := range b.Events[from:min(from+size, len(b.Events))] {
			events = append(events, map[string]any{
				"external_id": fmt.Sprint("u", e.Properties["mark"]), "name": e.Name, "time": e.Time.Format(time.RFC3339), "properties": map[string]any(e.Properties),
			})
		}
		body, err := json.Marshal(map[string]any{"events": events})
		if err != nil {
			return err
		}
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
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
	}
	return nil
}

// At 20 ms for each answer, and with nothing else counted, Track takes a fiftieth of the time of one request for each
// object, and no longer than a loop over 75 at a time.
func TestTrackIsFiftyTimesAsFast(t *testing.T) {
	took := map[string]time.Duration{}
	for _, s := range senders {
		synctest.Test(t, func(t *testing.T) {
			srv := brazetest.NewServer(t, brazetest.Latency(20*time.Millisecond))
			start := time.Now()
			if err := s.send(t.Context(), srv, manyEvents(3000, another)); err != nil {
				t.Fatal(err)
			}
			took[s.name] = time.Since(start)
			if n := len(srv.Events()); n != 3000 {
				t.Errorf("%s: %d events, want 3000", s.name, n)
			}
		})
	}
	t.Log(took)
	if took["one-by-one"] < 50*took["Track"] || took["naive-75"] < took["Track"] {
		t.Error(took)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, s := range senders {
		b.Run(s.name, func(b *testing.B) {
			const n = 300
			srv := brazetest.New(brazetest.Latency(20*time.Millisecond), brazetest.RateLimit(0, 0))
			defer srv.Close()
			batch := manyEvents(n, another)
			for b.Loop() {
				if err := s.send(b.Context(), srv, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

func BenchmarkTrackWithoutLatency(b *testing.B) {
	srv := brazetest.New(brazetest.RateLimit(0, 0))
	defer srv.Close()
	config := srv.Config()
	config.HTTP.Limiter = ada.Unpaced
	client, err := braze.NewClient(config)
	if err != nil {
		b.Fatal(err)
	}
	batch := manyEvents(3000, another)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Track(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(3000*b.N)/b.Elapsed().Seconds(), "objects/s")
}
