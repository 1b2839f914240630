package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	bars := []bar{
		{"io.Copy, the floor", false, 1921, 10},
		{"oapi-codegen & <others>", false, 74, 158},
		{"this SDK, typed", true, 147, 23},
		{"this SDK, raw", true, 485, 0},
	}
	svg := string(plot(bars, "4 cores & more", "three pages"))
	type element struct {
		name, class string
		x, width    float64
	}
	var elements []element
	var texts []string
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local}
			for _, a := range token.Attr {
				switch a.Name.Local {
				case "class":
					e.class = a.Value
				case "x":
					e.x, _ = strconv.ParseFloat(a.Value, 64)
				case "width":
					e.width, _ = strconv.ParseFloat(a.Value, 64)
				}
			}
			elements = append(elements, e)
		case xml.CharData:
			texts = append(texts, string(token))
		}
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{
		"Data Export", "4 cores & more", "three pages", "MB of JSON per second", "Peak memory", "oapi-codegen & <others>", "1921", "74", "158", "not known",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
	count := map[string]int{}
	for _, e := range elements {
		count[e.name+" "+e.class]++
		if e.x+e.width > plotWidth || e.x < 0 || e.width < 0 {
			t.Errorf("%+v is not inside", e)
		}
	}
	// Both longest bars, the floor's and that of memory, are many times as long as the others.
	for what, want := range map[string]int{
		"rect bar": 4, "rect bar own": 4, "text label": 4, "text label own": 4, "text value": 4, "text value own": 4, "path break": 2,
	} {
		if count[what] != want {
			t.Errorf("%d of %s, want %d", count[what], what, want)
		}
	}
}
