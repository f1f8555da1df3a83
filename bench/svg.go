package main

import (
	"fmt"
	"math"
	"strings"
)

// chart is a chart with groups of horizontal bars.
type chart struct {
	title  string
	groups []barGroup
	log    bool    // the scale is logarithmic
	mark   float64 // a line at this value; 0 means none
}

type barGroup struct {
	name string
	bars []bar
}

type bar struct {
	server, text string
	value        float64
}

// svgStyle makes the drawing readable on light and dark pages. It sets no background.
const svgStyle = `<style>
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}.mark{stroke:#24292f;stroke-dasharray:3 3}
.floor{fill:#8c959f}.camd{fill:#2da44e}.tutorial{fill:#bf8700}.other{fill:#8250df}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.mark{stroke:#e6edf3}.camd{fill:#3fb950}.tutorial{fill:#d29922}.other{fill:#a371f7}}
</style>
`

const (
	drawingWidth = 760
	barsAt       = 230
	barsWidth    = 430
	barHeight    = 15
)

// draw returns an SVG picture: what each server costs beside the floor, and how old pictures are on slow links.
func (r *report) draw() string {
	var body strings.Builder
	y := 24
	for _, c := range []chart{r.costChart(), r.ageChart()} {
		if len(c.groups) > 0 {
			y = c.draw(&body, y) + 24
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="camd's benchmark">`+"\n%s%s</svg>\n",
		drawingWidth, y, svgStyle, body.String())
}

func (r *report) costChart() chart {
	c := chart{title: "Server CPU per delivered frame, beside a bare C send loop (1.0)", mark: 1}
	for _, row := range r.rowsOf(fanout) {
		g := barGroup{name: row.Name}
		for _, server := range r.Servers {
			if f := row.Figures[server]; server != "floor" && f.Ratio > 0 {
				g.bars = append(g.bars, bar{server, fmt.Sprintf("%s %.2f", server, f.Ratio), f.Ratio})
			}
		}
		if len(g.bars) > 0 {
			c.groups = append(c.groups, g)
		}
	}
	return c
}

func (r *report) ageChart() chart {
	c := chart{title: "Age of the picture on arrival over slow links, median (logarithmic)", log: true}
	for _, row := range r.rowsOf(slowLink) {
		for i, link := range []string{"fast", "1 MB/s", "0.3 MB/s"} {
			g := barGroup{name: row.Name + ", " + link}
			for _, server := range r.Servers {
				if len(row.Samples[server]) == 0 {
					continue
				}
				age := row.group(server, 0, i, ageP50)
				g.bars = append(g.bars, bar{server, fmt.Sprintf("%s %s", server, formatAge(age)), age})
			}
			c.groups = append(c.groups, g)
		}
	}
	return c
}

func formatAge(ms float64) string {
	if ms < 1000 {
		return fmt.Sprintf("%.3g ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// draw writes the chart from y downwards and returns where it ends.
func (c chart) draw(w *strings.Builder, y int) int {
	fmt.Fprintf(w, `<text class="title" x="10" y="%d">%s</text>`+"\n", y, c.title)
	y += 14
	top, longest := y, 0.
	for _, g := range c.groups {
		for _, b := range g.bars {
			longest = max(longest, c.length(b.value))
		}
	}
	scale := barsWidth / longest
	for _, g := range c.groups {
		fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", barsAt-8, y+len(g.bars)*barHeight/2+4, g.name)
		for _, b := range g.bars {
			width := c.length(b.value) * scale
			fmt.Fprintf(w, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/><text x="%.1f" y="%d">%s</text>`+"\n",
				barClass(b.server), barsAt, y+1, width, barHeight-2, barsAt+width+5, y+12, b.text)
			y += barHeight
		}
		y += 6
	}
	if c.mark > 0 {
		x := barsAt + c.length(c.mark)*scale
		fmt.Fprintf(w, `<line class="mark" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+"\n", x, x, top-4, y)
	}
	return y
}

// length returns the length of a value's bar before scaling. A logarithmic scale begins at 0.1 ms.
func (c chart) length(value float64) float64 {
	if c.log {
		return math.Log10(max(value, .11) / .1)
	}
	return value
}

func barClass(server string) string {
	switch server {
	case "floor", "camd", "tutorial":
		return server
	}
	return "other"
}
