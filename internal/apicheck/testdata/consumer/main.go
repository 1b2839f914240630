// Consumer is a program of somebody who uses the SDK. It is built, and never run.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/endusers"
)

func main() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(os.Getenv("ADA_API_KEY"))})
	if err != nil {
		log.Fatal(err)
	}
	if err := run(context.Background(), endusers.New(client)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, users *endusers.Client) error {
	user, created, err := users.Create(ctx, endusers.NewUser{Profile: endusers.Profile{Language: "pt-BR"}})
	if errors.Is(err, ada.ErrOutcomeUnknown) {
		return fmt.Errorf("find out whether there is a new end user: %w", err)
	}
	if err != nil {
		return err
	}
	fmt.Println(user.ID, created)

	if _, err := users.Update(ctx, user.ID, endusers.Update{
		Email:      ada.Set("ada@example.com"),
		ExternalID: ada.Null[string](),
	}); err != nil {
		return err
	}

	for user, err := range users.All(ctx, endusers.ListParams{PageSize: 100}) {
		if err != nil {
			return err
		}
		fmt.Println(user.ID)
	}
	return nil
}
