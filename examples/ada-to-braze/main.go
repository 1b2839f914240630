// Ada-to-braze brings what Ada learns to Braze: it receives Ada's webhooks, makes attributes and events of them, leaves out
// what Braze already has, and sends the rest in batches.
//
//	go run ./examples/ada-to-braze
//
// Without an environment it runs against a fake Ada and a fake Braze in the same process, and ends by itself. With
// ADA_HANDLE, ADA_API_KEY, ADA_WEBHOOK_SECRET, BRAZE_ENDPOINT and BRAZE_API_KEY set it receives the webhooks of that AI
// Agent at -addr until it is interrupted; BRAZE_APP_ID is the app that events are of. Ada delivers to HTTPS only: have
// something in front of it that ends TLS.
//
// Whatever it has answered with 200 reaches Braze, also when it is killed: accepted objects and the ids of handled
// webhooks are in files in the folder of -state. Kill it and start it again: no event is missing, and none comes twice but
// those that were on their way to Braze at that moment, of which Braze does not tell whether it has them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/braze/fromada"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/webhooks"
)

type options struct{ addr, state, secret string }

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to receive the webhooks of the real Ada at")
	flag.StringVar(&o.state, "state", "", "`folder` of what must outlive a crash; empty, for the fakes: a temporary one")
	flag.Parse()
	o.secret = os.Getenv("ADA_WEBHOOK_SECRET")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		log.Fatal("ada-to-braze: ", err)
	}
}

func run(ctx context.Context, o options, w io.Writer) (err error) {
	out := log.New(w, "", 0) // for lines of several goroutines
	adaConfig := ada.ConfigFromEnv()
	brazeConfig := braze.Config{
		Endpoint: os.Getenv("BRAZE_ENDPOINT"), APIKey: ada.Secret(os.Getenv("BRAZE_API_KEY")), AppID: os.Getenv("BRAZE_APP_ID"),
	}
	live := adaConfig.APIKey != "" || brazeConfig.APIKey != ""
	if live && (o.secret == "" || o.state == "") {
		return errors.New("with the real Ada and Braze, ADA_WEBHOOK_SECRET and -state are required")
	}
	var fakeAda *adatest.Server
	var fakeBraze *brazetest.Server
	if !live {
		fakeAda, fakeBraze = adatest.New(), brazetest.New()
		defer fakeAda.Close()
		defer fakeBraze.Close()
		adaConfig, brazeConfig = fakeAda.Config(), fakeBraze.Config()
		o.addr = "127.0.0.1:0"
		if o.state == "" {
			if o.state, err = os.MkdirTemp("", "ada-to-braze-"); err != nil {
				return err
			}
			defer os.RemoveAll(o.state)
		}
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if !live {
		fakeAda.AddWebhook(adatest.Webhook{URL: "http://" + listener.Addr().String()})
		o.secret = string(fakeAda.Webhooks()[0].Secret)
	}
	adaClient, err := ada.NewClient(adaConfig)
	if err != nil {
		return err
	}
	dedupe := braze.NewDedupe(braze.DedupeConfig{})
	brazeConfig.Dedupe = dedupe
	brazeConfig.AllowDuplicates = true // rather an event twice than none
	brazeClient, err := braze.NewClient(brazeConfig)
	if err != nil {
		return err
	}
	bridge, err := newBridge(brazeClient, endusers.New(adaClient), o.state, out)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, bridge.close(ending))
	}()

	handler, err := bridge.handler(o.secret)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Close()
	if !live {
		out.Println("Using a fake Ada and a fake Braze")
		return demonstrate(ctx, fakeAda, fakeBraze, bridge, dedupe, out)
	}
	out.Printf("Receiving webhooks of %s for %s at http://%s/", adaClient, brazeClient, listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return server.Shutdown(shutdown)
}

// bridge is the way from webhooks to Braze.
type bridge struct {
	mapping fromada.Mapping
	buffer  *braze.Buffer
	handled *handled
	latest  *webhooks.Latest
	out     *log.Logger
}

