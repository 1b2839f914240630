package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/webhooks"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"
)

// Webhooks are verified by webhooks.Verifier beside the Go libraries of Svix and of Standard Webhooks, all with the same
// secret, body and signature, and each with the names of headers that are its own. Deliveries are signed anew before
// each measurement, so that their timestamp is within the tolerance. The hostile ones are to be refused by all.

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // #nosec G101 -- of the published examples

var verifiers = []struct {
	title, family string
	open          func() (verify func(header http.Header, body []byte) error, err error)
}{
	{"**this SDK**", "Svix", func() (func(http.Header, []byte) error, error) {
		v, err := webhooks.NewVerifier(webhookSecret)
		return func(header http.Header, body []byte) error { _, err := v.Verify(header, body); return err }, err
	}},
	{"Svix", "Svix", func() (func(http.Header, []byte) error, error) {
		v, err := svix.NewWebhook(webhookSecret)
		return func(header http.Header, body []byte) error { return v.Verify(body, header) }, err
	}},
	{"Standard Webhooks", "Webhook", func() (func(http.Header, []byte) error, error) {
		v, err := standardwebhooks.NewWebhook(webhookSecret)
		return func(header http.Header, body []byte) error { return v.Verify(body, header) }, err
	}},
}

// deliveries are what is verified.
var deliveries = []struct {
	title string
	size  int // of the body
	wrong int // signatures, in place of the right one
}{
	{"1 KB", 1_000, 0},
	{"10 KB", 10_000, 0},
	{"100 KB", 100_000, 0},
	{"1 KB, 300 wrong signatures", 1_000, 300},
	{"1 KB, 1,000 wrong signatures", 1_000, 1000},
}

var errAccepted = errors.New("a wrong signature was accepted")

// measureWebhooks measures each verifier with each delivery.
func measureWebhooks(ctx context.Context, c config) (section, error) {
	s := section{
		title: "Webhooks",
		notes: []string{
			"`webhooks.Verifier.Verify` beside `Verify` of both official libraries, with the same secret, body and signatures",
			"MB/s are of the body. Wrong signatures are of the right form; all refuse them. 300 are within what the SDK reads of a header, 16 KiB, and 1,000 are not",
			fmt.Sprintf("median of %d rounds (least to most) of a second each", c.rounds),
		},
		columns: []string{"", "delivery", "µs", "MB/s", "allocations", "× this SDK's time"},
	}
	var contenders []int
	for i := range verifiers {
		contenders = append(contenders, i)
	}
	for _, d := range deliveries {
		results, err := inTurns(ctx, c.rounds, contenders, func(i int) (testing.BenchmarkResult, error) {
			verify, err := verifiers[i].open()
			if err != nil {
				return testing.BenchmarkResult{}, err
			}
			body := bytes.Repeat([]byte("a"), d.size)
			header, err := signed(verifiers[i].family, body, d.wrong)
			if err != nil {
				return testing.BenchmarkResult{}, err
			}
			return benchmark(func() error {
				err := verify(header, body)
				if d.wrong == 0 {
					return err
				}
				if err == nil {
					return errAccepted
				}
				return nil
			})
		})
		if err != nil {
			return s, fmt.Errorf("%s: %w", d.title, err)
		}
		for i, rs := range results {
			speed := "-"
			if d.wrong == 0 {
				speed = each(rs, func(r testing.BenchmarkResult) float64 { return float64(d.size) * 1e3 / nanoseconds(r) }).count()
			}
			s.rows = append(s.rows, []string{
				verifiers[i].title, d.title, each(rs, microseconds).format(2), speed, each(rs, allocations).count(),
				against(rs, results[0], func(r, base testing.BenchmarkResult) float64 { return nanoseconds(r) / nanoseconds(base) }).format(2),
			})
		}
	}
	return s, nil
}

// signed returns the headers of a delivery, with wrong signatures or else the right one.
func signed(family string, body []byte, wrong int) (http.Header, error) {
	v, err := webhooks.NewVerifier(webhookSecret)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, values := range v.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Now(), body) {
		header[strings.Replace(name, "Svix", family, 1)] = values
	}
	if wrong > 0 {
		other := v.Sign("msg_of-another-delivery", time.Now(), body).Get("Svix-Signature")
		header.Set(family+"-Signature", strings.TrimSpace(strings.Repeat(other+" ", wrong)))
	}
	return header, nil
}
