package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

func TestParseReadsBus(t *testing.T) {
	vouching := testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(vouching.File)
	writeFile(t, filepath.Join(dir, "token"), "hunter2\n")
	writeFile(t, filepath.Join(dir, "creds"), "-----BEGIN NATS USER JWT-----\nhunter2\n")
	writeFile(t, filepath.Join(dir, "nk"), "SUhunter2\n")
	for _, c := range []struct {
		in   string
		want Bus
	}{
		{"servers: ['nats://h:4222', 'tls://h'], token_file: token, relay: true, handshake_first: true, max_sites: 9, max_cameras: 99", Bus{Servers: []string{"nats://h:4222", "tls://h"}, Token: "hunter2", Relay: true, HandshakeFirst: true, MaxSites: 9, MaxCameras: 99, Prefix: "camd"}},
		{"servers: ['tls://h'], user: u, password: hunter2, prefix: house.camd", Bus{Servers: []string{"tls://h"}, User: "u", Password: "hunter2", Prefix: "house.camd", MaxSites: 1024, MaxCameras: 4096}},
		{"servers: ['nats://h'], credentials_file: creds, ca: cert.pem", Bus{Servers: []string{"nats://h"}, CredentialsFile: dir + "/creds", CA: vouching.File, Prefix: "camd", MaxSites: 1024, MaxCameras: 4096}},
		{"servers: ['nats://h'], nkey_file: nk, certificate: cert.pem, key: key.pem", Bus{
			Servers: []string{"nats://h"}, NKeyFile: dir + "/nk", Certificate: vouching.File, Key: vouching.Key, Prefix: "camd", MaxSites: 1024, MaxCameras: 4096,
		}},
	} {
		got, err := Parse(dir+"/camd.yaml", []byte("bus: {"+c.in+"}"), env)
		if err != nil || !reflect.DeepEqual(*got.Bus, c.want) {
			t.Errorf("%s: got %+v, %v", c.in, got, err)
			continue
		}
		if shown := fmt.Sprintf("%+v %#v", *got.Bus, got.Bus); strings.Contains(shown, "hunter2") {
			t.Errorf("a secret is in %s", shown)
		}
	}
}

// Which cameras of other sites there are is not known before camd runs; but who may see them can be said.
func TestAuthAcceptsCamerasOfOtherSitesAtRelay(t *testing.T) {
	const people = "auth: {anonymous: {role: view, cameras: [%s]}}\n"
	const bus, own = "bus: {servers: ['nats://h']%s}\n", "site: north\ncameras: [{id: yard, source: 'test://'}]\n"
	relay, site, both := fmt.Sprintf(bus, ""), fmt.Sprintf(bus, "")+own, fmt.Sprintf(bus, ", relay: true")+own
	for _, c := range []struct {
		config, camera string
		want           bool
	}{
		{relay, "north.yard", true},
		{relay, "north.*", true},
		{relay, "yard", false},
		{relay, "north.yard.main", false},
		{relay, "North.yard", false},
		{relay, "north.", false},
		{site, "yard", true},
		{site, "south.lane", false},
		{both, "yard", true},
		{both, "south.lane", true},
		{both, "north.yard", false}, // here it is yard
		{own, "south.lane", false},
	} {
		if _, err := Parse("C", []byte(c.config+fmt.Sprintf(people, c.camera)), env); (err == nil) != c.want {
			t.Errorf("%q in %q: %v, want it taken: %v", c.camera, c.config, err, c.want)
		}
	}
	if _, err := Parse("C", []byte(both+"webhooks: [{url: 'https://h', cameras: [south.lane]}]"), env); err == nil || !strings.Contains(err.Error(), "there is no camera") {
		t.Errorf("alerts of another site's camera: %v", err)
	}
}
