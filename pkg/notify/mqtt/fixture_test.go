package mqtt

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "canary-Pa55"

// fakeCameras are cameras with states from a test.
type fakeCameras struct {
	mu       sync.Mutex
	ids      []string
	changes  map[string][]camera.StateChange // newest first
	pictures map[string][]byte
	delays   map[string]chan struct{}
	viewers  int
	switched chan string
}

func newFakeCameras(cameras ...string) *fakeCameras {
	h := &fakeCameras{changes: map[string][]camera.StateChange{}, pictures: map[string][]byte{}, delays: map[string]chan struct{}{}, switched: make(chan string, 10)}
	for _, id := range cameras {
		h.ids = append(h.ids, id)
		h.setState(id, camera.Live, camera.None, "a picture of "+id)
	}
	return h
}

func (f *fakeCameras) setState(id string, s camera.State, r camera.Reason, picture string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes[id] = slices.Insert(f.changes[id], 0, camera.StateChange{State: s, Reason: r, Detail: "what exactly", Since: time.Now()})
	f.pictures[id] = []byte(picture)
}

func (f *fakeCameras) setPicture(id, picture string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pictures[id] = []byte(picture)
}

func (f *fakeCameras) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = slices.DeleteFunc(f.ids, func(o string) bool { return o == id })
}

func (f *fakeCameras) cameras() (all []notify.Camera) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.ids {
		all = append(all, notify.Camera{ID: id, Title: "The " + id, History: func() []camera.StateChange {
			f.mu.Lock()
			defer f.mu.Unlock()
			return slices.Clone(f.changes[id])
		}, Picture: func(ctx context.Context) notify.Picture { return f.picture(ctx, id) }})
	}
	return all
}

// picture returns the picture of a camera. If the test has called delay, it first waits for that, as for a decoder.
func (f *fakeCameras) picture(ctx context.Context, id string) notify.Picture {
	f.mu.Lock()
	delay, limit := f.delays[id], time.Now().Add(pictureTimeout)
	f.mu.Unlock()
	if delay != nil {
		if end, ok := ctx.Deadline(); !ok || end.After(limit) {
			panic("a request for a picture has no bound")
		}
		select {
		case <-delay:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return notify.Picture{JPEG: f.pictures[id], Placeholder: f.changes[id][0].State != camera.Live}
}

// delay delays the requests for pictures of a camera until release is called.
func (f *fakeCameras) delay(id string) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := make(chan struct{})
	f.delays[id] = until
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.delays, id)
		close(until)
	})
}

func (f *fakeCameras) viewerCounts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return map[string]int{"yard": f.viewers}
}

func (f *fakeCameras) switchCamera(_ context.Context, id string, on bool) error {
	if on {
		f.setState(id, camera.Live, camera.None, "live again")
		f.switched <- id + " on"
	} else {
		f.setState(id, camera.Paused, camera.None, "turned off")
		f.switched <- id + " off"
	}
	return nil
}

func (f *fakeCameras) options(broker *testpeer.MQTT) Options {
	return Options{
		Broker: &url.URL{Scheme: "mqtt", Host: broker.Address}, User: broker.User, Password: broker.Password,
		Prefix: "camd", Discovery: "homeassistant", Cameras: f.cameras, Viewers: f.viewerCounts, Site: "box", Version: "1.2.3", Dashboard: "https://cams.example",
	}
}

// runClient runs a client until the test ends or stop is called.
func runClient(t *testing.T, o Options) (stop func(), log *observer.ObservedLogs) {
	t.Helper()
	core, log := observer.New(zap.DebugLevel)
	o.Log = zap.New(core)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); New(o).Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(func() {
		stop()
		for _, e := range log.All() {
			for _, v := range e.ContextMap() {
				if s, ok := v.(string); ok && strings.Contains(s, password) {
					t.Errorf("the log contains the password: %v", e)
				}
			}
		}
	})
	return stop, log
}

// waitRetained waits until ok accepts the broker's retained messages.
func waitRetained(t *testing.T, broker *testpeer.MQTT, what string, ok func(map[string][]byte) bool) map[string][]byte {
	t.Helper()
	var held map[string][]byte
	defer func() {
		if t.Failed() {
			t.Logf("the broker holds %q", slices.Sorted(maps.Keys(held)))
		}
	}()
	testrun.WaitFor(t, what, func() bool {
		held = broker.Retained()
		return ok(held)
	})
	return held
}

func stateOf(held map[string][]byte, id string) (s state) {
	_ = json.Unmarshal(held["camd/"+id+"/state"], &s)
	return s
}

const jpeg = "\xff\xd8 not one really \x00\r\n \xff\xd9"

// unsentBytes returns how many bytes the kernel holds for the program that listens at a port of this machine.
func unsentBytes(t *testing.T, address string) (bytes int64) {
	t.Helper()
	_, port, _ := strings.Cut(address, ":")
	number, _ := strconv.Atoi(port)
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // number, local and remote address, state, tx:rx
		if strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", number)) {
			waiting, _ := strconv.ParseInt(strings.Split(fields[4], ":")[0], 16, 64)
			bytes += waiting
		}
	}
	return bytes
}
