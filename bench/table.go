package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// writeTable writes the most important figures as tables. writeJSON writes all of them.
func (r *report) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s; %.0f s\n", r.Machine, r.Seconds)
	if rows := r.rowsOf(fanout); len(rows) > 0 {
		fmt.Fprintln(w, "\nFan-out (CPU of the server process; µs a frame = ms per 1000 frames; × floor: median of the rounds, and their range;\nboth: the client's processor time, too, which takes over some of the server's kernel work when they run at once)")
		fmt.Fprintln(t, "frames\tserver\tCPU µs/frame\ts/GB\t× floor\trange\tboth\tage p50 ms\tp99\tmax\tp99 × floor\tfps min\tmedian\tframes/s\tRSS KB/viewer\t")
		r.eachRow(rows, func(row *row, server string) { writeFanoutLine(t, row, server) })
	}
	if rows := r.rowsOf(slowLink); len(rows) > 0 {
		fmt.Fprintln(t)
		_ = t.Flush()
		fmt.Fprintln(w, "Slow links (100 KB frames at 30 fps; a fast viewer, one with 1 MB/s and one with 0.3 MB/s, at once)")
		fmt.Fprintln(t, "how\tserver\tfast: fps\tp50 ms\tp99\t1 MB/s: fps\tp50 ms\tp99\t0.3 MB/s: fps\tp50 ms\tp99\t")
		r.eachRow(rows, func(row *row, server string) { writeSlowLine(t, row, server) })
	}
	if rows := r.rowsOf(mixed); len(rows) > 0 {
		fmt.Fprintln(t)
		_ = t.Flush()
		fmt.Fprintln(w, "Mixed (800 viewers alone, then beside 100 stalled and 100 slow ones)")
		fmt.Fprintln(t, "frames\tserver\talone: lost\tgot\tp99 ms\tbeside: lost\tgot\tp99 ms\tfps min\t")
		r.eachRow(rows, func(row *row, server string) { writeMixedLine(t, row, server) })
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "\nSkipped: %s\n", s)
	}
	mid, most := r.noise()
	_, err := fmt.Fprintf(w, "\nNoise: other processes used %.0f %% of this machine in the median window, %.0f %% in the worst.\n", mid*100, most*100)
	return err
}

// eachRow calls f for every row and server, in order.
func (r *report) eachRow(rows []*row, f func(*row, string)) {
	for _, row := range rows {
		for _, server := range r.Servers {
			if len(row.Samples[server]) > 0 {
				f(row, server)
			}
		}
	}
}

func writeFanoutLine(w io.Writer, r *row, server string) {
	f := r.Figures[server]
	rss := "-" // for a few viewers, changes of the heap hide it
	if r.Samples[server][0][0].Groups[0].Viewers >= 100 {
		rss = fmt.Sprintf("%.1f", f.RSS/1024)
	}
	fmt.Fprintf(w, "%s\t%s\t%.2f\t%.3f\t%.2f\t%.2f-%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.2f\t%.1f\t%.1f\t%.0f\t%s\t\n", r.Name, server, f.CPUMicros, f.PerGB,
		f.Ratio, f.RatioRange[0], f.RatioRange[1], f.BothRatio, f.AgeP50, f.AgeP99, f.AgeMax, f.AgeRatio, f.FPSMin, f.FPSMedian, f.FramesPerS, rss)
}

func writeSlowLine(w io.Writer, r *row, server string) {
	fmt.Fprintf(w, "%s\t%s\t", r.Name, server)
	for i := range r.Samples[server][0][0].Groups {
		fmt.Fprintf(w, "%.1f\t%.1f\t%.1f\t", r.group(server, 0, i, fpsMedian), r.group(server, 0, i, ageP50), r.group(server, 0, i, ageP99))
	}
	fmt.Fprintln(w)
}

func writeMixedLine(w io.Writer, r *row, server string) {
	fmt.Fprintf(w, "%s\t%s\t", r.Name, server)
	for phase := range 2 {
		fmt.Fprintf(w, "%.0f\t%.0f\t%.1f\t", r.group(server, phase, 0, lost), r.group(server, phase, 0, frames), r.group(server, phase, 0, ageP99))
	}
	fmt.Fprintf(w, "%.1f\t\n", r.group(server, 1, 0, fpsMin))
}

// noise returns the share of the machine's CPU time that other processes used, in the median window and in the worst.
func (r *report) noise() (mid, most float64) {
	var shares []float64
	r.eachRow(r.Rows, func(row *row, server string) {
		if row.Kind == slowLink {
			return // the other processes are mostly the servers that are measured at the same time
		}
		for _, phases := range row.Samples[server] {
			for _, s := range phases {
				shares = append(shares, s.OtherLoad)
			}
		}
	})
	if len(shares) == 0 {
		return 0, 0
	}
	return median(shares), slices.Max(shares)
}
