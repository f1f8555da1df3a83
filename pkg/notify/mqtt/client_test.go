package mqtt

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/notify"
)

func TestClientPublishesCameraChanges(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", password, "")
	h := newFakeCameras("yard", "hall")
	o := h.options(broker)
	o.Snapshots, o.After = time.Second, 2*time.Second
	stop, _ := runClient(t, o)
	waitRetained(t, broker, "both cameras", func(held map[string][]byte) bool {
		return string(held["camd/status"]) == "online" && stateOf(held, "yard").State == camera.Live && stateOf(held, "hall").State == camera.Live &&
			string(held["camd/yard/snapshot"]) == "a picture of yard" && len(held["homeassistant/device/camd_yard/config"]) > 0
	})
	h.setPicture("yard", jpeg)
	waitRetained(t, broker, "the newer picture", func(held map[string][]byte) bool { return string(held["camd/yard/snapshot"]) == jpeg })

	h.setState("yard", camera.Offline, camera.Auth, "a placeholder")
	held := waitRetained(t, broker, "the trouble", func(held map[string][]byte) bool { return stateOf(held, "yard").Trouble })
	got := stateOf(held, "yard")
	want := state{notify.CameraState{
		Version: 1, Site: "box", Camera: "yard", Title: "The yard", State: camera.Offline, Reason: camera.Auth,
		ReasonText: "the camera refused the user or password", Detail: "what exactly", Since: got.Since,
	}, true, 0}
	if got != want || time.Since(got.Since) > time.Minute {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if string(held["camd/yard/snapshot"]) != "a placeholder" || stateOf(held, "hall").Trouble {
		t.Error("the other topics do not have this state")
	}
	h.mu.Lock()
	h.viewers = 3
	h.mu.Unlock()
	h.setState("yard", camera.Live, camera.None, "live")
	waitRetained(t, broker, "the end of it, and viewers", func(held map[string][]byte) bool {
		s := stateOf(held, "yard")
		return s.State == camera.Live && !s.Trouble && s.Viewers == 3
	})

	h.remove("yard")
	left := waitRetained(t, broker, "the camera to be gone", func(held map[string][]byte) bool { return held["camd/yard/state"] == nil })
	for topic := range left {
		if strings.Contains(topic, "yard") {
			t.Errorf("%s was not removed", topic)
		}
	}
	stop()
	left = waitRetained(t, broker, "the status offline", func(held map[string][]byte) bool { return string(held["camd/status"]) == "offline" })
	if stateOf(left, "hall").State != camera.Live {
		t.Error("the last state was removed")
	}
}

// The client removes retained messages of an earlier run about cameras that are gone, and none of another camd.
func TestClientRemovesRetainedOfGoneCameras(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", password, "")
	h := newFakeCameras("yard", "hall")
	o := h.options(broker)
	o.Snapshots = time.Second
	stop, _ := runClient(t, o)
	waitRetained(t, broker, "both cameras", func(held map[string][]byte) bool {
		return held["camd/hall/snapshot"] != nil && held["camd/yard/snapshot"] != nil
	})
	stop()
	other := string(marshal(state{CameraState: notify.CameraState{Site: "another", Camera: "gate"}}))
	broker.Publish("camd/gate/state", other, true)
	h.remove("hall")
	o.Snapshots = 0
	runClient(t, o)
	held := waitRetained(t, broker, "the hall and the pictures to be gone", func(held map[string][]byte) bool {
		return held["camd/hall/state"] == nil && held["camd/hall/snapshot"] == nil && held["camd/yard/snapshot"] == nil &&
			held["homeassistant/device/camd_hall/config"] == nil && stateOf(held, "yard").State == camera.Live
	})
	if string(held["camd/gate/state"]) != other {
		t.Error("the camera of another camd was removed")
	}
}

// A broker that was killed or hung gets all messages again when it returns.
func TestClientRepublishesAfterBrokerRestart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		harm func(*testpeer.MQTT)
	}{{"killed", (*testpeer.MQTT).Kill}, {"hangs", func(m *testpeer.MQTT) { m.Suspend() }}} {
		t.Run(c.name, func(t *testing.T) {
			broker := testpeer.ServeMQTT(t, "camd", password, "")
			h := newFakeCameras("yard")
			o := h.options(broker)
			o.Snapshots = time.Second
			stop, log := runClient(t, o)
			waitRetained(t, broker, "the camera", func(held map[string][]byte) bool { return stateOf(held, "yard").State == camera.Live })
			c.harm(broker)
			if c.name == "hangs" {
				large := strings.Repeat("x", 64<<20) // more than the kernel buffers for a broker that reads nothing
				h.setPicture("yard", large)
				testrun.WaitFor(t, "the unsent picture", func() bool { return unsentBytes(t, broker.Address) > 1<<20 })
				began := time.Now()
				stop()                                          // it must not wait for the broker
				if took := time.Since(began); took >= timeout { // the limit of a write
					t.Errorf("stop took %v", took)
				}
				broker.Kill()
				broker.Start()
				h.setState("yard", camera.Offline, camera.Timeout, "")
				_, log = runClient(t, h.options(broker))
			} else {
				h.setState("yard", camera.Offline, camera.Timeout, "")
				testrun.WaitFor(t, "failing attempts", func() bool { return log.FilterMessage("mqtt not connected").Len() > 0 })
				broker.Start()
			}
			waitRetained(t, broker, "the newest state", func(held map[string][]byte) bool {
				return stateOf(held, "yard").State == camera.Offline && string(held["camd/status"]) == "online" && held["homeassistant/device/camd_yard/config"] != nil
			})
			if n := log.FilterMessage("mqtt not connected").Len(); n > 2 {
				t.Errorf("%d log lines about the missing broker", n)
			}
		})
	}
}

