package webhookoracle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"

	"github.com/adasdk/ada-go/webhooks"
)

var (
	seed      = flag.Uint64("seed", 20240501, "of the mutations")
	mutations = flag.Int("mutations", 0, "how many deliveries to compare; 0 is a million, or 50,000 with -short")
)

// delivery is what a verifier is given.
type delivery struct {
	secrets []string
	header  http.Header // with both families, one, or parts of them
	body    []byte
}

// rows are the documented differences: what this SDK refuses and a library accepts. Each tells from the delivery alone,
// by rules written anew here, whether it applies. A delivery that a library accepts must be accepted by the SDK if and
// only if no row applies.
var rows = []struct {
	name    string
	applies func(d *delivery) bool
}{
	{"an empty secret", anySecret(func(s string) bool { return s == "" })},
	{"a secret with a line break inside", anySecret(func(s string) bool { return strings.ContainsAny(s, "\r\n") })},
	{"a secret with bits that belong to no byte", anySecret(func(s string) bool {
		_, err := base64.StdEncoding.DecodeString(s)
		_, strict := base64.StdEncoding.Strict().DecodeString(s)
		return err == nil && strict != nil
	})},
	{"a key shorter than 16 bytes", keyLength(func(n int) bool { return n > 0 && n < 16 })},
	{"a key longer than 75 bytes", keyLength(func(n int) bool { return n > 75 })},
	{"a malformed secret beside a good one", func(d *delivery) bool {
		return len(d.secrets) > 1 && anySecret(func(s string) bool {
			_, err := base64.StdEncoding.DecodeString(s)
			return err != nil
		})(d)
	}},
	{"a header given twice", func(d *delivery) bool {
		for _, values := range d.header {
			if len(values) > 1 {
				return true
			}
		}
		return false
	}},
	{"headers of both families that differ", func(d *delivery) bool {
		if !hasFamily(d.header, "Svix") || !hasFamily(d.header, "Webhook") {
			return false
		}
		for _, part := range parts {
			if !slices.Equal(d.header["Svix"+part], d.header["Webhook"+part]) {
				return true
			}
		}
		return false
	}},
	{"a timestamp that is no canonical decimal", func(d *delivery) bool {
		s := d.value("-Timestamp")
		n, err := strconv.ParseInt(s, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) != s
	}},
	{"an id with a dot", func(d *delivery) bool { return strings.Contains(d.value("-Id"), ".") }},
	{"an id with other characters than [A-Za-z0-9_-]", func(d *delivery) bool {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
		return strings.Trim(d.value("-Id"), alphabet) != "" || strings.ContainsFunc(d.value("-Id"), func(r rune) bool {
			return !strings.ContainsRune(alphabet, r)
		})
	}},
	{"an id longer than 256 bytes", func(d *delivery) bool { return len(d.value("-Id")) > 256 }},
	{"a signature header longer than 16 KiB", func(d *delivery) bool { return len(d.value("-Signature")) > 16384 }},
	{"a genuine signature with more after it only", func(d *delivery) bool {
		// Every entry that a library would take for a signature has a field too many.
		extended := false
		for entry := range strings.SplitSeq(d.value("-Signature"), " ") {
			fields := strings.Split(entry, ",")
			if len(fields) < 2 || fields[0] != "v1" || !d.genuine(fields[1]) {
				continue
			}
			if len(fields) == 2 {
				return false
			}
			extended = true
		}
		return extended
	}},
}

// lenient is the one difference the other way: what this SDK accepts and the libraries refuse. Before the libraries are
// asked, the delivery is freed of it.
const lenient = "blanks around a secret"

var parts = []string{"-Id", "-Timestamp", "-Signature"}

func hasFamily(h http.Header, family string) bool {
	return len(h[family+"-Id"])+len(h[family+"-Timestamp"])+len(h[family+"-Signature"]) > 0
}

// value returns a header as both libraries see it: of svix-* where it is complete, else of webhook-*.
func (d *delivery) value(part string) string {
	for _, f := range []string{"Svix", "Webhook"} {
		if d.header.Get(f+"-Id") != "" && d.header.Get(f+"-Timestamp") != "" && d.header.Get(f+"-Signature") != "" {
			return d.header.Get(f + part)
		}
	}
	return ""
}

