package redisstore_test

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/adasdk/ada-go/webhooks"
	"github.com/adasdk/ada-go/webhooks/redisstore"
	"github.com/redis/go-redis/v9"
)

// A receiver that can run any number of times beside itself.
func Example() {
	verifier, err := webhooks.NewVerifier(os.Getenv("ADA_WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := redisstore.New(redisstore.Config{
		Client: redis.NewClient(&redis.Options{Addr: "localhost:6379"}),
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier, Store: store})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
		log.Println("updated:", e.Data.ID)
		return nil
	})
	server := &http.Server{Addr: ":8080", Handler: mux, ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
