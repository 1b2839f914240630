// A program with one call through openai-go. It is built, and never run.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	client := openai.NewClient(option.WithAPIKey(os.Getenv("KEY")))
	model, err := client.Models.Get(context.Background(), "any")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.ID)
}