// Commands turn cameras off and on. Retained and unknown commands do not.
func TestCommandsSwitchCameras(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", password, "")
	h := newFakeCameras("yard")
	o := h.options(broker)
	o.Snapshots, o.Switch = time.Hour, h.switchCamera
	broker.Publish("camd/yard/set", "OFF", true) // retained, so it is old
	_, log := runClient(t, o)
	waitRetained(t, broker, "the camera", func(held map[string][]byte) bool { return stateOf(held, "yard").State == camera.Live })
	for _, nonsense := range []string{"off", "", `{"state":"OFF"}`} {
		broker.Publish("camd/yard/set", nonsense, false)
	}
	broker.Publish("camd/gate/set", "OFF", false)
	testrun.WaitFor(t, "the answers", func() bool {
		return log.FilterMessage("command not understood").Len() == 3 && log.FilterMessage("command for unknown camera").Len() == 1
	})
	broker.Publish("camd/yard/set", "OFF", false)
	if got := <-h.switched; got != "yard off" {
		t.Errorf("got %s before the command", got)
	}
	// The next picture is due in an hour, but the old one must be replaced at once.
	waitRetained(t, broker, "the camera to be off", func(held map[string][]byte) bool {
		return stateOf(held, "yard").State == camera.Paused && string(held["camd/yard/snapshot"]) == "turned off"
	})
	broker.Publish("camd/yard/set", "ON", false)
	if got := <-h.switched; got != "yard on" {
		t.Errorf("got %s after the command", got)
	}
}

func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", password, "max_packet_size 2000\n")
	h := newFakeCameras("yard")
	wrong := h.options(broker)
	wrong.Password = "another"
	stop, log := runClient(t, wrong)
	testrun.WaitFor(t, "the refusal", func() bool { return log.FilterMessage("mqtt not connected").Len() > 0 })
	if got := log.FilterMessage("mqtt not connected").All()[0].ContextMap()["problem"]; got != "the broker refuses the user or password" {
		t.Errorf("got problem %q", got)
	}
	stop()

	o := h.options(broker)
	o.Snapshots, o.Discovery = time.Second, ""
	var mu sync.Mutex
	failed := 0
	o.Count = func(r Result) {
		mu.Lock()
		defer mu.Unlock()
		if r == Failed {
			failed++
		}
	}
	h.setPicture("yard", strings.Repeat("x", 3000))
	_, log = runClient(t, o)
	held := waitRetained(t, broker, "the camera", func(held map[string][]byte) bool { return stateOf(held, "yard").State == camera.Live })
	testrun.WaitFor(t, "the failure", func() bool { return log.FilterMessage("mqtt message refused").Len() > 0 })
	if held["camd/yard/snapshot"] != nil {
		t.Error("the broker holds a message that it refuses")
	}
	h.setPicture("yard", "smaller")
	waitRetained(t, broker, "a smaller picture", func(held map[string][]byte) bool { return bytes.Equal(held["camd/yard/snapshot"], []byte("smaller")) })
	mu.Lock()
	defer mu.Unlock()
	if failed != 1 {
		t.Errorf("%d failures counted, want 1", failed)
	}
}
