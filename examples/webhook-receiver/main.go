// Webhook-receiver keeps the profiles of end users as a table of customers has them: when Ada says that there is a new
// end user, or that a profile has changed, it looks the customer up by external id or email address, and patches what
// differs.
//
//	go run ./examples/webhook-receiver -customers customers.csv
//
// The file has the columns external_id, email, language, plan and region, of which one of the first two can be empty.
// The email address in a profile is what the end user says it is: keep out of the table what needs proof.
//
// Without an environment it runs against a fake Ada in the same process, whose webhooks come twice and in the wrong
// order, and ends by itself. With ADA_HANDLE, ADA_API_KEY and ADA_WEBHOOK_SECRET set it receives the webhooks of that
// AI Agent at -addr until it is interrupted, and then needs -customers. Ada delivers to HTTPS only: have something in
// front of it that ends TLS.
package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/webhooks"
)

//go:embed customers.csv
var sample string

type options struct{ addr, customers, secret string }

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to receive the webhooks of the real Ada at")
	flag.StringVar(&o.customers, "customers", "", "CSV `file` of customers; empty: a sample")
	flag.Parse()
	o.secret = os.Getenv("ADA_WEBHOOK_SECRET")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		log.Fatal("webhook-receiver: ", err)
	}
}

func run(ctx context.Context, o options, w io.Writer) error {
	out := log.New(w, "", 0) // for lines of several goroutines
	config := ada.ConfigFromEnv()
	live := config.APIKey != ""
	if live && (o.customers == "" || o.secret == "") {
		return errors.New("with the real Ada, -customers and ADA_WEBHOOK_SECRET are required")
	}
	customers, err := openTable(o.customers)
	if err != nil {
		return err
	}
	if !live {
		o.addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()

	var fake *adatest.Server
	if !live {
		fake = adatest.New()
		defer fake.Close()
		url, stop, err := serve(fake)
		if err != nil {
			return err
		}
		defer stop()
		config = ada.Config{BaseURL: url, APIKey: adatest.APIKey}
		fake.AddWebhook(adatest.Webhook{URL: "http://" + listener.Addr().String()})
		o.secret = string(fake.Webhooks()[0].Secret)
	}
	client, err := ada.NewClient(config)
	if err != nil {
		return err
	}
	if live {
		out.Println("Using the real Ada at", client.BaseURL())
	} else {
		out.Println("Using a fake Ada at", client.BaseURL())
	}
	verifier, err := webhooks.NewVerifier(o.secret)
	if err != nil {
		return err
	}

	receiver := &receiver{users: endusers.New(client), customers: customers, latest: webhooks.NewLatest(0), out: out}
	hooks := webhooks.Config{Verifier: verifier, Store: store{webhooks.NewMemoryStore(0), out}}
	if live {
		hooks.Logger = slog.Default()
	}
	mux := webhooks.NewMux(hooks)
	webhooks.Handle(mux, receiver.created)
	webhooks.Handle(mux, receiver.updated)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Close()
	out.Printf("Receiving webhooks at http://%s/", listener.Addr())

	if !live {
		return demonstrate(ctx, client, fake, customers, out)
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return server.Shutdown(shutdown)
}

// receiver handles events.
type receiver struct {
	users     *endusers.Client
	customers table
	latest    *webhooks.Latest
	out       *log.Logger
}

func (r *receiver) created(ctx context.Context, e webhooks.Event[webhooks.EndUserCreated]) error {
	return r.handle(ctx, e.ID, e.Type, e.Timestamp, e.Data.EndUser)
}

func (r *receiver) updated(ctx context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
	return r.handle(ctx, e.ID, e.Type, e.Timestamp, e.Data.EndUser)
}

func (r *receiver) handle(ctx context.Context, id, event string, at time.Time, u webhooks.EndUser) error {
	what, err := r.sync(ctx, at, u)
	r.out.Printf("%s %s of %s: %s", id, event, u.ID, what)
	return err // which has Ada deliver the event again
}

// sync patches the profile where it differs from the table, and says what it did. A patch makes Ada send another event,
// in which nothing differs any more: that is what ends the circle.
func (r *receiver) sync(ctx context.Context, at time.Time, u webhooks.EndUser) (string, error) {
	if !r.latest.Newer(u.ID, at) {
		return "ignored, a newer event came before", nil
	}
	c, ok := r.customers.find(u.ExternalID, u.Profile.Email)
	if !ok {
		return "ignored, not in the table", nil
	}
	update, differs := c.update(u.Profile)
	if !differs {
		return "nothing to patch", nil
	}
	_, err := r.users.Update(ctx, u.ID, update)
	switch {
	case errors.Is(err, ada.ErrNotFound):
		return "ignored, the end user is gone", nil
	case err != nil:
		return fmt.Sprintf("failed, %v", err), err
	}
	return "patched", nil
}

// store is a [webhooks.Store] that says when an event comes again.
type store struct {
	webhooks.Store
	out *log.Logger
}

func (s store) Claim(ctx context.Context, id string) (webhooks.State, error) {
	state, err := s.Store.Claim(ctx, id)
	if state == webhooks.Handled {
		s.out.Printf("%s again: ignored", id)
	}
	return state, err
}

// customer is what the table says of somebody.
type customer struct{ language, plan, region string }

// update returns what makes a profile the customer's, and whether that changes anything.
func (c customer) update(p webhooks.Profile) (u endusers.Update, differs bool) {
	if c.language != "" && c.language != p.Language {
		u.Language = ada.Set(c.language)
		differs = true
	}
	// Whether Ada keeps the metadata that an update leaves out is not documented, so all of it goes along.
	metadata, set := map[string]any{}, false
	for key := range p.Metadata {
		if v, ok := p.Metadata.String(key); ok {
			metadata[key] = v
		} else if v, ok := p.Metadata.Bool(key); ok {
			metadata[key] = v
		} else if v, ok := p.Metadata.Int64(key); ok {
			metadata[key] = v
		}
	}
	for key, v := range map[string]string{"plan": c.plan, "region": c.region} {
		if v != "" && v != metadata[key] {
			metadata[key], set = v, true
		}
	}
	if set {
		u.Metadata = ada.Set(metadata)
	}
	return u, differs || set
}

// table is customers by external id and by email address, in lower case: Ada may change the case of an external id.
type table map[string]customer

func (t table) find(externalID, email string) (c customer, ok bool) {
	if c, ok = t["id "+strings.ToLower(externalID)]; !ok {
		c, ok = t["email "+strings.ToLower(email)]
	}
	return c, ok
}

// openTable reads a CSV file, or the sample.
func openTable(path string) (table, error) {
	var input io.Reader = strings.NewReader(sample)
	if path != "" {
		file, err := os.Open(path) // #nosec G304 -- its user says which
		if err != nil {
			return nil, err
		}
		defer file.Close()
		input = file
	}
	rows, err := csv.NewReader(input).ReadAll()
	if err != nil || len(rows) == 0 || strings.Join(rows[0], ",") != "external_id,email,language,plan,region" {
		return nil, errors.New("the customers are no CSV file with the columns external_id,email,language,plan,region")
	}
	t := table{}
	for _, row := range rows[1:] {
		c := customer{language: row[2], plan: row[3], region: row[4]}
		if row[0] != "" {
			t["id "+strings.ToLower(row[0])] = c
		}
		if row[1] != "" {
			t["email "+strings.ToLower(row[1])] = c
		}
	}
	return t, nil
}

// serve serves a fake Ada on the loopback interface.
func serve(fake *adatest.Server) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: fake, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// demonstrate has end users made and changed, and waits until all events of that have been received.
func demonstrate(ctx context.Context, client *ada.Client, fake *adatest.Server, customers table, out *log.Logger) error {
	const soon = 50 * time.Millisecond
	fake.Deliver(adatest.DeliverOptions{
		Schedule: []time.Duration{0, soon, soon, soon, soon}, // Ada takes hours
		Reverse:  500 * time.Millisecond,
		Twice:    true,
	})
	// The first patch fails, and with it the handler.
	fake.Fail("endusers.Update", adatest.Failure{}, adatest.Failure{Status: http.StatusForbidden})

	users := endusers.New(client)
	var first *endusers.User
	for _, u := range []endusers.NewUser{
		{ExternalID: "crm-1", Profile: endusers.Profile{Metadata: map[string]any{"seats": 12, "plan": "trial"}}},
		{ExternalID: "crm-2", Profile: endusers.Profile{Language: "en-US", Metadata: map[string]any{"plan": "free", "region": "na"}}},
		{Profile: endusers.Profile{Email: "grace@example.com"}},
		{ExternalID: "stranger"},
	} {
		made, _, err := users.Create(ctx, u)
		if err != nil {
			return err
		}
		if first == nil {
			first = made
		}
	}
	time.Sleep(2 * time.Millisecond) // the timestamps of events are in milliseconds
	if _, err := users.Update(ctx, first.ID, endusers.Update{Language: ada.Set("pt")}); err != nil {
		return err
	}
	if err := fake.WaitDelivered(ctx); err != nil {
		return err
	}

	out.Println("What Ada has now:")
	for u, err := range users.All(ctx, endusers.ListParams{}) {
		if err != nil {
			return err
		}
		is := "not in the table"
		if c, ok := customers.find(u.ExternalID, u.Profile.Email); ok {
			is = "not as in the table"
			if u.Profile.Language == c.language && u.Profile.Metadata["plan"] == c.plan && u.Profile.Metadata["region"] == c.region {
				is = "as in the table"
			}
		}
		out.Printf("%s is %s", u.ID, is)
	}
	return nil
}
