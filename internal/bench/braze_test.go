package main

import "testing"

func TestBraze(t *testing.T) {
	shortly(t)
	s, err := sendings(t.Context(), 1, 26)
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, 5, func(row, column int) bool { return row < 3 && column == 4 || row > 2 && column == 2 })
	for i, want := range []string{"78", "3", "2"} { // of 25 users at most, whose objects stay together
		if got := s.rows[i][2]; got != want {
			t.Errorf("%s: %s requests, want %s", s.rows[i][0], got, want)
		}
	}
}
