package dataexport

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/dataexport"
	genv1 "github.com/adasdk/ada-go/internal/gen/dataexportv1"
)

// resource is a kind of records.
type resource string

const (
	conversations resource = "conversations"
	messages      resource = "messages"
)

// paths are what the routes of each version begin with.
var paths = map[Version]string{
	V1: "/data_api/v1/", V1_1: "/data_api/v1.1/", V1_2: "/data_api/v1.2/", V1_3: "/data_api/v1.3/", V1_4: "/data_api/v1.4/",
	V2: "/api/v2/export/",
}

const (
	maxResponse    = 256 << 20 // of a page, which is not held in memory
	attemptTimeout = 2 * time.Minute
)

// operation returns the row of the resource in a version; of one that is not known, which is refused, that of V2.
func (r resource) operation(v Version) ada.Operation {
	if paths[v] == "" {
		v = V2
	}
	op := ada.Operation{
		Name: "dataexport." + strings.ToUpper(string(r[:1])) + string(r[1:]), Method: http.MethodGet, Route: paths[v] + string(r),
		MaxResponse: maxResponse, AttemptTimeout: attemptTimeout,
	}
	if v == V2 {
		op.Pace = ada.Pace{Family: "data-export", PerSecond: 10, PerMinute: 100, PerDay: 15_000}
	} else {
		op.Pace = ada.Pace{Family: "data-export-v1-" + string(r), PerSecond: 10}
	}
	return op
}

// Client calls the Data Export API. It is safe for concurrent use.
type Client struct {
	ada *ada.Client
}

// New returns a client that sends through client.
func New(client *ada.Client) *Client { return &Client{ada: client} }

// Conversations returns an iterator over the conversations that q selects, oldest first and each once. It is lazy: a
// page is fetched when the loop comes to it, again if that fails, and is handed out when it has come whole. An error
// comes last, once, with a nil conversation; one that is found before anything is sent matches [ada.ErrInvalid], and
// every other is an [*Error] with the checkpoint of the page that it ended in. Leaving the loop early ends what is under
// way; ranging again starts over.
//
// To store a checkpoint with each page use [Client.ConversationPages].
//
// https://docs.ada.cx/reference/data-export/get-conversations
func (c *Client) Conversations(ctx context.Context, q Query, opts ...ada.CallOption) iter.Seq2[*Conversation, error] {
	return each(c.ConversationPages(ctx, q, opts...), (*Page[Conversation]).Records)
}

// ConversationPages returns an iterator over the same conversations as [Client.Conversations], page by page, with the
// checkpoint of each. Its errors are the same. A page can be read until the loop goes on.
//
// https://docs.ada.cx/reference/data-export/get-conversations
func (c *Client) ConversationPages(ctx context.Context, q Query, opts ...ada.CallOption) iter.Seq2[*Page[Conversation], error] {
	return pages[Conversation](ctx, c.ada, conversations, q, opts)
}

// ConversationsRaw returns an iterator over the same conversations as [Client.Conversations], each as the JSON that Ada
// sent, for programs that only pass it on: it is several times as fast. Each is good until the loop goes on. Errors are
// the same.
//
// https://docs.ada.cx/reference/data-export/get-conversations
func (c *Client) ConversationsRaw(ctx context.Context, q Query, opts ...ada.CallOption) iter.Seq2[RawRecord, error] {
	return each(c.ConversationPages(ctx, q, opts...), (*Page[Conversation]).Raw)
}

// Messages returns an iterator over the messages that q selects, oldest first and each once, as [Client.Conversations]
// does over conversations. An edit of a message after its export is not found: messages have no time of update.
//
// https://docs.ada.cx/reference/data-export/get-messages
func (c *Client) Messages(ctx context.Context, q Query, opts ...ada.CallOption) iter.Seq2[*Message, error] {
	return each(c.MessagePages(ctx, q, opts...), (*Page[Message]).Records)
}

// MessagePages returns an iterator over the same messages as [Client.Messages], page by page, with the checkpoint of
// each. Its errors are the same. A page can be read until the loop goes on.
//
// https://docs.ada.cx/reference/data-export/get-messages
func (c *Client) MessagePages(ctx context.Context, q Query, opts ...ada.CallOption) iter.Seq2[*Page[Message], error] {
	return pages[Message](ctx, c.ada, messages, q, opts)
}

