package ada_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
)

// An error can match several of the sentinels.
func ExampleError_Is() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.Create", adatest.Failure{Status: http.StatusBadGateway})

	_, _, err := endusers.New(srv.Client()).Create(context.Background(), endusers.NewUser{})
	fmt.Println(errors.Is(err, ada.ErrServer), errors.Is(err, ada.ErrOutcomeUnknown), errors.Is(err, ada.ErrNotFound))
	// Output: true true false
}

// The cause is matched too.
func ExampleError_Unwrap() {
	srv := adatest.New()
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()

	_, err := endusers.New(srv.Client()).GetByExternalID(ctx, "crm-42")
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

// The answer to an update was lost. An update may be repeated, so its outcome is not called unknown, but it may have
// been made.
func ExampleError_MayHaveHappened() {
	srv := adatest.New()
	defer srv.Close()
	id := srv.AddEndUser(adatest.EndUser{InConversation: true})
	srv.Fail("endusers.Update", adatest.Failure{Effect: true, Drop: true})

	_, err := endusers.New(srv.Client()).Update(context.Background(), id,
		endusers.Update{Language: ada.Set("pt-BR")}, ada.WithRetry(ada.RetryPolicy{MaxAttempts: 1}))
	var e *ada.Error
	if errors.As(err, &e) {
		fmt.Println(e.MayHaveHappened(), errors.Is(err, ada.ErrOutcomeUnknown), ada.Retryable(err))
	}
	// Output: true false true
}

// What somebody in front of Ada has answered.
func ExampleError_Body() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusForbidden, Body: "<h1>Blocked by the firewall</h1>"})

	_, err := endusers.New(srv.Client()).Get(context.Background(), "5f7e0e2c1e7c7e000f0f9c3a")
	var e *ada.Error
	if errors.As(err, &e) {
		fmt.Printf("%s\n", e.Body())
	}
	// Output: <h1>Blocked by the firewall</h1>
}

// In a log an error is a group, without anything that was sent.
func ExampleError_LogValue() {
	srv := adatest.New()
	defer srv.Close()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "error" {
				return slog.Attr{}
			}
			return a
		},
	}))

	_, err := endusers.New(srv.Client()).Get(context.Background(), "5f7e0e2c1e7c7e000f0f9c3a")
	log.Error("no such person", "ada", err)
	// Output: level=ERROR msg="no such person" ada.operation=endusers.Get ada.status=404 ada.attempts=1 ada.outcome_unknown=false
}

// A problem prints without Ada's words, which can repeat what was sent.
func ExampleProblem() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.Create", adatest.Failure{Status: http.StatusBadRequest, Body: `{"errors": [{
		"type": "validation_error",
		"message": "Invalid request",
		"details": [{"parameter": "$.profile.email", "location": "body", "message": "ada@example is no address"}]
	}]}`})

	_, _, err := endusers.New(srv.Client()).Create(context.Background(), endusers.NewUser{
		Profile: endusers.Profile{Email: "ada@example"},
	})
	var e *ada.Error
	if errors.As(err, &e) {
		for _, problem := range e.Problems {
			fmt.Println(problem)
			fmt.Println(problem.Parameter, "|", problem.Message)
		}
	}
	// Output:
	// validation_error at $.profile.email
	// $.profile.email | ada@example is no address
}
