package webhooks_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/adasdk/ada-go/webhooks"
)

func ExampleVerifier_Verify() {
	// In a program the secret comes from the environment or a vault, and the clock is the real one.
	verifier, err := webhooks.NewVerifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier = verifier.WithClock(func() time.Time { return time.Unix(1614265400, 0) })

	header := http.Header{}
	header.Set("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("svix-timestamp", "1614265330")
	header.Set("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

	message, err := verifier.Verify(header, []byte(`{"test": 2432232314}`))
	fmt.Println(message.ID, message.Timestamp, err)

	_, err = verifier.Verify(header, []byte(`{"test": 2432232315}`))
	fmt.Println(errors.Is(err, webhooks.ErrSignature), err)
	// Output:
	// msg_p5jXN8AQM9LWM0D4loKWxJek 2021-02-25 15:02:10 +0000 UTC <nil>
	// true webhooks: no valid signature
}

// Test your own handler with deliveries that are signed as Ada's are.
func ExampleVerifier_Sign() {
	verifier, err := webhooks.NewVerifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"type": "v1.end_user.created"}`)
	header := verifier.Sign("msg_1", time.Now(), body)

	message, err := verifier.Verify(header, body)
	fmt.Println(message.ID, err)

	_, err = verifier.Verify(verifier.Sign("msg_1", time.Now().Add(-10*time.Minute), body), body)
	fmt.Println(err)
	// Output:
	// msg_1 <nil>
	// webhooks: timestamp outside of the tolerance: too old
}

// Keep the former secret beside the new one for as long as deliveries signed with it can come.
func ExampleNewVerifier_rotation() {
	const former, current = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	sender, err := webhooks.NewVerifier(former)
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{}`)
	header := sender.Sign("msg_1", time.Now(), body)

	for _, secrets := range [][]string{{current, former}, {current}} {
		verifier, err := webhooks.NewVerifier(secrets[0], secrets[1:]...)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = verifier.Verify(header, body)
		fmt.Println(len(secrets), err)
	}

	_, err = webhooks.NewVerifier(current, "")
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// 1 webhooks: no valid signature
	// webhooks: secret 1: empty
}

// A delivery that was recorded is verified at the time when it came.
func ExampleVerifier_WithClock() {
	verifier, err := webhooks.NewVerifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, received := []byte(`{"type": "v1.end_user.created"}`), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	header := verifier.Sign("msg_1", received, body)

	message, err := verifier.WithClock(func() time.Time { return received }).Verify(header, body)
	fmt.Println(message.ID, message.Timestamp, err)
	// Output: msg_1 2026-01-01 12:00:00 +0000 UTC <nil>
}
