package compliance_test

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/adasdk/ada-go/compliance"
)

// table is a ledger in a table of a database, here in memory.
type table struct{ rows []compliance.Entry }

func (t *table) Key(id compliance.Identifier) string {
	return fmt.Sprintf("%s %q %q", id.Type(), id.VariableName(), id.Value()) // quoted, the parts cannot run into one another
}

func (t *table) Entries() iter.Seq2[compliance.Entry, error] {
	return func(yield func(compliance.Entry, error) bool) {
		for _, e := range t.rows {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Append returns when the transaction is committed.
func (t *table) Append(e compliance.Entry) error {
	t.rows = append(t.rows, e)
	return nil
}

// A ledger of your own.
func ExampleLedger() {
	client, done := newClient()
	defer done()

	people := slices.Values([]compliance.Identifier{compliance.Email("ada@example.com")})
	ledger := &table{}
	for range 2 { // the second time nothing is submitted
		for verdict, err := range compliance.New(client).EraseAll(context.Background(), people, compliance.EraseParams{Ledger: ledger}) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(verdict.Outcome)
		}
	}
	fmt.Println(ledger.rows[0].Event, ledger.rows[0].Keys)
	fmt.Println(ledger.rows[1].Event, len(ledger.rows))
	// Output:
	// erased
	// erased
	// submitting [email "" "ada@example.com"]
	// submitted 2
}