func newBridge(client *braze.Client, users *endusers.Client, state string, out *log.Logger) (*bridge, error) {
	store, err := openHandled(filepath.Join(state, "handled"))
	if err != nil {
		return nil, err
	}
	b := &bridge{
		mapping: fromada.Mapping{
			Identify: fromada.Lookup(users),
			Metadata: map[string]string{"plan": "plan", "region": "ada_region", "topic": "topic"},
		},
		handled: store,
		latest:  webhooks.NewLatest(0),
		out:     out,
	}
	b.buffer, err = client.NewBuffer(braze.BufferConfig{SpoolFile: filepath.Join(state, "spool"), Done: b.done, Stalled: b.stalled})
	if err != nil {
		_ = store.close()
		return nil, err
	}
	// An event in the spool was accepted, even where the process ended before it could write down that it was handled.
	return b, b.remember(b.buffer.Held())
}

// done learns what became of objects. Those that Braze has not taken are for a person to look into.
func (b *bridge) done(batch braze.Batch, result braze.Result, err error) {
	if err := b.remember(batch.Objects); err != nil {
		b.out.Print(err)
	}
	b.out.Print(result)
	for i, r := range result.Rejections {
		b.out.Printf("%d of them: %v", i+1, r)
	}
	if result.Count(braze.Unknown)+result.Count(braze.Unsent) > 0 {
		b.out.Print(err)
	}
}

func (b *bridge) stalled(err error, wait time.Duration) {
	b.out.Printf("Braze takes nothing, trying again in %s: %v", wait, err)
}

// remember writes down that the webhooks of events were handled, before the events leave the spool.
func (b *bridge) remember(objects []braze.Object) error {
	for _, o := range objects {
		var event struct {
			Properties struct {
				ID string `json:"ada_event_id"`
			} `json:"properties"`
		}
		if json.Unmarshal(o.JSON(), &event) == nil && event.Properties.ID != "" {
			if err := b.handled.Commit(context.Background(), event.Properties.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bridge) close(ctx context.Context) error {
	_, err := b.buffer.Close(ctx) // what is left is in the spool
	return errors.Join(err, b.handled.close())
}

func (b *bridge) handler(secret string) (http.Handler, error) {
	verifier, err := webhooks.NewVerifier(secret)
	if err != nil {
		return nil, err
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier, Store: b.handled})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserCreated]) error {
		return b.endUser(ctx, e.Timestamp, e.Data.EndUser)
	})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
		return b.endUser(ctx, e.Timestamp, e.Data.EndUser)
	})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.ConversationCreated]) error {
		batch, omitted, err := b.mapping.ConversationCreated(ctx, e)
		return b.add(ctx, batch, omitted, err)
	})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.ConversationEnded]) error {
		batch, omitted, err := b.mapping.ConversationEnded(ctx, e)
		return b.add(ctx, batch, omitted, err)
	})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.ConversationHandoffEnded]) error {
		batch, omitted, err := b.mapping.HandoffEnded(ctx, e)
		return b.add(ctx, batch, omitted, err)
	})
	return mux, nil
}

// endUser adds the attributes of an end user, unless newer ones came before: webhooks come in any order.
func (b *bridge) endUser(ctx context.Context, at time.Time, u webhooks.EndUser) error {
	if !b.latest.Newer(u.ID, at) {
		return nil
	}
	batch, omitted, err := b.mapping.EndUser(ctx, u)
	return b.add(ctx, batch, omitted, err)
}

// add has an error make Ada deliver the webhook again.
func (b *bridge) add(ctx context.Context, batch braze.Batch, omitted []ada.Fault, err error) error {
	if err != nil {
		return err
	}
	for _, o := range omitted {
		b.out.Print("left out: ", o)
	}
	return b.buffer.Add(ctx, batch)
}

// handled is a [webhooks.Store] whose handled ids outlive a crash: a line for each, with the time.
type handled struct {
	*webhooks.MemoryStore

	mu    sync.Mutex
	file  *os.File
	known map[string]bool
}

// keepFor is how long an id is kept: for somewhat longer than Ada delivers.
const keepFor = 9 * 24 * time.Hour

