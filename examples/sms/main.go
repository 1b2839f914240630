// Sms sends a message of a campaign to each phone in a CSV file, and keeps account of what was sent.
//
//	go run ./examples/sms -file messages.csv -campaign renew_subscriptions
//
// The file has a column phone_number; every other column becomes a variable of the conversation under its own name.
// Row 1 is the first one below these names.
//
// It runs against a fake Ada in the same process, over HTTP on the loopback interface. To reach people it takes
// ADA_HANDLE, ADA_API_KEY, -file and -send together, as each row is then a real message. It ends with exit code 1 if
// for any row nobody knows whether its message was sent. An interrupt begins no further row and reports those begun.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/proactivesms"
)

//go:embed sample.csv
var sample []byte

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal("sms: ", err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sms", flag.ContinueOnError)
	flags.SetOutput(out)
	file := flags.String("file", "", "CSV `file` with the rows; a sample where there is none")
	campaign := flags.String("campaign", "renew_subscriptions", "`key` of the campaign")
	language := flags.String("language", "", "ISO 639-1 `code`; the default of the AI Agent where there is none")
	send := flags.Bool("send", false, "send to the real Ada")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config := ada.ConfigFromEnv()
	if *send && (config.APIKey == "" || *file == "") {
		return errors.New("-send takes ADA_HANDLE, ADA_API_KEY and -file")
	}

	content := sample
	if *file != "" {
		var err error
		if content, err = os.ReadFile(*file); err != nil {
			return err
		}
	}
	messages, err := read(content)
	if err != nil {
		return err
	}
	for i := range messages {
		messages[i].CampaignKey, messages[i].Language = *campaign, *language
	}

	printer := log.New(out, "", 0) // calls print too, from goroutines of their own
	if *send {
		config.HTTP.Hooks.Done = waits(printer)
		client, err := ada.NewClient(config)
		if err != nil {
			return err
		}
		printer.Println("Using the real Ada at", client.BaseURL())
		return trigger(ctx, printer, client, messages)
	}

	fake := adatest.New(adatest.RateLimit(0, 0)) // no limits: nobody has to wait
	defer fake.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: fake, ReadHeaderTimeout: time.Minute}
	defer server.Close()
	go server.Serve(listener)
	client, err := ada.NewClient(ada.Config{
		BaseURL: "http://" + listener.Addr().String(), APIKey: adatest.APIKey,
		HTTP: ada.HTTPConfig{Limiter: ada.Unpaced, Hooks: ada.Hooks{Done: waits(printer)}},
	})
	if err != nil {
		return err
	}
	printer.Println("Using a fake Ada at", client.BaseURL())
	if config.APIKey == "" {
		// What can happen: a request over the limit, and a message that goes out although its answer is lost.
		fake.Fail(
			"proactivesms.Trigger",
			adatest.Failure{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
			adatest.Failure{Effect: true, Drop: true},
		)
		return trigger(ctx, printer, client, messages)
	}
	target, err := ada.NewClient(config)
	if err != nil {
		return err
	}
	printer.Println("A rehearsal: without -send nothing goes to", target.BaseURL())
	if err := trigger(ctx, printer, client, messages); err != nil {
		return err
	}
	printer.Printf("With -send, %d messages would go to %s", len(fake.Outbox()), target.BaseURL())
	return nil
}

// read returns a message for each row.
func read(content []byte) ([]proactivesms.Message, error) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !slices.Contains(rows[0], "phone_number") {
		return nil, errors.New("the file has no column phone_number")
	}
	var messages []proactivesms.Message
	for _, row := range rows[1:] {
		m := proactivesms.Message{MetaFields: map[string]any{}}
		for i, name := range rows[0] {
			if name == "phone_number" {
				m.PhoneNumber = row[i]
			} else {
				m.MetaFields[name] = row[i]
			}
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// waits returns a hook that tells of each attempt that will be made again.
func waits(printer *log.Logger) func(context.Context, ada.Attempt) {
	return func(_ context.Context, a ada.Attempt) {
		if a.RetryIn > 0 {
			printer.Printf("a row waits %s: %v", a.RetryIn.Round(time.Second), a.Err)
		}
	}
}

// trigger sends the messages and prints what became of each: by its row, and with nothing of what it holds.
func trigger(ctx context.Context, printer *log.Logger, client *ada.Client, messages []proactivesms.Message) error {
	rows := map[proactivesms.Outcome][]int{}
	for r := range proactivesms.New(client).TriggerAll(ctx, slices.Values(messages)) {
		row := r.Index + 1
		rows[r.Outcome()] = append(rows[r.Outcome()], row)
		printer.Printf("row %d: %s", row, r.Outcome())
		if r.Err != nil {
			printer.Printf("   %v", r.Err)
		}
	}
	sent, not, unknown := rows[proactivesms.Sent], rows[proactivesms.NotSent], rows[proactivesms.Unknown]
	begun := len(sent) + len(not) + len(unknown)
	printer.Printf("%d rows: %d sent, %d not sent, %d unknown, %d not begun", len(messages), len(sent), len(not), len(unknown), len(messages)-begun)
	if len(unknown) > 0 {
		slices.Sort(unknown)
		printer.Println("Do not send again before you have found out: rows", unknown)
		return fmt.Errorf("outcome unknown for %d of the rows", len(unknown))
	}
	return ctx.Err()
}
