package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// documentedKeys are the keys that Home Assistant documents for an entity of each platform, without those that all platforms have. The
// first are required.
var documentedKeys = map[string][2]string{
	"binary_sensor": {"state_topic", "device_class expire_after force_update off_delay payload_off payload_on value_template"},
	"sensor":        {"state_topic", "device_class expire_after force_update last_reset_value_template options state_class suggested_display_precision unit_of_measurement value_template"},
	"image":         {"image_topic", "content_type image_encoding"},
	"switch":        {"command_topic", "command_template device_class optimistic payload_off payload_on retain state_off state_on state_topic value_template"},
}

const (
	commonKeys = "platform unique_id name icon entity_category enabled_by_default json_attributes_topic json_attributes_template qos encoding " +
		"availability availability_topic availability_mode availability_template payload_available payload_not_available"
	deviceKeys = "configuration_url connections hw_version identifiers manufacturer model model_id name serial_number suggested_area sw_version via_device"
	originKeys = "name support_url sw_version"
	rootKeys   = "device origin components availability availability_topic availability_mode payload_available payload_not_available state_topic command_topic qos encoding"
)

func expectKeys(t *testing.T, where string, m map[string]any, known string) {
	t.Helper()
	for key := range m {
		if !slices.Contains(strings.Fields(known), key) {
			t.Errorf("%s: Home Assistant documents no key %q", where, key)
		}
	}
}

func parseDiscovery(t *testing.T, c *Client) (root map[string]any, components map[string]map[string]any) {
	t.Helper()
	if err := json.Unmarshal(c.discoveryPayload(c.opts.Cameras()[0]), &root); err != nil {
		t.Fatal(err)
	}
	components = map[string]map[string]any{}
	for name, e := range root["components"].(map[string]any) {
		components[name] = e.(map[string]any)
	}
	return root, components
}

func TestDiscoveryUsesDocumentedKeys(t *testing.T) {
	t.Parallel()
	h := newFakeCameras("front-door")
	for _, full := range []bool{true, false} {
		o := h.options(&testpeer.MQTT{Address: "h"})
		o.Prefix = "home/camd"
		if full {
			o.Snapshots, o.Switch = time.Second, h.switchCamera
		}
		c := New(o)
		if topic := c.discoveryTopic("front-door"); !regexp.MustCompile(`^homeassistant/device/[a-zA-Z0-9_-]+/config$`).MatchString(topic) {
			t.Errorf("Home Assistant does not read the topic %s", topic)
		}
		root, components := parseDiscovery(t, c)
		expectKeys(t, "root", root, rootKeys)
		expectKeys(t, "device", root["device"].(map[string]any), deviceKeys)
		expectKeys(t, "origin", root["origin"].(map[string]any), originKeys)
		ids := map[any]bool{}
		for name, e := range components {
			platform, _ := e["platform"].(string)
			known, ok := documentedKeys[platform]
			if len(e) == 1 && !full && ok { // removed
				continue
			}
			expectKeys(t, name, e, commonKeys+" "+known[0]+" "+known[1])
			if !ok || e[known[0]] == nil || e["unique_id"] == nil || ids[e["unique_id"]] {
				t.Errorf("%s: a key is missing or wrong: %v", name, e)
			}
			ids[e["unique_id"]] = true
			for key, v := range e {
				if s, _ := v.(string); strings.HasSuffix(key, "_topic") && (strings.ContainsAny(s, "+#") || !strings.HasPrefix(s, "home/camd/front-door/")) {
					t.Errorf("%s: %s is %q", name, key, s)
				}
			}
		}
		if want := map[bool]int{true: 6, false: 4}[full]; len(ids) != want {
			t.Errorf("%d entities, want %d", len(ids), want)
		}
	}
}

// The test runs the templates with Home Assistant's template engine, on published states.
func TestDiscoveryTemplatesRender(t *testing.T) {
	t.Parallel()
	python := testpeer.RequireProgram(t, "python3", "python3-jinja2")
	h := newFakeCameras("yard")
	o := h.options(&testpeer.MQTT{Address: "h"})
	o.Switch = h.switchCamera
	c := New(o)
	_, components := parseDiscovery(t, c)
	render := func(payload []byte) map[string]string {
		templates := map[string]string{}
		for name, e := range components {
			if s, ok := e["value_template"].(string); ok {
				templates[name] = s
			}
		}
		templates["attributes"] = components["state"]["json_attributes_template"].(string)
		cmd := exec.Command(python, "-c", `
import json, sys, jinja2
d = json.load(sys.stdin)
e = jinja2.Environment(undefined=jinja2.StrictUndefined)
json.dump({n: e.from_string(t).render(value_json=d["payload"]) for n, t in d["templates"].items()}, sys.stdout)`)
		cmd.Stdin = strings.NewReader(string(marshal(map[string]any{"templates": templates, "payload": json.RawMessage(payload)})))
		out, err := cmd.Output()
		var got map[string]string
		if err != nil || json.Unmarshal(out, &got) != nil {
			t.Fatalf("jinja: %v, %s", err, out)
		}
		return got
	}
	for _, s := range []struct {
		state         camera.State
		reason        camera.Reason
		live, on      string
		viewers, text string
	}{
		{camera.Live, camera.None, "ON", "ON", "3", ""},
		{camera.Offline, camera.Auth, "OFF", "ON", "0", "the camera refused the user or password"},
		{camera.Paused, camera.None, "OFF", "OFF", "0", ""},
	} {
		change := camera.StateChange{State: s.state, Reason: s.reason, Detail: `"quotes" & <more>`, Since: time.Now()}
		viewers := map[string]int{"3": 3}[s.viewers]
		got := render(c.statePayload(c.opts.Cameras()[0], change, viewers))
		if got["live"] != s.live || got["switch"] != s.on || got["viewers"] != s.viewers || got["state"] != string(s.state) || got["trouble"] != "OFF" {
			t.Errorf("%s: got %v", s.state, got)
		}
		var attributes map[string]string
		if err := json.Unmarshal([]byte(got["attributes"]), &attributes); err != nil || attributes["reason_text"] != s.text || attributes["detail"] != change.Detail {
			t.Errorf("%s: attributes %s, %v", s.state, got["attributes"], err)
		}
	}
}

// Over TLS, the client connects only to a broker whose certificate the configured CA has signed.
func TestClientVerifiesBrokerCertificate(t *testing.T) {
	t.Parallel()
	shown := testpeer.Certificate{}.Make(t)
	broker := testpeer.ServeMQTT(t, "camd", password, "", shown)
	h := newFakeCameras("yard")
	o := h.options(broker)
	o.Broker = &url.URL{Scheme: "mqtts", Host: broker.Address}
	o.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	stop, log := runClient(t, o)
	testrun.WaitFor(t, "the refusal", func() bool { return log.FilterMessage("mqtt not connected").Len() > 0 })
	if got := log.FilterMessage("mqtt not connected").All()[0].ContextMap()["problem"].(string); !strings.Contains(got, "unknown authority") {
		t.Errorf("got problem %q", got)
	}
	stop()
	o.TLS = &tls.Config{RootCAs: shown.Pool}
	o.Snapshots = time.Second
	h.setPicture("yard", strings.Repeat("a large picture", 50_000))
	runClient(t, o)
	waitRetained(t, broker, "the camera", func(held map[string][]byte) bool {
		return stateOf(held, "yard").State == camera.Live && len(held["camd/yard/snapshot"]) == 750_000
	})
}
