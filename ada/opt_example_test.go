package ada_test

import (
	"encoding/json"
	"fmt"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/endusers"
	"github.com/google/go-cmp/cmp"
)

// channelChange is the body of a PATCH that the SDK does not wrap.
type channelChange struct {
	Name        ada.Opt[string] `json:"name,omitzero"`
	Description ada.Opt[string] `json:"description,omitzero"`
}

func ExampleSet() {
	body, err := json.Marshal(channelChange{Name: ada.Set("Kiosk")})
	fmt.Println(string(body), err)
	// Output: {"name":"Kiosk"} <nil>
}

func ExampleNull() {
	body, err := json.Marshal(channelChange{Description: ada.Null[string]()})
	fmt.Println(string(body), err)
	// Output: {"description":null} <nil>
}

func ExampleOpt_Get() {
	update := endusers.Update{Email: ada.Set("ada@example.com"), ExternalID: ada.Null[string]()}
	if email, ok := update.Email.Get(); ok {
		fmt.Println("new address:", email)
	}
	_, ok := update.ExternalID.Get()
	fmt.Println(ok)
	// Output:
	// new address: ada@example.com
	// false
}

func ExampleOpt_IsNull() {
	update := endusers.Update{ExternalID: ada.Null[string]()}
	fmt.Println(update.ExternalID.IsNull(), update.Email.IsNull())
	// Output: true false
}

// The other direction: what a caller of your own API has left out, and what is null.
func ExampleOpt_IsZero() {
	var change channelChange
	if err := json.Unmarshal([]byte(`{"description": null}`), &change); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("name left out:", change.Name.IsZero())
	fmt.Println("description left out:", change.Description.IsZero())
	// Output:
	// name left out: true
	// description left out: false
}

// A test of your own compares what it would have changed.
func ExampleOpt_Equal() {
	got := endusers.Update{Email: ada.Set("ada@example.com")}
	fmt.Println(got.Email.Equal(ada.Set("ada@example.com")), got.Email.Equal(ada.Null[string]()))
	fmt.Println(cmp.Equal(got, endusers.Update{Email: ada.Set("ada@example.com")})) // which calls it
	// Output:
	// true false
	// true
}
