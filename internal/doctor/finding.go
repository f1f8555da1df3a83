package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Severity is how serious a finding is.
type Severity string

const (
	OK   Severity = "ok"
	Warn Severity = "warn" // camd serves, but something may go wrong
	Fail Severity = "FAIL" // camd or a configured camera does not work
)

// Finding is the result of one check.
type Finding struct {
	Severity Severity `json:"verdict"`
	Check    string   `json:"check"`            // what was checked: one of a fixed set of words, for scripts
	Text     string   `json:"text"`             // for people
	Remedy   string   `json:"remedy,omitempty"` // what to do, as a command if there is one
}

func ok(check, format string, args ...any) Finding {
	return Finding{Severity: OK, Check: check, Text: fmt.Sprintf(format, args...)}
}

func warn(check, remedy, format string, args ...any) Finding {
	return Finding{Warn, check, fmt.Sprintf(format, args...), remedy}
}

func fail(check, remedy, format string, args ...any) Finding {
	return Finding{Fail, check, fmt.Sprintf(format, args...), remedy}
}

// Failed reports whether any finding is a failure.
func Failed(all []Finding) bool {
	return slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == Fail })
}

// Print writes a line for each finding, and another for its remedy.
func Print(out io.Writer, all []Finding, colour bool) {
	paint := map[Severity]string{OK: "\x1b[32m", Warn: "\x1b[33m", Fail: "\x1b[31m"}
	count := map[Severity]int{}
	for _, f := range all {
		count[f.Severity]++
		severity := fmt.Sprintf("%-4s", f.Severity)
		if colour {
			severity = paint[f.Severity] + severity + "\x1b[0m"
		}
		fmt.Fprintf(out, "%s  %-8s %s\n", severity, f.Check, strings.ReplaceAll(f.Text, "\n", "\n                "))
		if f.Remedy != "" {
			fmt.Fprintf(out, "                what to do: %s\n", f.Remedy)
		}
	}
	fmt.Fprintf(out, "ok: %d, warnings: %d, failures: %d\n", count[OK], count[Warn], count[Fail])
}

// PrintJSON writes the findings as JSON, for scripts.
func PrintJSON(out io.Writer, all []Finding) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"findings": all, "failed": Failed(all)})
}