// genuine tells whether a signature is that of one of the secrets over the delivery as the libraries read it.
func (d *delivery) genuine(signature string) bool {
	seconds, err := strconv.ParseInt(d.value("-Timestamp"), 10, 64)
	if err != nil {
		return false
	}
	for _, s := range d.secrets {
		if "v1,"+signature == sign(s, d.value("-Id"), strconv.FormatInt(seconds, 10), d.body) {
			return true
		}
	}
	return false
}

func anySecret(applies func(s string) bool) func(d *delivery) bool {
	return func(d *delivery) bool {
		return slices.ContainsFunc(d.secrets, func(s string) bool {
			return applies(strings.TrimPrefix(strings.TrimSpace(s), "whsec_"))
		})
	}
}

func keyLength(applies func(n int) bool) func(d *delivery) bool {
	return anySecret(func(s string) bool {
		key, err := base64.StdEncoding.DecodeString(s)
		return err == nil && applies(len(key))
	})
}

// sign is the scheme in its simplest form.
func sign(secret, id, timestamp string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"))
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// The three verdicts.

func (d *delivery) ours() bool {
	v, err := webhooks.NewVerifier(d.secrets[0], d.secrets[1:]...)
	if err != nil {
		return false
	}
	for range 2 { // the same again: a Verifier reuses its hashes
		if _, err := v.Verify(d.header, d.body); err != nil {
			return false
		}
	}
	return true
}

func (d *delivery) svix() bool {
	return slices.ContainsFunc(d.secrets, func(s string) bool {
		wh, err := svix.NewWebhook(strings.TrimSpace(s))
		return err == nil && wh.Verify(d.body, d.header) == nil
	})
}

// standard asks the library of Standard Webhooks, which knows webhook-* only: where there is nothing of that, svix-* is
// given to it under that name.
func (d *delivery) standard() bool {
	h := d.header
	if !hasFamily(h, "Webhook") {
		h = http.Header{}
		for _, part := range parts {
			if values, ok := d.header["Svix"+part]; ok {
				h["Webhook"+part] = values
			}
		}
	}
	return slices.ContainsFunc(d.secrets, func(s string) bool {
		wh, err := standardwebhooks.NewWebhook(strings.TrimSpace(s))
		return err == nil && wh.Verify(d.body, h) == nil
	})
}

// reasons are the rows by which the SDK refuses what a library accepts.
func (d *delivery) reasons() (names []string) {
	for _, row := range rows {
		if row.applies(d) {
			names = append(names, row.name)
		}
	}
	return names
}

// FuzzWebhookVerify holds the SDK's verdict on any delivery against those of both libraries, as TestOracle does. SIG in
// the signature header stands for the genuine signature.
func FuzzWebhookVerify(f *testing.F) {
	const now = "946684800" // when a bubble begins
	for _, signature := range []string{"SIG", "", "v1,", "SIG,x", "v1a,x SIG", "v2,SIG", " SIG", "SIG\n", "v1,x v1,y SIG", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="} {
		f.Add(secretA, "msg_1", now, signature, []byte("{}"))
	}
	for _, timestamp := range []string{"", "946684500", "946684499", "946685100", "946685101", "+" + now, "0" + now, "-1", "1e9", now + " "} {
		f.Add(secretA, "msg_1", timestamp, "SIG", []byte("{}"))
	}
	for _, id := range []string{"", "a.b", "msg 1", "msg_ä", "msg_1\n", strings.Repeat("a", 256), strings.Repeat("a", 257)} {
		f.Add(secretA, id, now, "SIG", []byte("\xff\x00"))
	}
	for _, secret := range []string{"", "whsec_", "whsec_YQ==", "whsec_%", secretB, " " + secretB + "\n", "whsec_whsec_" + secretA, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsk_abc"} {
		f.Add(secret, "msg_1", now, "SIG", []byte("bye"))
	}
	f.Fuzz(func(t *testing.T, secret, id, timestamp, signature string, body []byte) {
		genuine := sign(secret, id, timestamp, body)
		d := &delivery{[]string{secret}, http.Header{
			"Svix-Id": {id}, "Svix-Timestamp": {timestamp}, "Svix-Signature": {strings.ReplaceAll(signature, "SIG", genuine)},
		}, body}
		synctest.Test(t, func(t *testing.T) {
			ours, std, sv, reasons := d.ours(), d.standard(), d.svix(), d.reasons()
			switch {
			case ours && (!std || !sv):
				t.Errorf("the SDK accepts what a library refuses: standard %v, svix %v", std, sv)
			case ours && len(reasons) > 0:
				t.Errorf("the SDK accepts what a row says it refuses: %q", reasons)
			case !ours && (std || sv) && len(reasons) == 0:
				t.Errorf("the SDK refuses what a library accepts, by no row: standard %v, svix %v", std, sv)
			}
		})
	})
}

// TestOracle makes valid deliveries, mutates them, and has this SDK and both libraries judge each. Time is that of a
// bubble, where it stands still but for the jumps from one vector to the next.
func TestOracle(t *testing.T) {
	total := 1_000_000
	if testing.Short() {
		total = 50_000
	}
	if *mutations > 0 {
		total = *mutations
	}
	t.Logf("%d mutations, -seed %d", total, *seed)
	synctest.Test(t, func(t *testing.T) { compare(t, rand.New(rand.NewPCG(*seed, 1)), total) })
}

func compare(t *testing.T, r *rand.Rand, total int) {
	var (
		verdicts  = map[string]int{}
		explained = map[string]int{}
		mutated   = map[string]int{}
		lenience  int
		failures  int
	)
	fail := func(format string, d *delivery, steps []string, args ...any) {
		failures++
		if failures <= 10 {
			t.Errorf(format+"\nmutations %q\nsecrets %q\nheader %q\nbody %q", append(args, steps, d.secrets, d.header, d.body)...)
		}
	}
	for phase, group := range vectors {
		time.Sleep(time.Until(time.Unix(group[0].seconds, 0)) + time.Duration(phase)*123*time.Millisecond)
		n := total / len(vectors)
		if phase == 0 {
			n += total % len(vectors)
		}
		for range n {
			m := newMessage(r, group)
			d, steps := m.mutate(r)
			for _, s := range steps {
				mutated[s]++
			}

			ours, std, sv := d.ours(), d.standard(), d.svix()
			verdicts[fmt.Sprintf("SDK %-6s  standard %-6s  svix %-6s", word(ours), word(std), word(sv))]++
			reasons := d.reasons()
			switch {
			case ours && (!std || !sv):
				fail("the SDK accepts what a library refuses: standard %v, svix %v", d, steps, std, sv)
			case ours && len(reasons) > 0:
				fail("the SDK accepts what a row says it refuses: %q", d, steps, reasons)
			case ours:
				if slices.ContainsFunc(d.secrets, func(s string) bool { return s != strings.TrimSpace(s) }) {
					lenience++
				}
			case (std || sv) && len(reasons) == 0:
				fail("the SDK refuses what a library accepts, by no row: standard %v, svix %v", d, steps, std, sv)
			case std || sv:
				// With one row only, that row must be why. Others are counted too, as they would do alone.
				for _, name := range reasons {
					explained[name]++
					if len(reasons) == 1 {
						explained[name+", alone"]++
					}
				}
			}
		}
	}
	if failures > 0 {
		t.Errorf("%d failures", failures)
	}

	t.Log("Verdicts:")
	for _, name := range slices.Sorted(maps.Keys(verdicts)) {
		t.Logf("%9d  %s", verdicts[name], name)
	}
	t.Log("Accepted by a library, refused by the SDK, because of (alone):")
	for _, row := range rows {
		t.Logf("%9d  %s (%d)", explained[row.name], row.name, explained[row.name+", alone"])
		if explained[row.name+", alone"] == 0 {
			t.Errorf("never the only reason: %s", row.name)
		}
	}
	t.Log("Accepted by the SDK, refused by the libraries unless freed of it:")
	t.Logf("%9d  %s", lenience, lenient)
	if lenience == 0 {
		t.Errorf("never met: %s", lenient)
	}
	t.Log("Mutations:")
	for _, m := range mutators {
		t.Logf("%9d  %s", mutated[m.name], m.name)
		if mutated[m.name] == 0 {
			t.Errorf("never done: %s", m.name)
		}
	}
}

func word(accepted bool) string {
	if accepted {
		return "accept"
	}
	return "refuse"
}
