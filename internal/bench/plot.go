package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
)

// bar is a contender in the plot.
type bar struct {
	label  string
	own    bool    // it is the SDK
	speed  float64 // MB/s
	memory float64 // the peak, in MiB; 0: not known
}

// The plot is as wide as text on GitHub, and its numbers are pixels there.
const (
	plotWidth  = 860
	plotMargin = 28
	barsLeft   = 232 // where bars begin; their labels end in front of it
	barsRight  = plotWidth - plotMargin - 64
	barHeight  = 18
	barPitch   = 28
	panelHead  = 40
	plotHead   = 90
)

// plot draws one panel of speed and one of memory, both with a bar for each contender. The floor can be many times as
// fast as all others, which are those that matter: it is drawn to the edge, as broken, and its value says how far it
// goes. What was read and the machine are in its head.
func plot(bars []bar, machine, what string) []byte {
	height := plotHead + 2*(panelHead+len(bars)*barPitch) + plotMargin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">
<title id="title">Data Export read over loopback: MB/s and peak memory of each contender</title>
<style>
text { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px; fill: #1f2328 }
.paper { fill: #ffffff; stroke: #d1d9e0 }
.heading { font-size: 19px; font-weight: 600 }
.panel { font-size: 14px; font-weight: 600 }
.quiet { fill: #59636e }
.label { text-anchor: end }
.own { font-weight: 600 }
.bar { fill: #a3acb6 }
.bar.own { fill: #0969da }
.axis { stroke: #d1d9e0 }
.break { stroke: #ffffff; stroke-width: 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .paper { fill: #0d1117; stroke: #3d444d }
  .quiet { fill: #9198a1 }
  .bar { fill: #656c76 }
  .bar.own { fill: #4493f8 }
  .axis { stroke: #3d444d }
  .break { stroke: #0d1117 }
}
</style>
<rect class="paper" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>
`, plotWidth, height, plotWidth, height, plotWidth-1, height-1)
	fmt.Fprintf(&b, `<text class="heading" x="%d" y="38">Reading Ada's Data Export</text>`+"\n", plotMargin)
	for i, line := range []string{what, machine} {
		fmt.Fprintf(&b, `<text class="quiet" x="%d" y="%d">%s</text>`+"\n", plotMargin, 60+18*i, escape(line))
	}
	y := plotHead
	panel(&b, y, "Speed, MB of JSON per second (longer is better)", bars, func(c bar) float64 { return c.speed })
	y += panelHead + len(bars)*barPitch
	panel(&b, y, "Peak memory of the process, MiB (shorter is better)", bars, func(c bar) float64 { return c.memory })
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func panel(b *bytes.Buffer, top int, title string, bars []bar, value func(bar) float64) {
	fmt.Fprintf(b, `<text class="panel" x="%d" y="%d">%s</text>`+"\n", plotMargin, top+26, escape(title))
	top += panelHead
	var most, second float64
	for _, c := range bars {
		switch v := value(c); {
		case v > most:
			most, second = v, most
		case v > second:
			second = v
		}
	}
	scale := most
	if second > 0 && most > 2.5*second {
		scale = 1.25 * second
	}
	fmt.Fprintf(b, `<path class="axis" d="M%d.5 %dv%d"/>`+"\n", barsLeft-1, top-4, len(bars)*barPitch)
	for i, c := range bars {
		v := value(c)
		own := ""
		if c.own {
			own = " own"
		}
		y := top + i*barPitch
		text := y + barHeight/2 + 5
		length := 0.0
		if scale > 0 {
			length = min(v/scale, 1) * (barsRight - barsLeft)
		}
		fmt.Fprintf(b, `<text class="label%s" x="%d" y="%d">%s</text>`+"\n", own, barsLeft-10, text, escape(c.label))
		fmt.Fprintf(b, `<rect class="bar%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", own, barsLeft, y, length, barHeight)
		if v > scale {
			fmt.Fprintf(b, `<path class="break" d="M%d %dl8 -%d"/>`+"\n", barsRight-40, y+barHeight+2, barHeight+4)
		}
		figure := "not known"
		if v > 0 {
			figure = strconv.FormatFloat(v, 'f', 0, 64)
		}
		fmt.Fprintf(b, `<text class="value%s" x="%.1f" y="%d">%s</text>`+"\n", own, float64(barsLeft)+length+8, text, figure)
	}
}

func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}
