package mqtt

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/notify"
)

// A camera whose picture takes long delays no other message, and not the end of the client.
func TestSlowPictureDelaysNothing(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", password, "")
	h := newFakeCameras("yard", "hall")
	o := h.options(broker)
	o.Snapshots = time.Second
	release := h.delay("yard")
	stop, _ := runClient(t, o)
	waitRetained(t, broker, "all but the slow picture", func(held map[string][]byte) bool {
		return stateOf(held, "yard").State == camera.Live && string(held["camd/hall/snapshot"]) == "a picture of hall"
	})
	h.setPicture("hall", jpeg)
	h.setState("yard", camera.Stalled, camera.Frozen, "a placeholder")
	held := waitRetained(t, broker, "what is newer", func(held map[string][]byte) bool {
		return stateOf(held, "yard").State == camera.Stalled && string(held["camd/hall/snapshot"]) == jpeg
	})
	if held["camd/yard/snapshot"] != nil {
		t.Errorf("got the picture %q, which the camera has not delivered", held["camd/yard/snapshot"])
	}
	release()
	waitRetained(t, broker, "the slow picture", func(held map[string][]byte) bool { return string(held["camd/yard/snapshot"]) == "a placeholder" })
	defer h.delay("yard")()
	h.setState("yard", camera.Live, camera.None, "live")
	waitRetained(t, broker, "the next request", func(held map[string][]byte) bool { return stateOf(held, "yard").State == camera.Live })
	stop()
}

// A camera without a new picture keeps the last one at the broker, and a camera that was turned off does not.
func TestLastPictureStaysWithoutANewOne(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", password, "")
	h := newFakeCameras("yard", "hall")
	o := h.options(broker)
	o.Snapshots = time.Second
	runClient(t, o)
	has := func(picture string) func(map[string][]byte) bool {
		return func(held map[string][]byte) bool { return string(held["camd/yard/snapshot"]) == picture }
	}
	waitRetained(t, broker, "the picture", has("a picture of yard"))
	h.setPicture("yard", "")
	h.setPicture("hall", jpeg)
	waitRetained(t, broker, "later pictures of another camera", func(held map[string][]byte) bool { return string(held["camd/hall/snapshot"]) == jpeg })
	waitRetained(t, broker, "the last picture", has("a picture of yard"))
	h.setState("yard", camera.Paused, camera.None, "")
	waitRetained(t, broker, "the camera to be off", func(held map[string][]byte) bool {
		return stateOf(held, "yard").State == camera.Paused && held["camd/yard/snapshot"] == nil
	})
	h.setPicture("yard", "turned off")
	waitRetained(t, broker, "the placeholder", has("turned off"))
}

func TestPictureFitsTheState(t *testing.T) {
	const old, live, placeholder = "old", "live", "placeholder"
	tests := []struct {
		name          string
		before, after camera.State // when the request begins and ends
		received      string
		want          string // at the broker
		again         bool   // another request begins at once
	}{
		{"a live picture", camera.Live, camera.Live, live, live, false},
		{"no picture in time", camera.Live, camera.Live, "", old, false},
		{"a decoder that failed", camera.Live, camera.Live, placeholder, placeholder, false},
		{"a camera that becomes live", camera.Starting, camera.Live, live, live, false},
		{"a camera that takes long", camera.Starting, camera.Starting, placeholder, placeholder, false},
		{"live after the placeholder", camera.Offline, camera.Live, placeholder, placeholder, true},
		{"an on-demand camera that nobody watches", camera.Idle, camera.Idle, placeholder, placeholder, false},
		{"turned off", camera.Paused, camera.Paused, placeholder, placeholder, false},
		{"turned off during the request", camera.Live, camera.Paused, placeholder, placeholder, true},
		{"turned off after the picture was taken", camera.Live, camera.Paused, live, old, true},
		{"failed after the picture was taken", camera.Live, camera.Offline, live, old, true},
		{"turned off, without a placeholder", camera.Paused, camera.Paused, "", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := time.Unix(1700000000, 0)
			history := []camera.StateChange{{State: tt.before, Since: at}}
			cam := notify.Camera{ID: "yard", History: func() []camera.StateChange { return history }}
			cam.Picture = func(context.Context) notify.Picture {
				return notify.Picture{JPEG: []byte(tt.received), Placeholder: tt.received == placeholder}
			}
			c := New(Options{Broker: &url.URL{Host: "broker"}, Prefix: "camd", Snapshots: time.Hour})
			c.pictures["yard"] = &picture{jpeg: []byte(old), requested: at, stateSince: at.Add(-time.Second)} // of another state
			c.requestPictures(t.Context(), []notify.Camera{cam}, at)
			a := <-c.answers
			if tt.after != tt.before {
				history = []camera.StateChange{{State: tt.after, Since: at.Add(time.Second)}}
			}
			c.keepPicture(a)
			got := ""
			for _, m := range c.pictureMessages() {
				if m.topic != "camd/yard/snapshot" {
					t.Errorf("topic %s", m.topic)
				}
				got = string(m.payload)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			c.requestPictures(t.Context(), []notify.Camera{cam}, at.Add(time.Second))
			if again := c.pictures["yard"].isPending; again != tt.again {
				t.Errorf("another request: %v, want %v", again, tt.again)
			}
			if stale := c.pictures["yard"].isStale; stale != (tt.again && !history[0].State.ExpectsPictures()) {
				t.Errorf("stale: %v", stale)
			}
			if tt.again {
				<-c.answers
			}
		})
	}
}

func TestRequestsAreSpreadOverThePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := map[string]int{}
		var cameras []notify.Camera
		change := camera.StateChange{State: camera.Live, Since: time.Now()}
		for n := range 25 {
			id := fmt.Sprint("camera-", n)
			cameras = append(cameras, notify.Camera{
				ID: id, History: func() []camera.StateChange { return []camera.StateChange{change} },
				Picture: func(context.Context) notify.Picture { return notify.Picture{JPEG: []byte(id)} },
			})
		}
		c := New(Options{Broker: &url.URL{Host: "broker"}, Prefix: "camd", Snapshots: 10 * time.Second})
		poll := func() (begun int) {
			c.requestPictures(t.Context(), cameras, time.Now())
			for _, p := range c.pictures {
				if p.isPending {
					begun++
				}
			}
			for range begun {
				a := <-c.answers
				requests[a.camera.ID]++
				c.keepPicture(a)
			}
			time.Sleep(notify.PollInterval)
			return begun
		}
		if n := poll(); n != 0 {
			t.Errorf("%d requests without a connection", n)
		}
		c.connection.isUp = true
		for n := range 100 {
			if begun := poll(); begun > 3 {
				t.Errorf("%d requests at once in second %d, want 3 at most", begun, n)
			}
		}
		for _, cam := range cameras {
			if n := requests[cam.ID]; n < 9 || n > 11 {
				t.Errorf("%d requests for a picture of %s in 100 s, want 10", n, cam.ID)
			}
		}
		c.connection.isUp = false
		change = camera.StateChange{State: camera.Offline, Since: time.Now()}
		if n := poll(); n != len(cameras) {
			t.Errorf("%d requests after all cameras have failed, want %d", n, len(cameras))
		}
		c.requestPictures(t.Context(), cameras[:1], time.Now())
		if len(c.pictures) != 1 {
			t.Errorf("%d pictures are kept of one camera", len(c.pictures))
		}
	})
}

// A request that a camera never answers ends in time, and the next one begins.
func TestRequestHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Broker: &url.URL{Host: "broker"}, Prefix: "camd", Snapshots: time.Second})
		c.connection.isUp = true
		cam := notify.Camera{
			ID: "yard", History: func() []camera.StateChange {
				return []camera.StateChange{{State: camera.Live, Since: time.Unix(1700000000, 0)}}
			},
			Picture: func(ctx context.Context) notify.Picture { <-ctx.Done(); return notify.Picture{} },
		}
		start := time.Now()
		c.requestPictures(t.Context(), []notify.Camera{cam}, start)
		c.keepPicture(<-c.answers)
		if took := time.Since(start); took != pictureTimeout {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		c.requestPictures(ctx, []notify.Camera{cam}, time.Now())
		if !c.pictures["yard"].isPending {
			t.Error("no further request")
		}
		cancel()
		c.requests.Wait()
	})
}