func openHandled(path string) (*handled, error) {
	h := &handled{MemoryStore: webhooks.NewMemoryStore(0), known: map[string]bool{}}
	content, err := os.ReadFile(path) // #nosec G304 -- its user says which
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(content)) {
		second, id, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseInt(second, 10, 64)
		if err != nil || !strings.HasSuffix(line, "\n") || time.Since(time.Unix(n, 0)) > keepFor {
			continue // too old, or cut short by a crash, and then not answered
		}
		kept.WriteString(line)
		h.known[id] = true
		_ = h.MemoryStore.Commit(context.Background(), id) // it does not fail
	}
	if err := os.WriteFile(path+".new", []byte(kept.String()), 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, err
	}
	h.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G304 -- its user says which
	return h, err
}

// Commit writes the id down, once.
func (h *handled) Commit(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known[id] {
		if _, err := fmt.Fprintf(h.file, "%d %s\n", time.Now().Unix(), id); err != nil {
			return err
		}
		if err := h.file.Sync(); err != nil {
			return err
		}
		h.known[id] = true
	}
	return h.MemoryStore.Commit(ctx, id)
}

func (h *handled) close() error { return h.file.Close() }

// demonstrate has people talk to the fake Ada, and shows what the fake Braze has afterwards.
func demonstrate(ctx context.Context, fakeAda *adatest.Server, fakeBraze *brazetest.Server, b *bridge, dedupe *braze.Dedupe, out *log.Logger) error {
	const soon = 50 * time.Millisecond
	fakeAda.Deliver(adatest.DeliverOptions{Schedule: []time.Duration{0, soon, soon}, Twice: true}) // Ada takes hours
	sent := func() error {
		if err := fakeAda.WaitDelivered(ctx); err != nil {
			return err
		}
		return b.buffer.Flush(ctx)
	}
	users := endusers.New(fakeAda.Client())
	metadata := func(plan string) map[string]any { return map[string]any{"plan": plan, "region": "latam"} }
	talks := map[string]map[string]any{}
	for i, name := range []string{"Ada", "Grace", "Edsger"} {
		user, _, err := users.Create(ctx, endusers.NewUser{
			ExternalID: fmt.Sprint("crm-", i+1),
			Profile:    endusers.Profile{FirstName: name, Language: "pt-BR", Metadata: metadata("free")},
		})
		if err != nil {
			return err
		}
		talks[user.ID] = map[string]any{"conversation_id": fmt.Sprint("c", i+1), "end_user_id": user.ID, "metadata": map[string]any{"topic": "refund"}}
		fakeAda.Emit(webhooks.TypeConversationCreated, talks[user.ID])
	}
	if err := sent(); err != nil {
		return err
	}
	for id, talk := range talks {
		if _, err := users.Update(ctx, id, endusers.Update{Metadata: ada.Set(metadata("pro"))}); err != nil {
			return err
		}
		fakeAda.Emit(webhooks.TypeConversationEnded, talk)
	}
	if err := sent(); err != nil {
		return err
	}
	out.Println("What Braze has now:")
	profiles := fakeBraze.Profiles()
	slices.SortFunc(profiles, func(a, b brazetest.Profile) int { return strings.Compare(a.ExternalID, b.ExternalID) })
	for _, p := range profiles {
		var attributes []string
		for _, name := range slices.Sorted(maps.Keys(p.Attributes)) {
			attributes = append(attributes, fmt.Sprint(name, "=", p.Attributes[name]))
		}
		out.Println(p.ExternalID, strings.Join(attributes, " "))
	}
	events := map[string]int{}
	for _, e := range fakeBraze.Events() {
		events[e.Name]++
	}
	for _, name := range slices.Sorted(maps.Keys(events)) {
		out.Println(events[name], name)
	}
	out.Printf("%d webhooks, %d requests, %d data points, %d saved", len(fakeAda.Attempts()), len(fakeBraze.Calls()), fakeBraze.DataPoints(), dedupe.DataPointsSaved())
	return nil
}
