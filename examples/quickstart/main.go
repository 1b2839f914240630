// Quickstart walks through the life of an end user: look up, create, update, list, clear, and the errors on the way.
//
//	go run ./examples/quickstart
//
// It runs against a fake Ada in the same process, over HTTP on the loopback interface. With ADA_HANDLE and
// ADA_API_KEY set it runs against that AI Agent instead, where it leaves a few end users behind, which Ada deletes
// within 24 hours.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal("quickstart: ", err)
	}
}

func run(ctx context.Context) error {
	config := ada.ConfigFromEnv()
	var fake *adatest.Server
	if config.APIKey == "" {
		fake = adatest.New()
		defer fake.Close()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: fake, ReadHeaderTimeout: time.Minute}
		defer server.Close()
		go server.Serve(listener)
		config = ada.Config{BaseURL: "http://" + listener.Addr().String(), APIKey: adatest.APIKey}
	}
	client, err := ada.NewClient(config)
	if err != nil {
		return err
	}
	if fake != nil {
		fmt.Println("Using a fake Ada at", client.BaseURL())
	} else {
		fmt.Println("Using the real Ada at", client.BaseURL())
	}
	if err := life(ctx, client, fake); err != nil {
		return err
	}
	return failures(ctx, client, fake)
}

// life is the way of an end user that goes well. fake is nil with the real Ada.
func life(ctx context.Context, client *ada.Client, fake *adatest.Server) error {
	users := endusers.New(client)
	externalID := fmt.Sprintf("quickstart-%d", time.Now().Unix())

	step("Look up an end user by your own id")
	_, err := users.GetByExternalID(ctx, externalID)
	if err := expect(err, ada.ErrNotFound); err != nil {
		return err
	}

	step("Create the end user")
	newUser := endusers.NewUser{
		ExternalID: externalID,
		Profile:    endusers.Profile{Language: "pt-BR", Metadata: map[string]any{"region": "latam"}},
	}
	user, created, err := users.Create(ctx, newUser)
	if err != nil {
		return err
	}
	fmt.Printf("   id %s, created: %t\n", user.ID, created)

	step("Create it again: the same end user comes back")
	again, created, err := users.Create(ctx, newUser)
	if err != nil {
		return err
	}
	fmt.Printf("   id %s, created: %t\n", again.ID, created)
	if again.ID != user.ID || created {
		return errors.New("create made a second end user")
	}

	step("Update profile, metadata and sensitive metadata")
	user, err = users.Update(ctx, user.ID, endusers.Update{
		FirstName: ada.Set("Ada"),
		Email:     ada.Set("ada.lovelace@example.com"),
		Metadata:  ada.Set(map[string]any{"plan_type": "enterprise", "seats": 12, "trial": false}),
		Sensitive: ada.Set(endusers.Sensitive{"auth_token": "eyJhbGciOi", "session_id": "sess_abc123"}), // #nosec G101 -- made up
	})
	if err != nil {
		return err
	}
	fmt.Printf("   %s, metadata %v\n", user.Profile.FirstName, user.Profile.Metadata)
	fmt.Printf("   sensitive metadata in what Ada sent back: %t\n", strings.Contains(string(user.Raw), "auth_token"))

	step("Remove one sensitive key with null")
	if _, err := users.Update(ctx, user.ID, endusers.Update{
		Sensitive: ada.Set(endusers.Sensitive{"session_id": nil}),
	}); err != nil {
		return err
	}
	if fake != nil { // the only one who would tell
		held, _ := fake.EndUser(user.ID)
		fmt.Println("   Ada now holds the keys", slices.Sorted(maps.Keys(held.Sensitive)))
	}

	step("List end users, two to a page")
	for range 2 {
		if _, _, err := users.Create(ctx, endusers.NewUser{}); err != nil {
			return err
		}
	}
	listed := 0
	for user, err := range users.All(ctx, endusers.ListParams{PageSize: 2}) {
		if err != nil {
			return err
		}
		fmt.Printf("   %s created %s\n", user.ID, user.CreatedAt.Format(time.RFC3339))
		if listed++; listed == 5 { // the real Ada may have many
			break
		}
	}

	step("Clear the external id with null")
	user, err = users.Update(ctx, user.ID, endusers.Update{ExternalID: ada.Null[string]()})
	if err != nil {
		return err
	}
	fmt.Printf("   external id: %q\n", user.ExternalID)
	return nil
}

// failures is each error that a user will meet.
func failures(ctx context.Context, client *ada.Client, fake *adatest.Server) error {
	users := endusers.New(client)

	step("Error: parameters that Ada would refuse, found before sending")
	_, _, err := users.Create(ctx, endusers.NewUser{
		ExternalID: "an <external id> that is longer than 36 characters",
		Profile:    endusers.Profile{Language: "Portuguese", Metadata: map[string]any{"score": 0.5}},
	})
	if err := expect(err, ada.ErrInvalid); err != nil {
		return err
	}

	step("Error: a body over 4,096 bytes, found before sending")
	_, _, err = users.Create(ctx, endusers.NewUser{
		Profile: endusers.Profile{Metadata: map[string]any{"notes": strings.Repeat("x", 5000)}},
	})
	if err := expect(err, ada.ErrTooLarge); err != nil {
		return err
	}

	step("Error: an external id that another end user has")
	taken := fmt.Sprintf("quickstart-taken-%d", time.Now().Unix())
	if _, _, err := users.Create(ctx, endusers.NewUser{ExternalID: taken}); err != nil {
		return err
	}
	other, _, err := users.Create(ctx, endusers.NewUser{})
	if err != nil {
		return err
	}
	_, err = users.Update(ctx, other.ID, endusers.Update{ExternalID: ada.Set(taken)})
	if err := expect(err, ada.ErrConflict); err != nil {
		return err
	}

	step("429 Too Many Requests, waited out by the client")
	if fake == nil {
		fmt.Println("   left out: only the fake answers 429 on demand")
		return nil
	}
	fake.Fail("endusers.Get", adatest.Failure{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}})
	var resp ada.Response
	start := time.Now()
	if _, err := users.Get(ctx, other.ID, ada.WithResponse(&resp)); err != nil {
		return err
	}
	fmt.Printf("   no error: %d after %d attempts and %s\n", resp.StatusCode, resp.Attempts, time.Since(start).Round(time.Second))
	return nil
}

var steps int

func step(what string) {
	steps++
	fmt.Printf("%2d. %s\n", steps, what)
}

// expect prints an error that was meant to come, and returns any other.
func expect(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("got the error %v, want %w", err, want)
	}
	fmt.Println("  ", err)
	return nil
}
