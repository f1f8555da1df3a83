package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// camd answers like ustreamer at ustreamer's addresses.
func TestUstreamerAnswersAreMatched(t *testing.T) {
	t.Parallel()
	theirs := testpeer.ServeUstreamer(t)
	d := start(t, options{config: longWriteTimeout + "cameras:\n  - {id: a, source: 'test://?size=320x180&fps=10'}\n"})
	d.waitForState("a", "live")

	for _, path := range []string{"/stream?key=k", "/?action=stream", "/?action=stream&t=17"} {
		want, got := readStreamHead(t, theirs+path), readStreamHead(t, d.URL+path)
		if got.kind != want.kind || !slices.Equal(got.lines, want.lines) || got.expires == "" {
			t.Errorf("%s: got %+v, want %+v", path, got, want)
		}
		if strings.HasPrefix(path, "/stream") && (got.cookie != "stream_client=k/…" || got.cookie != want.cookie) {
			t.Errorf("%s: cookie %q, want %q", path, got.cookie, want.cookie)
		}
	}
	for _, path := range []string{"/snapshot", "/?action=snapshot"} {
		_, want, _ := get(t, theirs+path)
		code, got, picture := get(t, d.URL+path)
		if code != http.StatusOK || !isJPEG(picture) {
			t.Errorf("%s: %d, %d bytes", path, code, len(picture))
		}
		for name := range got {
			if strings.HasPrefix(name, "X-Ustreamer-") && want.Get(name) == "" {
				t.Errorf("%s: %s is not one of ustreamer's", path, name)
			}
		}
		for _, name := range []string{"Content-Type", "X-Timestamp", "Pragma", "Cache-Control", "Expires"} {
			if got.Get(name) == "" || want.Get(name) == "" {
				t.Errorf("%s: %s is %q, ustreamer's %q", path, name, got.Get(name), want.Get(name))
			}
		}
	}
	watcher := watch(t, theirs+"/stream")
	defer watcher.close()
	ours := watch(t, d.URL+"/stream")
	defer ours.close()
	var want, got any
	eventually(t, "both count their clients", func() bool {
		want, got = jsonShape(t, theirs+"/state"), jsonShape(t, d.URL+"/state")
		return strings.Contains(fmt.Sprint(want), "zero_data") && strings.Contains(fmt.Sprint(got), "zero_data")
	})
	// Newer versions of ustreamer have these fields, Debian's does not.
	result := got.(map[string]any)["result"].(map[string]any)
	delete(result, "instance_id")
	for _, client := range result["stream"].(map[string]any)["clients_stat"].(map[string]any) {
		delete(client.(map[string]any), "key")
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("/state has the shape\n%v, want\n%v", got, want)
	}
}

// streamHead is the beginning of a stream.
type streamHead struct {
	kind, expires, cookie string
	lines                 []string // up to the picture, without digits
}

func readStreamHead(t *testing.T, url string) streamHead {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := streamClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	h := streamHead{kind: strings.ReplaceAll(answer.Header.Get("Content-Type"), " ", ""), expires: answer.Header.Get("Expires")}
	if all := answer.Cookies(); len(all) == 1 {
		key, _, _ := strings.Cut(all[0].Value, "/")
		h.cookie = all[0].Name + "=" + key + "/…"
	}
	for lines := bufio.NewScanner(answer.Body); lines.Scan() && lines.Text() != ""; {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		h.lines = append(h.lines, name+": "+strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' {
				return -1
			}
			return c
		}, value))
	}
	return h
}

// jsonShape returns a JSON document with the types of its values instead of the values, and one name for all clients.
func jsonShape(t *testing.T, url string) any {
	t.Helper()
	_, _, b := get(t, url)
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return valueKinds(v)
}

func valueKinds(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range maps.Clone(v) {
			v[name] = valueKinds(v[name])
			if clients, ok := v[name].(map[string]any); ok && name == "clients_stat" {
				for id, client := range maps.Clone(clients) {
					delete(clients, id)
					clients["client"] = client
				}
			}
		}
		return v
	case float64:
		if v == float64(int(v)) {
			return "number"
		}
		return "fraction"
	case bool:
		return "boolean"
	case string:
		return "text"
	}
	return v
}