// MessagesRaw returns an iterator over the same messages as [Client.Messages], each as the JSON that Ada sent, for
// programs that only pass it on. It is several times as fast. Its errors are the same.
//
// https://docs.ada.cx/reference/data-export/get-messages
func (c *Client) MessagesRaw(ctx context.Context, q Query, opts ...ada.CallOption) iter.Seq2[RawRecord, error] {
	return each(c.MessagePages(ctx, q, opts...), (*Page[Message]).Raw)
}

// pages is every export.
func pages[T any](ctx context.Context, client *ada.Client, r resource, q Query, opts []ada.CallOption) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		w, since, err := plan(client, r, q, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		progress := Progress{Since: since, Until: w.until, Windows: windows(w.until.Sub(since), w.window())}
		w.run(ctx, func(c *content, from, to time.Time) bool {
			before := w.here
			w.admit(c, to)
			page := &Page[T]{
				Since: from, Until: to, Next: w.state.checkpoint(w.here), content: c, fresh: c.fresh,
				bad: q.OnBadRecord,
				wrap: func(err error) error {
					return &Error{Since: from, Until: to, Checkpoint: w.state.checkpoint(before), Err: err}
				},
			}
			defer func() { page.closed = true }()
			if !yield(page, nil) {
				return false
			}
			progress.At = to
			progress.Pages++
			progress.Records += c.fresh
			progress.Bytes += c.bytes
			if progress.WindowsDone = int(to.Sub(since) / w.window()); !to.Before(w.until) {
				progress.WindowsDone = progress.Windows
			}
			if q.OnProgress != nil {
				q.OnProgress(progress)
			}
			return true
		}, func(err error) { yield(nil, err) })
	}
}

func windows(length, window time.Duration) int { return int((length + window - 1) / window) }

// plan checks q and prepares its export. since is where the export began, before any Resume.
func plan(client *ada.Client, r resource, q Query, opts []ada.CallOption) (w *walk, since time.Time, err error) {
	now := time.Now().UTC()
	w = &walk{
		client: client, op: r.operation(q.version()), opts: opts, query: q,
		state: state{
			Tenant: client.BaseURL(), API: string(q.version()) + "/" + string(r),
			By: string(q.by()), Conversation: q.ConversationID, Since: q.Since.UTC(),
		},
		here:  place{at: roundUp(q.Since)},
		until: q.end(now),
	}
	w.state.Since = w.here.at // or progress would count a window too many
	var wrong []ada.Fault
	if q.Resume != "" {
		w.state, w.here, wrong = w.state.resume(q.Resume)
	}
	err = w.op.Invalid(append(wrong, q.check(r, w.here.at, now)...)...)
	if len(wrong) > 0 {
		err = fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	w.step = w.window()
	w.request = func(since, until string, size int) (*http.Request, error) {
		return r.request(client.BaseURL(), q, since, until, size)
	}
	return w, w.state.Since, err
}

// request builds the request for a page. The parameters of v2 and of the versions before it are the same.
func (r resource) request(base string, q Query, since, until string, size int) (*http.Request, error) {
	version := genv1.Version(q.version())
	if r == messages {
		p := gen.ExportMessagesParams{CreatedSince: since, CreatedTo: &until, PageSize: &size, ConversationID: optional(q.ConversationID)}
		if q.version() == V2 {
			return gen.NewExportMessagesRequest(base, &p)
		}
		return genv1.NewExportMessagesRequest(base, version, (*genv1.ExportMessagesParams)(&p))
	}
	p := gen.ExportConversationsParams{PageSize: &size}
	if q.By == ByUpdated {
		p.UpdatedSince, p.UpdatedTo = &since, &until
	} else {
		p.CreatedSince, p.CreatedTo = &since, &until
	}
	if q.version() == V2 {
		return gen.NewExportConversationsRequest(base, &p)
	}
	return genv1.NewExportConversationsRequest(base, version, (*genv1.ExportConversationsParams)(&p))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// each is the records of all pages, as of gives them.
func each[T, R any](pages iter.Seq2[*Page[T], error], of func(*Page[T]) iter.Seq2[R, error]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		for page, err := range pages {
			if err != nil {
				yield(none, err)
				return
			}
			for record, err := range of(page) {
				if !yield(record, err) || err != nil {
					return
				}
			}
		}
	}
}
