package webhooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/adasdk/ada-go/webhooks"
)

// In a program the secret comes from the environment.
const exampleSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// send delivers an event as Ada does, and prints the status of the answer.
func send(h http.Handler, verifier *webhooks.Verifier, id, body string) {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/ada", strings.NewReader(body))
	r.Header = verifier.Sign(id, time.Now(), []byte(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
}

// newReceiver returns a Mux and the Verifier of what is sent to it. ExampleNewMux shows what a program does.
func newReceiver() (*webhooks.Mux, *webhooks.Verifier) {
	verifier, err := webhooks.NewVerifier(exampleSecret)
	if err != nil {
		panic(err)
	}
	return webhooks.NewMux(webhooks.Config{Verifier: verifier}), verifier
}

func ExampleNewMux() {
	verifier, err := webhooks.NewVerifier(exampleSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := webhooks.NewMux(webhooks.Config{
		Verifier: verifier,
		Store:    webhooks.NewMemoryStore(0), // with several processes: redisstore
		Logger: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		})),
	})

	forger, err := webhooks.NewVerifier("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
	if err != nil {
		fmt.Println(err)
		return
	}
	send(mux, forger, "msg_1", `{"type":"v1.end_user.created"}`)
	// Output:
	// level=WARN msg="webhooks: not verified" error="webhooks: no valid signature"
	// 401
}

// A Mux beside other handlers.
func ExampleMux_ServeHTTP() {
	mux, verifier := newReceiver()
	router := http.NewServeMux()
	router.Handle("/webhooks/ada", mux)
	srv := httptest.NewServer(router)
	defer srv.Close()

	const body = `{"type":"v1.end_user.created","data":{"end_user_id":"eu1"}}`
	for _, header := range []http.Header{verifier.Sign("msg_1", time.Now(), []byte(body)), {}} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, srv.URL+"/webhooks/ada", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header = header
		resp, err := srv.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = resp.Body.Close()
		fmt.Println(resp.Status)
	}
	// Output:
	// 200 OK
	// 400 Bad Request
}

func ExampleMux() {
	verifier, err := webhooks.NewVerifier(exampleSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.ConversationEnded]) error {
		fmt.Println(e.Data.ConversationID, "ended by", e.Data.EndedBy.Role)
		return nil
	})

	srv := &http.Server{Addr: ":8080", Handler: mux, ReadTimeout: 10 * time.Second}
	// In a program: log.Fatal(srv.ListenAndServe())

	const body = `{"type":"v1.conversation.ended","data":{"conversation_id":"c1","ended_by":{"role":"end_user"}}}`
	send(srv.Handler, verifier, "msg_1", body)
	send(srv.Handler, verifier, "msg_1", body) // delivered again, and not handled again
	// Output:
	// c1 ended by end_user
	// 200
	// 200
}

func ExampleHandle() {
	verifier, err := webhooks.NewVerifier(exampleSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
		plan, _ := e.Data.Profile.Metadata.String("plan")
		fmt.Println(e.Data.ID, e.Data.Profile.Language, plan)
		return nil
	})
	// The five types of a call have one payload.
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.ProactiveCall]) error {
		if e.Type == webhooks.TypeProactiveCallFailed {
			fmt.Println(e.Data.AttemptID, "failed:", e.Data.FailureReason)
		}
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.end_user.updated",
		"data":{"end_user_id":"eu1","profile":{"language":"pt-BR","metadata":{"plan":"pro"}}}}`)
	send(mux, verifier, "msg_2", `{"type":"v1.proactive_call.failed",
		"data":{"proactive_attempt_id":"p1","failure_reason":"no_answer"}}`)
	// Output:
	// eu1 pt-BR pro
	// 200
	// p1 failed: no_answer
	// 200
}

func ExampleMux_Fallback() {
	verifier, err := webhooks.NewVerifier(exampleSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
	mux.Fallback(func(_ context.Context, e webhooks.Event[json.RawMessage]) error {
		fmt.Printf("%s: %s\n", e.Type, e.Data)
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.ticket.created","data":{"ticket_id":"t1"}}`)
	// Output:
	// v1.ticket.created: {"ticket_id":"t1"}
	// 200
}

// To keep an event, keep its ID and Raw. What was kept decodes again.
func ExampleEvent() {
	verifier, err := webhooks.NewVerifier(exampleSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	type item struct {
		id   string
		body json.RawMessage
	}
	var queue []item
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.ConversationMessage]) error {
		queue = append(queue, item{e.ID, e.Raw})
		return nil
	})
	send(mux, verifier, "msg_1", `{"type":"v1.conversation.message","data":{"content":{"type":"text","body":"hi"}}}`)

	e := webhooks.Event[webhooks.ConversationMessage]{}
	if err := json.Unmarshal(queue[0].body, &e); err != nil {
		fmt.Println(err)
		return
	}
	e.ID = queue[0].id
	fmt.Println(e.Data.Content.Body)
	fmt.Println(e) // without what is in it
	// Output:
	// 200
	// hi
	// webhooks.Event(v1.conversation.message msg_1)
}
