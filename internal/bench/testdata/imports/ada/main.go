// A program with one call through this SDK. It is built, and never run.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/endusers"
)

func main() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(os.Getenv("KEY"))})
	if err != nil {
		log.Fatal(err)
	}
	user, err := endusers.New(client).Get(context.Background(), "42")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID)
}
