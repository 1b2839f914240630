package webhookoracle

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"

	"github.com/adasdk/ada-go/webhooks"
)

func BenchmarkVerify(b *testing.B) {
	ours, err := webhooks.NewVerifier(secretA)
	if err != nil {
		b.Fatal(err)
	}
	standard, err := standardwebhooks.NewWebhook(secretA)
	if err != nil {
		b.Fatal(err)
	}
	theirs, err := svix.NewWebhook(secretA)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{500, 4 << 10, 64 << 10} {
		body := bytes.Repeat([]byte("a"), size)
		header := ours.Sign(idA, time.Now(), body)
		for _, part := range parts {
			header["Webhook"+part] = header["Svix"+part]
		}
		for _, by := range []struct {
			name   string
			verify func() error
		}{
			{"sdk", func() error { _, err := ours.Verify(header, body); return err }},
			{"standard", func() error { return standard.Verify(body, header) }},
			{"svix", func() error { return theirs.Verify(body, header) }},
		} {
			b.Run(fmt.Sprintf("%d/%s", size, by.name), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					if err := by.verify(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
