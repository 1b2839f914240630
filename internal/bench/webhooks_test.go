package main

import (
	"strings"
	"testing"
)

func TestWebhooks(t *testing.T) {
	shortly(t)
	s, err := measureWebhooks(t.Context(), config{rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, len(verifiers)*len(deliveries), func(row, column int) bool {
		return s.columns[column] == "MB/s" && strings.Contains(s.rows[row][1], "wrong")
	})
}

// What is verified is genuine, for each of the libraries, and the hostile deliveries are refused for their signatures.
func TestDeliveriesAreTheSame(t *testing.T) {
	for _, v := range verifiers {
		verify, err := v.open()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range deliveries {
			body := make([]byte, d.size)
			header, err := signed(v.family, body, d.wrong)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(strings.Fields(header.Get(v.family + "-Signature"))); n != max(d.wrong, 1) {
				t.Errorf("%s, %s: %d signatures, want %d", v.title, d.title, n, max(d.wrong, 1))
			}
			if err := verify(header, body); (err == nil) != (d.wrong == 0) {
				t.Errorf("%s, %s: %v", v.title, d.title, err)
			}
		}
	}
}
