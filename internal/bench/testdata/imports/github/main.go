// A program with one call through go-github. It is built, and never run.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/go-github/v89/github"
)

func main() {
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("KEY")))
	if err != nil {
		log.Fatal(err)
	}
	user, _, err := client.Users.Get(context.Background(), "gopher")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.GetID())
}
