package faultsuite

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/internal/faults"
)

// FuzzFaultSchedule reads bytes as what becomes of one connection after another, over an export and over a write that
// must not be repeated. Byte 0 is a good connection, and all are good when the bytes have ended. The invariants are
// checked as in every trial; and the export is resumed until it has come to its end.
func FuzzFaultSchedule(f *testing.F) {
	for i := range 24 {
		f.Add([]byte{byte(i)})
		f.Add([]byte{0, byte(i), byte(i), byte(i), byte(i), byte(i)})
	}
	f.Add([]byte{})
	f.Add([]byte("a schedule of any kind"))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23})
	write := named("proactivesms.Trigger")
	walk := exporting("dataexport.ConversationPages, in windows", // a few records in three pages, so that a schedule is quick
		pagesOf((*dataexport.Client).ConversationPages, func(c *dataexport.Conversation) string { return c.ID }),
		dataexport.Query{By: dataexport.ByUpdated, Window: 10 * 24 * time.Hour})
	for name, pages := range map[string]int{write.name: usual, walk.name: 1} { // what the harness compares with, which a fuzz target has no subtest for
		cleanRuns[fmt.Sprint(name, pages)] = clean{requests: 40, took: time.Hour}
		cleanRuns[fmt.Sprint(name, usual)] = clean{requests: 40, took: time.Hour}
	}
	f.Fuzz(func(t *testing.T, schedule []byte) {
		schedule = schedule[:min(len(schedule), 32)]
		script := func(op operation) func(*world, int) faults.Step {
			all := append(kinds(op), failedAfter(500)[0], toReply(faults.Say(400, refusal))[0])
			return func(w *world, i int) faults.Step {
				if i >= len(schedule) || int(schedule[i])%(len(all)+1) == 0 {
					return well(w)
				}
				return all[int(schedule[i])%(len(all)+1)-1](w)
			}
		}
		trial{op: write, label: "write", script: script(write)}.run(t, func(t *testing.T, o *outcome) {
			if n := write.effects(o.world); n > 1 || o.err == nil && n != 1 {
				t.Errorf("it took effect %d times: %v", n, o.err)
			}
		})
		trial{
			op: walk, label: "export", pages: 1, script: script(walk), ctx: cancelledAfter(100 * time.Hour), within: 50 * time.Hour, most: 100,
			call: resumable(walk),
		}.run(t, func(t *testing.T, o *outcome) {
			seen := map[string]int{}
			for _, id := range o.ids {
				seen[id]++
			}
			if o.err != nil || len(seen) != len(o.want) || len(o.ids) != len(o.want) {
				t.Errorf("%d records, %d of them different, want %d: %v", len(o.ids), len(seen), len(o.want), o.err)
			}
		})
	})
}

// resumable exports to the end, from checkpoint to checkpoint. Records of a page whose checkpoint did not come are
// thrown away, as in a transaction.
func resumable(op operation) func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
	return func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) (stored []string, err error) {
		for range 40 {
			var pending []string
			var failed *dataexport.Error
			done := true
			for r, err := range op.export(ctx, c, w.query, o...) {
				if err != nil {
					if !errors.As(err, &failed) {
						return stored, err
					}
					done = false
					break
				}
				if r.id != "" {
					pending = append(pending, r.id)
					continue
				}
				stored, pending, w.query.Resume = append(stored, pending...), nil, r.next
			}
			if done {
				return stored, nil
			}
			time.Sleep(time.Minute)
		}
		return stored, errors.New("it does not come to an end")
	}
}
