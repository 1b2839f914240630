package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/webhooks"
)

// environment is all that the program reads of its own.
var environment = []string{
	"ADA_HANDLE", "ADA_CLUSTER", "ADA_BASE_URL", "ADA_API_KEY", "ADA_WEBHOOK_SECRET", "BRAZE_ENDPOINT", "BRAZE_API_KEY", "BRAZE_APP_ID",
}

func TestRun(t *testing.T) {
	for _, name := range environment {
		t.Setenv(name, "")
	}
	var out bytes.Buffer
	if err := run(t.Context(), options{}, &out); err != nil {
		t.Fatal(err)
	}
	_, transcript, _ := strings.Cut(out.String(), "What Braze has now:\n")
	want := `crm-1 ada_region=latam first_name=Ada language=pt plan=pro
crm-2 ada_region=latam first_name=Grace language=pt plan=pro
crm-3 ada_region=latam first_name=Edsger language=pt plan=pro
3 ada_conversation_ended
3 ada_conversation_started
`
	transcript, last, _ := strings.Cut(transcript, "24 webhooks, ")
	if diff := cmp.Diff(want, transcript); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !strings.HasSuffix(last, " requests, 21 data points, 9 saved\n") {
		t.Errorf("it ended with %q", last)
	}
}

func TestRunWithoutWhatItNeeds(t *testing.T) {
	for _, name := range environment {
		t.Setenv(name, "")
	}
	t.Setenv("BRAZE_API_KEY", "key")
	if err := run(t.Context(), options{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "-state") {
		t.Error(err)
	}
	if err := run(t.Context(), options{state: t.TempDir(), secret: "whsec_x", addr: "127.0.0.1:0"}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "Handle") {
		t.Error(err)
	}
}

// TestMain runs the program in place of the tests in the processes that TestKill starts.
func TestMain(m *testing.M) {
	if os.Getenv("ADA_TO_BRAZE_ADDR") != "" {
		o := options{addr: os.Getenv("ADA_TO_BRAZE_ADDR"), state: os.Getenv("ADA_TO_BRAZE_STATE"), secret: os.Getenv("ADA_WEBHOOK_SECRET")}
		ctx, cancel := context.WithCancel(context.Background())
		go func() { // until the test closes it
			_, _ = os.Stdin.Read(make([]byte, 1))
			cancel()
		}()
		if err := run(ctx, o, os.Stdout); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// loopback serves a fake where another process reaches it.
func loopback(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// until waits for something to become so. It polls another process, whose time is the real one.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("%s: it never came to that", what)
		case <-time.After(time.Millisecond):
		}
	}
}

// The program is killed in the middle, again and again, and started again: every event that Ada has is at Braze in the
// end, and none is there twice but those of requests that were not answered when it was killed.
func TestKill(t *testing.T) {
	const (
		people  = 80
		sending = 4 // requests that all objects together take: what was sent is written down once all are answered
	)
	fakeAda := adatest.NewServer(t, adatest.RateLimit(0, 0))
	fakeBraze := brazetest.NewServer(t, brazetest.Latency(20*time.Millisecond))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	fakeAda.AddWebhook(adatest.Webhook{URL: "http://" + addr})
	env := append(os.Environ(),
		"ADA_TO_BRAZE_ADDR="+addr, "ADA_TO_BRAZE_STATE="+t.TempDir(), "ADA_WEBHOOK_SECRET="+string(fakeAda.Webhooks()[0].Secret),
		"ADA_HANDLE=", "ADA_CLUSTER=", "ADA_BASE_URL="+loopback(t, fakeAda), "ADA_API_KEY="+string(adatest.APIKey),
		"BRAZE_ENDPOINT="+loopback(t, fakeBraze), "BRAZE_API_KEY="+string(brazetest.APIKey), "BRAZE_APP_ID=",
	)
	start := func() (kill func(), end func() error) {
		t.Helper()
		program := exec.Command(os.Args[0])
		program.Env = env
		output := &bytes.Buffer{}
		program.Stdout, program.Stderr = output, output
		stdin, err := program.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = program.Process.Kill() })
		until(t, "it listens", func() bool {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
		kill = func() {
			_ = program.Process.Kill()
			_ = program.Wait()
		}
		return kill, func() error {
			_ = stdin.Close()
			if err := program.Wait(); err != nil {
				return fmt.Errorf("%w\n%s", err, output)
			}
			return nil
		}
	}

	kill, _ := start()
	schedule := []time.Duration{0}
	for range 200 {
		schedule = append(schedule, 50*time.Millisecond)
	}
	fakeAda.Deliver(adatest.DeliverOptions{Schedule: schedule, Twice: true})
	users := endusers.New(fakeAda.Client())
	for i := range people {
		user, _, err := users.Create(t.Context(), endusers.NewUser{ExternalID: fmt.Sprint("crm-", i), Profile: endusers.Profile{FirstName: "Ada"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{webhooks.TypeConversationCreated, webhooks.TypeConversationEnded} {
			fakeAda.Emit(kind, map[string]any{"conversation_id": fmt.Sprint("c", i), "end_user_id": user.ID})
		}
	}
	unanswered := map[string]bool{} // the events that were on their way when the program was killed, or may have been
	end := func() error { return nil }
	for _, seen := range []int{1, 40, 80, 120, 150} {
		until(t, fmt.Sprint(seen, " events"), func() bool { return len(fakeBraze.Events()) >= seen })
		before := fakeBraze.Calls()
		kill()
		for i, c := range fakeBraze.Calls() {
			if i >= len(before)-sending || before[i].StatusCode == 0 {
				for _, id := range eventIDs(t, c.Body) {
					unanswered[id] = true
				}
			}
		}
		kill, end = start()
	}
	wait, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := fakeAda.WaitDelivered(wait); err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Error(err)
	}

	count := map[string]int{}
	of := map[string]int{}
	for _, e := range fakeBraze.Events() {
		id := fmt.Sprint(e.Properties["ada_event_id"])
		count[id]++
		if count[id] == 1 {
			of[e.ExternalID]++
		}
		if count[id] > 1 && !unanswered[id] {
			t.Errorf("%s came %d times, and not for want of an answer", id, count[id])
		}
	}
	if len(count) != 2*people {
		t.Errorf("%d events are at Braze, want %d", len(count), 2*people)
	}
	for i := range people {
		id := fmt.Sprint("crm-", i)
		if p, ok := fakeBraze.Profile(braze.ExternalID(id)); !ok || p.Attributes["first_name"] != "Ada" || of[id] != 2 {
			t.Errorf("%s has %d events", id, of[id])
		}
	}
	twice := 0 // or more often
	for _, n := range count {
		twice += n - 1
	}
	t.Logf("killed 5 times; %d events, %d repetitions, of the %d whose requests were not answered", len(count), twice, len(unanswered))
}

func eventIDs(t *testing.T, body []byte) (ids []string) {
	t.Helper()
	var w struct {
		Events []struct {
			Properties struct {
				ID string `json:"ada_event_id"`
			}
		}
	}
	if err := json.Unmarshal(body, &w); err != nil {
		t.Error(err)
	}
	for _, e := range w.Events {
		ids = append(ids, e.Properties.ID)
	}
	return ids
}

func TestHandledOutlivesACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "handled")
	old := fmt.Sprintf("%d old\n%d young\n%d cut", time.Now().Add(-10*24*time.Hour).Unix(), time.Now().Unix(), time.Now().Unix())
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := openHandled(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.Commit(t.Context(), "new"); err != nil {
			t.Fatal(err)
		}
	}
	_ = h.close()
	if h, err = openHandled(path); err != nil {
		t.Fatal(err)
	}
	defer h.close()
	for id, want := range map[string]webhooks.State{"new": webhooks.Handled, "young": webhooks.Handled, "old": webhooks.Claimed, "cut": webhooks.Claimed} {
		if got, err := h.Claim(t.Context(), id); err != nil || got != want {
			t.Errorf("%s is %v, want %v: %v", id, got, want, err)
		}
	}
	if content, err := os.ReadFile(path); err != nil || strings.Count(string(content), "\n") != 2 {
		t.Errorf("the file has\n%s", content)
	}
}
