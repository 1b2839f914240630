// Erasure has everybody erased whom a CSV file names, and writes a report of what became of each.
//
//	go run ./examples/erasure -file requests.csv -ledger erasure.ledger -report report.csv
//
// The file has the columns type, value and variable, where type is email, external_id, end_user_id, chatter_id or
// variable_match. The report has a line for each identifier, by the number of the first row that has it and without the
// identifier itself.
//
// Run it again with the same ledger after a crash, or to learn what has become of jobs that were under way: nobody is
// submitted twice. The ledger holds keyed hashes; the key is in the environment as LEDGER_KEY, 16 bytes or more.
//
// Without flags it runs over a sample, against a fake Ada in the same process. With ADA_HANDLE and ADA_API_KEY set it
// runs against that AI Agent, and then needs -file, -ledger and LEDGER_KEY.
package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
)

//go:embed sample.csv
var sample string

type options struct {
	file, ledger, report string
	wait                 bool
	ledgerKey            string
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.file, "file", "", "CSV `file` of identifiers; empty: a sample")
	flag.StringVar(&o.ledger, "ledger", "", "ledger `file`; empty: one that is thrown away")
	flag.StringVar(&o.report, "report", "", "CSV `file` for the report; empty: standard output")
	flag.BoolVar(&o.wait, "wait", false, "wait until all jobs have ended, which can take 30 days")
	flag.Parse()
	o.ledgerKey = os.Getenv("LEDGER_KEY")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		log.Fatal("erasure: ", err)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	config := ada.ConfigFromEnv()
	live := config.APIKey != ""
	if live && (o.file == "" || o.ledger == "" || o.ledgerKey == "") {
		return errors.New("with the real Ada, -file, -ledger and LEDGER_KEY are required")
	}
	if !live {
		url, stop, err := fake()
		if err != nil {
			return err
		}
		defer stop()
		config = ada.Config{BaseURL: url, APIKey: adatest.APIKey}
	}
	client, err := ada.NewClient(config)
	if err != nil {
		return err
	}
	if live {
		fmt.Fprintln(out, "Using the real Ada at", client.BaseURL())
	} else {
		fmt.Fprintln(out, "Using a fake Ada at", client.BaseURL())
	}

	ledger, closeLedger, err := openLedger(o)
	if err != nil {
		return err
	}
	defer closeLedger()
	var input io.Reader = strings.NewReader(sample)
	if o.file != "" {
		file, err := os.Open(o.file)
		if err != nil {
			return err
		}
		defer file.Close()
		input = file
	}
	report := out
	if o.report != "" {
		file, err := os.Create(o.report)
		if err != nil {
			return err
		}
		defer file.Close()
		report = file
	}
	return erase(ctx, compliance.New(client), ledger, o.wait, input, report, out)
}

// erase reads rows from input and writes the report.
func erase(ctx context.Context, c *compliance.Client, ledger compliance.Ledger, wait bool, input io.Reader, report, out io.Writer) error {
	rows := map[compliance.Identifier]int{} // where each identifier stood first
	var broken error
	identifiers := read(input, rows, &broken)

	lines := csv.NewWriter(report)
	if err := lines.Write([]string{"row", "type", "outcome", "reference", "job", "reason"}); err != nil {
		return err
	}
	counts := map[compliance.Outcome]int{}
	var failed error
	for v, err := range c.EraseAll(ctx, identifiers, compliance.EraseParams{Ledger: ledger, Wait: wait}) {
		if err != nil {
			failed = err
			break
		}
		counts[v.Outcome]++
		line := []string{strconv.Itoa(rows[v.Identifier]), v.Identifier.Type(), string(v.Outcome), v.Reference, v.JobID, v.Reason}
		if err := lines.Write(line); err != nil {
			return err
		}
	}
	lines.Flush()
	for _, o := range []compliance.Outcome{compliance.Erased, compliance.Pending, compliance.NotFound, compliance.Refused, compliance.Unknown} {
		fmt.Fprintf(out, "%-10s %d\n", o, counts[o])
	}
	return errors.Join(broken, failed, lines.Error())
}

// read returns the identifiers of a CSV file as they are wanted, and notes the row of each. A file that breaks off ends
// them, with the reason in broken.
func read(input io.Reader, rows map[compliance.Identifier]int, broken *error) iter.Seq[compliance.Identifier] {
	return func(yield func(compliance.Identifier) bool) {
		table := csv.NewReader(input)
		table.FieldsPerRecord = -1
		for row := 0; ; row++ {
			record, err := table.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				*broken = fmt.Errorf("row %d cannot be read", row)
				return
			}
			if row == 0 { // the names of the columns
				continue
			}
			record = append(record, "", "", "")
			id := identifier(record[0], record[1], record[2])
			if rows[id] == 0 {
				rows[id] = row
			}
			if !yield(id) {
				return
			}
		}
	}
}

// identifier is what a row names. One of another type is empty, which EraseAll refuses.
func identifier(kind, value, variable string) compliance.Identifier {
	switch kind {
	case "email":
		return compliance.Email(value)
	case "external_id":
		return compliance.ExternalID(value)
	case "end_user_id":
		return compliance.EndUserID(value)
	case "chatter_id":
		return compliance.ChatterID(value)
	case "variable_match":
		return compliance.Variable(variable, value)
	default:
		return compliance.Identifier{}
	}
}

func openLedger(o options) (ledger *compliance.FileLedger, done func(), err error) {
	key, path, remove := o.ledgerKey, o.ledger, func() {}
	if key == "" {
		key = "not a secret, and good for the fake only"
	}
	if path == "" {
		dir, err := os.MkdirTemp("", "erasure")
		if err != nil {
			return nil, nil, err
		}
		path, remove = filepath.Join(dir, "ledger"), func() { _ = os.RemoveAll(dir) }
	}
	ledger, err = compliance.OpenFileLedger(path, []byte(key))
	if err != nil {
		remove()
		return nil, nil, err
	}
	return ledger, func() { _ = ledger.Close(); remove() }, nil
}

// fake serves a fake Ada on the loopback interface, which knows the people of the sample and erases at once.
func fake() (url string, stop func(), err error) {
	srv := adatest.New(adatest.ErasureTime(0, 0))
	for _, u := range []adatest.EndUser{
		{Profile: map[string]any{"email": "ada@example.com"}},
		{ExternalID: "crm-42"},
		{Profile: map[string]any{"metadata": map[string]any{"phone_number": "4165551234"}}},
	} {
		u.InConversation = true
		srv.AddEndUser(u)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: srv, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { _ = server.Close(); srv.Close() }, nil
}
