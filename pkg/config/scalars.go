package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"camd/pkg/source/sourceurl"

	"go.yaml.in/yaml/v3"
)

// text returns the scalar n with its variables replaced. want describes the value that belongs there.
func (d *decoder) text(key string, n *yaml.Node, want string) (string, bool) {
	if isNull(n) {
		d.errorf(n, "%s: has no value; want %s, or leave the key out", key, want)
		return "", false
	}
	if n.Kind != yaml.ScalarNode {
		d.errorf(n, "%s: want %s, got %s", key, want, describeKind(n))
		return "", false
	}
	// One that goes on in the next line has swallowed a key there, and perhaps a password.
	if n.Style == 0 && n.Line > 0 && n.Line <= len(d.lines) && !strings.Contains(textFrom(d.lines[n.Line-1], n.Column), n.Value) {
		d.errorf(n, `%s: goes on over more than one line; either a ": " is missing below, or it must be in quotes`, key)
		return "", false
	}
	s, err := expandEnv(n.Value, d.env)
	if err == nil && !utf8.ValidString(s) { // the file itself is: it comes from the environment
		err = errors.New("the environment variable in it is not UTF-8 text")
	}
	if err != nil {
		d.errorf(n, "%s: %v", key, err)
		return "", false
	}
	return s, true
}

// textFrom returns a line without bytes that are certainly before a column, because a list of many values may be one line. A column
// counts characters from 1, and each has at least one byte.
func textFrom(line string, column int) string { return line[min(max(column-1, 0), len(line)):] }

// parseScalar reads n by parse. An error repeats the value as it stands in the file, without the content of variables.
func parseScalar[V any](d *decoder, key string, n *yaml.Node, want string, parse func(string) (V, bool)) (v V, ok bool) {
	s, ok := d.text(key, n, want)
	if !ok {
		return v, false
	}
	if v, ok = parse(s); !ok {
		d.errorf(n, "%s: want %s, got %s", key, want, quoteValue(n))
	}
	return v, ok
}

// scalar returns a field's reader. target is where to store the value, and parse reads it.
func scalar[T, V any](target func(*T) *V, want string, parse func(string) (V, bool)) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		if v, ok := parseScalar(d, key, n, want, parse); ok {
			*target(to) = v
		}
	}
}

func integer[T any](target func(*T) *int, low, high int) func(*decoder, string, *yaml.Node, *T) {
	return scalar(target, fmt.Sprintf("a whole number from %d to %d", low, high), func(s string) (int, bool) {
		i, err := strconv.Atoi(s)
		return i, err == nil && low <= i && i <= high
	})
}

func frameRate[T any](target func(*T) *float64) func(*decoder, string, *yaml.Node, *T) {
	return scalar(target, fmt.Sprintf("a number from %v to %v", sourceurl.MinFPS, sourceurl.MaxFPS), func(s string) (float64, bool) {
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil && sourceurl.MinFPS <= f && f <= sourceurl.MaxFPS
	})
}

func duration[T any](target func(*T) *time.Duration, low, high time.Duration) func(*decoder, string, *yaml.Node, *T) {
	want := fmt.Sprintf("a duration from %s to %s, such as 10s", shortDuration(low), shortDuration(high))
	return scalar(target, want, func(s string) (time.Duration, bool) {
		v, err := time.ParseDuration(s)
		return v, err == nil && low <= v && v <= high
	})
}

// durationOrOff returns a reader of a duration, or of off, which is 0.
func durationOrOff[T any](target func(*T) *time.Duration, low, high time.Duration) func(*decoder, string, *yaml.Node, *T) {
	want := fmt.Sprintf("off, or a duration from %s to %s, such as 1m", shortDuration(low), shortDuration(high))
	return scalar(target, want, func(s string) (time.Duration, bool) {
		if s == "off" {
			return 0, true
		}
		v, err := time.ParseDuration(s)
		return v, err == nil && low <= v && v <= high
	})
}

// byteUnits are the units of a byte size, longer names first, so that none is taken for the end of another.
var byteUnits = []struct {
	name   string
	factor float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

func byteSize[T any](target func(*T) *int64, low, high int64) func(*decoder, string, *yaml.Node, *T) {
	want := fmt.Sprintf("a size in bytes from %s to %s, such as 64KiB or 2MB", shortBytes(low), shortBytes(high))
	return scalar(target, want, func(s string) (int64, bool) {
		for _, u := range byteUnits {
			if number, ok := strings.CutSuffix(s, u.name); ok {
				f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
				n := f * u.factor
				return int64(n), err == nil && float64(low) <= n && n <= float64(high)
			}
		}
		return 0, false
	})
}

// shortBytes renders a power of two.
func shortBytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n >= 1<<10 && i < len(units)-1 {
		n, i = n>>10, i+1
	}
	return strconv.FormatInt(n, 10) + units[i]
}

func oneOf[T any](target func(*T) *string, options ...string) func(*decoder, string, *yaml.Node, *T) {
	last := len(options) - 1
	want := strings.Join(options[:last], ", ") + " or " + options[last]
	return scalar(target, want, func(s string) (string, bool) { return s, slices.Contains(options, s) })
}

func boolean[T any](target func(*T) *bool) func(*decoder, string, *yaml.Node, *T) {
	return scalar(target, "true or false", func(s string) (bool, bool) { return s == "true", s == "true" || s == "false" })
}

// inverted returns a reader of a key that is the opposite of its option: "loop: true" sets Once to false.
func inverted[T any](target func(*T) *bool) func(*decoder, string, *yaml.Node, *T) {
	return scalar(target, "true or false", func(s string) (bool, bool) { return s == "false", s == "true" || s == "false" })
}

func pixelSize[T any](target func(*T) *sourceurl.Size) func(*decoder, string, *yaml.Node, *T) {
	return scalar(target, "WIDTHxHEIGHT in pixels, such as 1280x720", func(s string) (sourceurl.Size, bool) {
		v, err := sourceurl.ParseSize(s)
		return v, err == nil
	})
}

// shortDuration renders a duration without zeros at its end: 10m rather than 10m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// expandEnv replaces ${NAME} by environment variables.
func expandEnv(s string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			return b.String() + s, nil
		}
		b.WriteString(s[:i])
		s = s[i:]
		switch {
		case strings.HasPrefix(s, "$${"):
			b.WriteString("${")
			s = s[3:]
		case strings.HasPrefix(s, "${"):
			name, rest, ok := strings.Cut(s[2:], "}")
			// The message does not repeat it: it may be part of a password instead of a name.
			if !ok || !isEnvName(name) {
				return "", errors.New("${ must be followed by the name of an environment variable and }; for a plain ${ write $${")
			}
			v, ok := env(name)
			if !ok {
				return "", fmt.Errorf("environment variable %s is not set; for a plain ${ write $${", name)
			}
			b.WriteString(v)
			s = rest
		default:
			b.WriteByte('$')
			s = s[1:]
		}
	}
}

func isEnvName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// singleLine reads a text of one line that is not empty. No message repeats it.
func (d *decoder) singleLine(key string, n *yaml.Node, want string) (string, bool) {
	s, ok := d.text(key, n, want)
	switch {
	case !ok:
		return "", false
	case s == "":
		d.errorf(n, "%s: is empty", key)
	case hasControl(s):
		d.errorf(n, "%s: has a line break or control character in it", key)
	default:
		return s, true
	}
	return "", false
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
