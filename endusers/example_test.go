package endusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
)

// newClient returns a client of a fake Ada. In a program it is one of ada.NewClient.
func newClient() (client *ada.Client, done func()) {
	srv := adatest.New()
	return srv.Client(), srv.Close
}

// Look a person up by the id in your own system, and make an end user of them if Ada does not know them.
func Example() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)

	user, err := users.GetByExternalID(ctx, "crm-42")
	if errors.Is(err, ada.ErrNotFound) {
		user, _, err = users.Create(ctx, endusers.NewUser{
			ExternalID: "crm-42",
			Profile:    endusers.Profile{Language: "pt-BR", Metadata: map[string]any{"region": "latam"}},
		})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.ExternalID, user.Profile.Language, user.Profile.Metadata["region"])
	// Output: crm-42 pt-BR latam
}

// One client of package ada serves all API packages.
func ExampleNew() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := endusers.New(client)

	_, err = users.Get(context.Background(), "") // refused before anything is sent
	fmt.Println(err)
	// Output: endusers.Get: invalid: id is empty
}

func ExampleClient_Get() {
	client, done := newClient()
	defer done()

	_, err := endusers.New(client).Get(context.Background(), "5f7e0e2c1e7c7e000f0f9c3a")
	fmt.Println(err)
	fmt.Println(errors.Is(err, ada.ErrNotFound))
	// Output:
	// endusers.Get: GET /api/v2/end-users/{end_user_id}: 404 Not Found: not_found
	// true
}

func ExampleClient_GetByExternalID() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)
	if _, _, err := users.Create(ctx, endusers.NewUser{ExternalID: "CRM-42"}); err != nil {
		fmt.Println(err)
		return
	}

	user, err := users.GetByExternalID(ctx, "crm-42") // case does not matter
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.ExternalID)
	// Output: crm-42
}

func ExampleClient_Create() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)

	for range 2 {
		_, created, err := users.Create(ctx, endusers.NewUser{ExternalID: "crm-42"})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("created:", created)
	}
	// Output:
	// created: true
	// created: false
}

// Bad parameters are named, all of them, and nothing is sent.
func ExampleClient_Create_faults() {
	client, done := newClient()
	defer done()

	_, _, err := endusers.New(client).Create(context.Background(), endusers.NewUser{
		ExternalID: "<crm-42>",
		Profile:    endusers.Profile{Language: "Portuguese"},
	})
	var e *ada.Error
	if errors.As(err, &e) {
		for _, fault := range e.Faults {
			fmt.Println(fault.Field, "|", fault.Reason)
		}
	}
	// Output:
	// ExternalID | has a < or a >
	// Profile.Language | is not of the form xx or xx-XX
}

func ExampleClient_Upsert() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)

	for _, name := range []string{"Ada", "Augusta Ada"} {
		user, created, err := users.Upsert(ctx, endusers.NewUser{
			ExternalID: "crm-42",
			Profile:    endusers.Profile{FirstName: name},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(user.Profile.FirstName, created)
	}
	// Output:
	// Ada true
	// Augusta Ada false
}

func ExampleClient_Update() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)
	user, _, err := users.Create(ctx, endusers.NewUser{
		ExternalID: "crm-42",
		Profile:    endusers.Profile{FirstName: "Ada", Language: "en"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	user, err = users.Update(ctx, user.ID, endusers.Update{
		Language:   ada.Set("pt-BR"),
		ExternalID: ada.Null[string](),
		// FirstName is left out, and stays.
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s %q\n", user.Profile.FirstName, user.Profile.Language, user.ExternalID)
	// Output: Ada pt-BR ""
}

// What a playbook needs to act for the person, and nobody should read.
func ExampleSensitive() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)
	user, _, err := users.Create(ctx, endusers.NewUser{
		Sensitive: endusers.Sensitive{"auth_token": "eyJhbGciOi", "session_id": "sess_abc123"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	change := endusers.Update{Sensitive: ada.Set(endusers.Sensitive{"session_id": nil})} // nil removes the key
	if _, err := users.Update(ctx, user.ID, change); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(change)
	// Output: [REDACTED]
}

func ExampleClient_All() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	users := endusers.New(client)
	for _, externalID := range []string{"crm-1", "crm-2", "crm-3"} {
		if _, _, err := users.Create(ctx, endusers.NewUser{ExternalID: externalID}); err != nil {
			fmt.Println(err)
			return
		}
	}

	for user, err := range users.All(ctx, endusers.ListParams{PageSize: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(user.ExternalID)
	}
	// Output:
	// crm-1
	// crm-2
	// crm-3
}

// What is known of people does not get into logs by accident.
func Example_redacted() {
	user := endusers.User{ID: "5f7e0e2c1e7c7e000f0f9c3a", Profile: endusers.Profile{Email: "ada@example.com"}}
	fmt.Println(user)
	fmt.Printf("%+v %v\n", user.Profile, endusers.NewUser{ExternalID: "crm-42"})
	fmt.Println(endusers.Update{Email: ada.Set("ada@example.com")}, endusers.Sensitive{"auth_token": "eyJhbGciOi"})

	b, err := json.Marshal(user) // its Raw is what to store
	fmt.Println(string(b), err)
	// Output:
	// endusers.User(5f7e0e2c1e7c7e000f0f9c3a)
	// [REDACTED] [REDACTED]
	// [REDACTED] [REDACTED]
	// "endusers.User(5f7e0e2c1e7c7e000f0f9c3a)" <nil>
}

// Raw is what to store; a User comes back from it.
func ExampleUser_UnmarshalJSON() {
	stored := []byte(`{"end_user_id": "5f7e0e2c1e7c7e000f0f9c3a", "profile": {"language": "en"}}`)
	var user endusers.User
	if err := json.Unmarshal(stored, &user); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user, user.Profile.Language)
	// Output: endusers.User(5f7e0e2c1e7c7e000f0f9c3a) en
}
