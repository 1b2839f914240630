package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
)

// ownPrograms stand in for those of Ada's documentation, where that is not at hand.
const ownPrograms = `How to export messages with Python:

from requests import get

def all_messages():
    path = "data_api/v1/messages?created_since=2026-01-01"
    while path:
        page = get("https://<YOUR-BOT-HANDLE>.ada.support/" + path, headers={"Authorization": "Bearer <YOUR-API-KEY>"}).json()
        save_to_database(page["data"])
        path = page["next_page_uri"]

and with Node:

import fetch from "node-fetch"

async function allMessages() {
    for (let path = "data_api/v1/messages?created_since=2026-01-01"; path;) {
        const answer = await fetch("https://<YOUR-BOT-HANDLE>.ada.support/" + path, {headers: {Authorization: "Bearer <YOUR-API-KEY>"}})
        const page = await answer.json()
        saveToDatabase(page.data)
        path = page.next_page_uri
    }
}

That is all.
`

// withPrograms returns which of the programs of a documentation can be run here.
func withPrograms(t *testing.T) []sample {
	t.Helper()
	if _, err := readDocumentation(); err != nil {
		t.Setenv(documentation, writeFile(t, ownPrograms))
	}
	found, skipped := findSamples(t.Context())
	if len(found)+len(skipped) != len(languages) {
		t.Fatalf("%d programs, and %q", len(found), skipped)
	}
	for _, reason := range skipped {
		if !strings.Contains(reason, ": it needs ") {
			t.Error(reason)
		}
	}
	return found
}

func TestExportEveryContenderGetsEveryRecord(t *testing.T) {
	samples := withPrograms(t)
	c := config{rounds: 2, pages: 3, records: 100}
	s, err := measureExport(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.rows) != len(exporters)+len(samples) || len(s.bars) != len(s.rows) || len(s.skipped) != len(languages)-len(samples) {
		t.Fatalf("%d rows, %d bars, skipped %q", len(s.rows), len(s.bars), s.skipped)
	}
	for i, row := range s.rows {
		requests, records := row[4], row[5]
		if parallel := i < len(exporters) && exporters[i].name == "typed4"; requests != "3" && !parallel || records != "300" {
			t.Errorf("%q", row)
		}
		if s.bars[i].speed <= 0 {
			t.Errorf("%+v", s.bars[i])
		}
	}
}

func TestExportWithoutDocumentation(t *testing.T) {
	for documents, want := range map[string]string{
		"":                              "ADA_DOCUMENTATION is not set",
		"nowhere/at-all.txt":            "no such file",
		t.TempDir():                     "the documentation has no such program",
		writeFile(t, "Nothing of use."): "the documentation has no such program",
		writeFile(t, strings.ReplaceAll(ownPrograms, "<YOUR-API-KEY>", "")): "the program has no <YOUR-API-KEY>",
	} {
		t.Setenv(documentation, documents)
		s, err := measureExport(t.Context(), config{rounds: 1, pages: 1, records: 100, only: []string{"raw", "python", "node"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.rows) != 1 || len(s.skipped) != len(languages) {
			t.Errorf("%d rows, skipped %q", len(s.rows), s.skipped)
		}
		for _, reason := range s.skipped {
			if !strings.HasPrefix(reason, "Ada's own ") || !strings.Contains(reason, want) {
				t.Errorf("skipped %q, want %q", reason, want)
			}
		}
	}
}

// A program that fails half-way is an error, and so is one that misses records.
func TestExportFails(t *testing.T) {
	for name, change := range map[string][2]string{
		"no page": {`page["data"]`, `page["items"]`},
		"one":     {`path = page["next_page_uri"]`, `path = page["next_page_uri"] and None`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(documentation, writeFile(t, strings.Replace(ownPrograms, change[0], change[1], 1)))
			found, _ := findSamples(t.Context())
			if !slices.ContainsFunc(found, func(s sample) bool { return s.name == "python" }) {
				return // not here
			}
			if _, err := measureExport(t.Context(), config{rounds: 1, pages: 2, records: 100, only: []string{"python"}}); err == nil {
				t.Error("it is no error")
			}
		})
	}
}

// The server of the export pages as the fake does, to the byte.
func TestPager(t *testing.T) {
	until := time.Now().UTC().Truncate(day).Add(-day)
	e := export{Since: until.Add(-50 * day), Until: until, Records: 350, PageSize: 100}
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0), adatest.WithExportQuirks(adatest.ExportQuirks{Links: adatest.SlashlessLinks}))
	srv.Generate(adatest.Generated{Seed: 1, Conversations: e.Records, Since: e.Since, Until: e.Until})
	plainLinks := adatest.NewServer(t, adatest.RateLimit(0, 0))
	plainLinks.Generate(adatest.Generated{Seed: 1, Conversations: e.Records, Since: e.Since, Until: e.Until})
	p, err := newPager(plainLinks, e)
	if err != nil {
		t.Fatal(err)
	}
	get := func(h http.Handler, link string) string {
		req := httptest.NewRequest(http.MethodGet, link, nil)
		req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, req)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", link, answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	for _, route := range []string{route, oldRoute} {
		times := p.shelves[route].times
		for _, window := range [][2]time.Time{
			{e.Since, e.Until},
			{times[7], times[8]},
			{times[7], times[8].Add(time.Microsecond)},
			{times[7].Add(time.Microsecond), times[108]},
			{times[0], times[101]},
			{times[249], e.Until},
			{times[250], e.Until.Add(time.Second / 2)},
			{e.Until.Add(-time.Microsecond), e.Until},
		} {
			query := url.Values{
				"created_since": {window[0].Format(time.RFC3339Nano)}, "created_to": {window[1].Format(time.RFC3339Nano)},
				"page_size": {strconv.Itoa(e.PageSize)},
			}
			link := route + "?" + query.Encode()
			if got, want := get(p, link), get(srv, link); got != want {
				t.Errorf("%s\n got %s\nwant %s", link, ends(got), ends(want))
			}
		}
	}
}

func ends(text string) string {
	return text[:min(60, len(text))] + " … " + text[max(0, len(text)-160):]
}
