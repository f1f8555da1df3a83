package e2e

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"testing"

	"camd/internal/testpeer"
)

// MQTT gets new pictures of a camera that sends H.264 and has no viewer, and a placeholder once it is turned off.
func TestMQTTGetsPicturesOfUnwatchedVideo(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", "broker-pass", "")
	d := start(t, options{config: fmt.Sprintf(`
cameras:
%smqtt: {url: 'mqtt://%s', user: camd, password: broker-pass, snapshots: 1s, switches: true}
`, videoCameraEntry(t), broker.Address)})
	d.waitForState("tower", "live")
	var last []byte
	for range 3 {
		eventually(t, "another picture at the broker", func() bool {
			got := broker.Retained()["camd/tower/snapshot"]
			if _, err := jpeg.Decode(bytes.NewReader(got)); err != nil || bytes.Equal(got, last) {
				return false
			}
			last = got
			return true
		})
	}
	broker.Publish("camd/tower/set", "OFF", false)
	d.waitForState("tower", "paused")
	resp, err := http.Get(d.URL + "/cameras/tower/snapshot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	placeholder, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("snapshot of a camera that is off: %s, %v", resp.Status, err)
	}
	eventually(t, "the placeholder at the broker", func() bool { return bytes.Equal(broker.Retained()["camd/tower/snapshot"], placeholder) })
}
