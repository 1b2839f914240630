// A program with one call through stripe-go. It is built, and never run.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/stripe/stripe-go/v85"
)

func main() {
	client := stripe.NewClient(os.Getenv("KEY"))
	customer, err := client.V1Customers.Retrieve(context.Background(), "cus_42", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(customer.ID)
}
