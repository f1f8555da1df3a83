package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// A user of a relay sees only the remote cameras and sites that the user has a permission for. This holds for lists, addresses,
// suggestions in errors, and after a reload that removes a permission. The site knows the relay but not its viewers. The site has its
// own leaf node.
func TestRelayHidesCamerasWithoutPermission(t *testing.T) {
	t.Parallel()
	hub, leaf := natsLeaf(t)
	north := start(t, options{config: "log: {audit: on}\n" + busConfig(leaf, "north", "gate:20", "yard:20")})
	start(t, options{config: busConfig(hub, "secretive", "lane:5")})
	dir := t.TempDir()
	var users string
	for _, u := range []string{"anna --role admin", "guest --cameras north.yard", "mia --role control --cameras north.*"} {
		name, more, _ := strings.Cut(u, " ")
		users += camdWithInput(t, name+" password", append([]string{"hash-password", name}, strings.Fields(more)...)...).stdout
	}
	write(t, dir, "users", users)
	relay := startRelay(t, fmt.Sprintf("state_dir: %s/state\nlog: {audit: on}\nauth: {users_file: %s/users}\n", dir, dir)+busConfig(hub, ""))
	basic := func(name string) accessClient {
		return accessClient{t, relay, func(r *http.Request) { r.SetBasicAuth(name, name+" password") }}
	}
	says := func(v accessClient, path string) string {
		resp, err := v.get(path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	anna, guest, mia, nobody := basic("anna"), basic("guest"), basic("mia"), accessClient{t, relay, func(*http.Request) {}}
	eventually(t, "all cameras", func() bool {
		text := says(anna, "/api/v1/cameras")
		return strings.Count(text, `"remote": true`) == 3 && strings.Count(text, `"state": "live"`) == 3
	})
	for _, c := range []struct {
		who  accessClient
		want int
	}{{guest, 1}, {mia, 2}} {
		for _, path := range []string{"/api/v1/cameras", "/", "/readyz", "/cameras/secretive.lane", "/cameras/secretive.lana/snapshot.jpg", "/api/v1/cameras/secretive.lane"} {
			text := says(c.who, path)
			if strings.Contains(strings.ReplaceAll(text, "secretive.lan", ""), "secretive") || strings.Contains(text, "The lane") {
				t.Errorf("%s shows a camera without permission: %s", path, text)
			}
			if path == "/api/v1/cameras" && strings.Count(text, `"remote": true`) != c.want {
				t.Errorf("want %d cameras in %s", c.want, text)
			}
		}
		c.who.checkStatus("/api/v1/cameras/secretive.lane", http.StatusNotFound)
		if there, not := says(c.who, "/api/v1/cameras/secretive.lane"), says(c.who, "/api/v1/cameras/secretive.lana"); strings.ReplaceAll(there, "lane", "lana") != not {
			t.Errorf("an existing and an unknown camera get different answers: %q and %q", there, not)
		}
	}
	guest.checkStatus("/cameras/north.yard/snapshot.jpg?fresh=1", http.StatusOK)
	guest.checkStatus("/cameras/north.gate/snapshot.jpg", http.StatusNotFound)
	if text := says(guest, "/readyz"); !strings.Contains(text, `"sites": 1`) {
		t.Error(text)
	}
	if text := says(nobody, "/readyz"); !strings.Contains(text, `"sites": 0`) {
		t.Error(text)
	}

	shared := camd(t, "share", "north.yard", "--for", "30m", "-c", relay.config)
	link, err := url.Parse(strings.TrimSpace(shared.stdout))
	if err != nil || shared.code != 0 || link.Path != "/cameras/north.yard" {
		t.Fatalf("%+v", shared)
	}
	nobody.checkStatus("/cameras/north.yard/snapshot.jpg?"+link.RawQuery, http.StatusOK)
	nobody.checkStatus("/cameras/north.gate/snapshot.jpg?"+link.RawQuery, http.StatusNotFound)

	stream, err := guest.get("/cameras/north.yard/stream.mjpg")
	if err != nil || stream.StatusCode != http.StatusOK {
		t.Fatalf("%v %+v", err, stream)
	}
	defer stream.Body.Close()
	stays, err := mia.get("/cameras/north.yard/stream.mjpg")
	if err != nil || stays.StatusCode != http.StatusOK {
		t.Fatalf("%v %+v", err, stays)
	}
	defer stays.Body.Close()
	write(t, dir, "users", strings.Replace(users, "north.yard", "north.gate", 1))
	if err := relay.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, stream.Body); err != nil { // to its end
		t.Errorf("the stream of the user without permission ended by %v", err)
	}
	reading := make(chan []byte, 1)
	go func() { b, _ := io.ReadAll(stays.Body); reading <- b }()
	viewers := `camd_viewers{camera="north.yard",rendition="main",transport="http1"} `
	eventually(t, "only the user with permission to watch", func() bool { return strings.Contains(says(anna, "/metrics"), viewers+"1\n") })

	code, took := relay.stop()
	if n, rest := countParts(<-reading); code != 0 || n == 0 || rest != "" {
		t.Errorf("exit code %d, %d pictures, then %q", code, n, rest)
	}
	t.Logf("stopping took %v", took)
	log := relay.stderr.String()
	for _, want := range []string{"guest", "mia", "link"} {
		seen := false
		for _, d := range auditRecords(t, log) {
			seen = seen || strings.Contains(d.Requester, want) && d.Camera == "north.yard"
		}
		if !seen {
			t.Errorf("the audit log has no record of %s at north.yard", want)
		}
	}
	for _, d := range auditRecords(t, north.stderr.String()) {
		if d.Camera != "" && d.Requester != "" {
			t.Errorf("the site has a record of a viewer: %v", d)
		}
	}
}
