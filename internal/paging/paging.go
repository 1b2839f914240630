// Package paging walks the lists of Ada's v2 APIs, whose pages are {"data": [...], "meta": {"next_page_url": ...}}. The
// tests of the packages that list are its tests.
package paging

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/rawjson"
)

// All returns an iterator over the records of a list, whose first page req asks for, or over the one error err. It is
// lazy and holds one page at a time. An error comes last, once, with a nil record. Ranging again starts over.
func All[T any](ctx context.Context, client *ada.Client, op ada.Operation, req *http.Request, err error, opts []ada.CallOption) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		req := req.WithContext(ctx)
		var mark string // one earlier page, to find out a server that leads in a circle
		for n := 1; ; n++ {
			var page page[T]
			resp, err := client.Do(req, op, &page, opts...)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, record := range page.records {
				if !yield(record, nil) {
					return
				}
			}
			if page.next == "" {
				return
			}
			if n&(n-1) == 0 {
				mark = req.URL.RawQuery
			}
			next, err := client.NextPage(req, op, resp, page.next)
			if err == nil && next.URL.RawQuery == mark {
				err = op.Unusable(resp, ada.Fault{Field: "next_page_url", Reason: "leads back to an earlier page"})
			}
			if err != nil {
				yield(nil, err)
				return
			}
			req = next
		}
	}
}

// page is one page of a list.
type page[T any] struct {
	records []*T
	next    string
}

func (p *page[T]) UnmarshalJSON(b []byte) error {
	var w struct {
		Data []json.RawMessage `json:"data"`
		Meta struct {
			NextPageURL string `json:"next_page_url"`
		} `json:"meta"`
	}
	if err := rawjson.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Data == nil {
		return ada.Fault{Field: "data", Reason: "is missing"}
	}
	p.next = w.Meta.NextPageURL
	p.records = make([]*T, len(w.Data))
	for i, raw := range w.Data {
		p.records[i] = new(T)
		if err := json.Unmarshal(raw, p.records[i]); err != nil {
			return inside("data["+strconv.Itoa(i)+"]", err)
		}
	}
	return nil
}

// inside says of an error where in the answer it is.
func inside(place string, err error) error {
	var fault ada.Fault
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &fault):
		return ada.Fault{Field: place + "." + fault.Field, Reason: fault.Reason}
	case errors.As(err, &mismatch):
		return ada.Fault{Field: strings.TrimSuffix(place+"."+mismatch.Field, "."), Reason: "has another type"}
	}
	return err
}
