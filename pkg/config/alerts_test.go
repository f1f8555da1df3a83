package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"camd/internal/testpeer"
)

// signingKey is what the tests' secrets hold.
const signingKey = "hunter2-hunter2-hunter2-hunter2!"

func TestParseReadsAlerts(t *testing.T) {
	vouching := testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(vouching.File)
	writeFile(t, filepath.Join(dir, "hook"), "aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMiE=\n")
	writeFile(t, filepath.Join(dir, "mqtt"), "hunter2\n")
	got, err := Parse(dir+"/camd.yaml", []byte(`
site: barn
public_url: https://cams.example/camd/
cameras: [{id: yard, source: test://}]
webhooks:
  - {url: "https://h.example/hunter2?token=hunter2", secret_file: hook}
  - url: http://10.0.0.1:9/
    secret: whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMiE=
    events: [well, paused]
    cameras: [yard]
    after: 0s
    timeout: 3s
    retry_for: 24h
mqtt: {url: "mqtts://broker/", user: u, password_file: mqtt, ca: cert.pem, topic_prefix: a/b, discovery_prefix: off, snapshots: 5s, switches: true, after: 1m}
`), env)
	if err != nil {
		t.Fatal(err)
	}
	hooks := []Webhook{
		{URL: "https://h.example/hunter2?token=hunter2", Key: signingKey, After: 10 * time.Second, Timeout: 10 * time.Second, RetryFor: time.Hour},
		{URL: "http://10.0.0.1:9/", Key: signingKey, Events: []string{"well", "paused"}, Cameras: []string{"yard"}, Timeout: 3 * time.Second, RetryFor: 24 * time.Hour},
	}
	broker := &MQTT{
		URL: "mqtts://broker:8883", User: "u", Password: "hunter2", CA: vouching.File, TopicPrefix: "a/b",
		Snapshots: 5 * time.Second, Switches: true, After: time.Minute,
	}
	if !reflect.DeepEqual(got.Webhooks, hooks) || !reflect.DeepEqual(got.MQTT, broker) || got.Site != "barn" || got.PublicURL != "https://cams.example/camd" {
		t.Errorf("got %+v, %+v, %s, %s", got.Webhooks, got.MQTT, got.Site, got.PublicURL)
	}
	asJSON, _ := json.Marshal(got)
	asYAML, _ := yaml.Marshal(got)
	shown := []string{string(asJSON), string(asYAML)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		shown = append(shown, fmt.Sprintf(verb, got.Webhooks), fmt.Sprintf(verb, *got.MQTT), fmt.Sprintf(verb, got.MQTT))
	}
	for _, s := range shown {
		if strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(s, redacted) {
			t.Errorf("a secret is in %s", s)
		}
	}
}

func TestAlertFileProblemsHavePlaces(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "short"), "aHVudGVyMg==\n")
	writeFile(t, filepath.Join(dir, "plain"), "hunter2-hunter2-hunter2-hunter2-hunter2\n")
	for _, c := range []struct{ in, want string }{
		{"webhooks: [{url: 'http://h', secret_file: short}]", "43: secret_file: the content of the file " + declaration().Properties.get("webhooks").Items.Properties.get("secret").clause()},
		{"webhooks: [{url: 'http://h', secret_file: plain}]", "43: secret_file: the content of the file " + declaration().Properties.get("webhooks").Items.Properties.get("secret").clause()},
		{"webhooks: [{url: 'http://h', secret_file: none}]", "43: secret_file: no such file or directory, below DIR"},
		{"mqtt: {url: 'mqtts://h', ca: none}", "30: ca: no such file or directory, below DIR"},
		{"mqtt: {url: 'mqtts://h', ca: .}", "30: ca: DIR is not a regular file"},
		{"mqtt: {url: 'mqtts://h', user: u, password_file: none}", "50: password_file: no such file or directory, below DIR"},
	} {
		_, err := Parse(dir+"/camd.yaml", []byte(c.in), env)
		if want := dir + "/camd.yaml:1:" + strings.ReplaceAll(c.want, "DIR", dir); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", c.in, err, want)
		}
	}
}
