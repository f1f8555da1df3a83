package source

import (
	"errors"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/spec"
)

func parsed(t *testing.T, source string) spec.Source {
	t.Helper()
	src, err := spec.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestCompare(t *testing.T) {
	device, net := parsed(t, "/dev/video0"), parsed(t, "rtsp://viewer:secret@10.0.0.7/a?b=c")
	for _, c := range []struct {
		name   string
		source spec.Source
		change func(*Options)
		want   Difference
	}{
		{"nothing", net, func(o *Options) { o.Source = parsed(t, "rtsp://viewer:secret@10.0.0.7/a?b=c") }, Same},
		{"where it runs", net, func(o *Options) { o.Observer, o.Worker = unobserved{}, "/elsewhere" }, Same},
		{"a default that is written out", device, func(o *Options) { o.Stall, o.Open, o.Title = 5*time.Second, 10*time.Second, "a" }, Same},
		{"title", net, func(o *Options) { o.Title = "Gate" }, Adjusted},
		{"stall timeout", net, func(o *Options) { o.Stall = time.Minute }, Adjusted},
		{"open timeout", net, func(o *Options) { o.Open = time.Minute }, Adjusted},
		{"frozen timeout", net, func(o *Options) { o.Frozen = time.Minute }, Adjusted},
		{"recycle", net, func(o *Options) { o.Recycle = time.Hour }, Adjusted},
		{"memory", net, func(o *Options) { o.Memory = 1 << 30 }, Adjusted},
		{"quality", net, func(o *Options) { o.Quality = 10 }, Adjusted},
		{"on demand", net, func(o *Options) { o.OnDemand = true }, Adjusted},
		{"paused", net, func(o *Options) { o.Paused = true }, Adjusted},
		{"a rendition", net, func(o *Options) { o.Renditions = small }, Adjusted},
		{"a control", device, func(o *Options) { o.Controls = map[string]camera.Setting{"gain": camera.Number(1)} }, Adjusted},
		{"path", net, func(o *Options) { o.Source = parsed(t, "rtsp://viewer:secret@10.0.0.7/b?b=c") }, Reopened},
		{"query", net, func(o *Options) { o.Source = parsed(t, "rtsp://viewer:secret@10.0.0.7/a?b=d") }, Reopened},
		{"user", net, func(o *Options) { o.Source = parsed(t, "rtsp://other:secret@10.0.0.7/a?b=c") }, Reopened},
		{"password", net, func(o *Options) { o.Source.Password = "another" }, Reopened},
		{"transport", net, func(o *Options) { o.Transport = "udp" }, Reopened},
		{"limit on bytes", net, func(o *Options) { o.Limits.Bytes = 1 << 20 }, Reopened},
		{"limit on pixels", net, func(o *Options) { o.Limits.Pixels = 1 << 20 }, Reopened},
		{"limits that are written out", net, func(o *Options) { o.Limits = mjpeg.DefaultLimits }, Same},
		{"budget of the rings", net, func(o *Options) { o.Budget = broker.NewBudget(1, nil) }, Same},
		{"device", device, func(o *Options) { o.Source.Path = "/dev/video1" }, Reopened},
		{"size", device, func(o *Options) { o.Size = spec.Size{Width: 640, Height: 480} }, Reopened},
		{"fps", device, func(o *Options) { o.FPS = 15 }, Reopened},
		{"format", device, func(o *Options) { o.Format = "yuyv" }, Reopened},
		{"loop", parsed(t, "/srv/clip.mp4"), func(o *Options) { o.Once = true }, Reopened},
		{"pattern", parsed(t, "test://?size=320x180&fps=5"), func(o *Options) { o.Source = parsed(t, "test://?size=320x180&fps=6") }, Reopened},
		{"source and title", device, func(o *Options) { o.Source, o.Title = net, "Gate" }, Reopened},
	} {
		before := Options{ID: "a", Source: c.source}
		now := before
		c.change(&now)
		if got := Compare(before, now); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
		if got := Compare(now, before); got != c.want {
			t.Errorf("%s, the other way: got %d, want %d", c.name, got, c.want)
		}
	}
}

// reconfigure gives the camera its options with a change.
func (r *running) reconfigure(t *testing.T, o Options, change func(*Options)) Options {
	t.Helper()
	o.ID = "cam"
	if o.Source.Kind == "" {
		o.Source = spec.Source{Kind: spec.Test, Size: spec.Size{Width: 320, Height: 180}, FPS: 30}
	}
	change(&o)
	if err := r.Reconfigure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// What is no matter of the capture process leaves it alone, and the viewers too.
func TestReconfigureLeavesTheProcess(t *testing.T) {
	o := Options{Worker: faulty(t, "none"), Renditions: small}
	c := start(t, o)
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	pid := c.reaches(t, camera.Live).Worker.PID
	before := topic.Published()
	o = c.reconfigure(t, o, func(o *Options) {
		o.Title, o.Stall, o.Frozen, o.Recycle, o.Memory, o.Quality = "Gate", time.Minute, time.Hour, time.Hour, 1<<30, 50
		o.Renditions = []camera.Rendition{{Name: "small", Width: 80, Quality: 60}, {Name: "tiny", Width: 32, Quality: 60}}
	})
	s := c.Status()
	if s.Title != "Gate" || s.Worker.PID != pid || s.State != camera.Live || len(s.Renditions) != 2 || s.Counts.Restarts[camera.Reconfigured] != 0 {
		t.Errorf("%+v", s)
	}
	tiny, ok := c.Topic("tiny")
	if !ok {
		t.Fatal("there is no new rendition")
	}
	reader := tiny.Subscribe(broker.Latest)
	defer reader.Close()
	next(t, reader, false) // which the same process makes
	smaller, _ := c.Topic("small")
	stays := smaller.Subscribe(broker.Latest)
	defer stays.Close()
	next(t, stays, false)

	c.reconfigure(t, o, func(o *Options) { o.Renditions = o.Renditions[:1] })
	if _, there := c.Topic("tiny"); there {
		t.Error("a rendition is there that was taken out")
	}
	for {
		if _, err := reader.Next(t.Context()); errors.Is(err, broker.ErrEnded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if again, _ := c.Topic("small"); again != smaller {
		t.Error("the one that stays has another topic")
	}
	if s := c.Status(); s.Worker.PID != pid || s.State != camera.Live || len(s.Counts.Published) != 2 {
		t.Errorf("%+v", s)
	}
	for f := sub.TryNext(); f != nil; f = sub.TryNext() {
		if f.Placeholder && f.Seq > before {
			t.Error("its viewers have seen a placeholder")
		}
	}
}

// Another source needs another process; the viewers stay, and see what is going on.
func TestReconfigureReopens(t *testing.T) {
	o := Options{Worker: faulty(t, "none")}
	c := start(t, o)
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	pid := c.reaches(t, camera.Live).Worker.PID
	next(t, sub, false)
	o = c.reconfigure(t, o, func(o *Options) { o.Source.FPS = 5 })
	if exists(pid) {
		t.Error("the process from before is still there")
	}
	next(t, sub, true)
	next(t, sub, false)
	s := c.reaches(t, camera.Live)
	if s.Worker.PID == pid || s.Counts.Restarts[camera.Reconfigured] != 1 || s.Source != o.Source.String() {
		t.Errorf("%+v, was process %d", s, pid)
	}
	h := c.History()
	if len(h) < 2 || h[1].State != camera.Starting || h[1].Reason != camera.Reconfigured {
		t.Errorf("history %+v", h)
	}
}

// A camera begins and ends to sleep when the configuration says so, and is switched by it until a person has had a say.
func TestReconfigureWakesAndPauses(t *testing.T) {
	o := Options{Worker: faulty(t, "quiet"), OnDemand: true, Stall: time.Minute}
	c := start(t, o)
	c.reaches(t, camera.Idle)
	o = c.reconfigure(t, o, func(o *Options) { o.OnDemand = false })
	c.reaches(t, camera.Live)
	o = c.reconfigure(t, o, func(o *Options) { o.OnDemand = true })
	if s := c.Status(); s.State != camera.Idle || s.Worker.PID != 0 {
		t.Errorf("%+v", s)
	}
	o = c.reconfigure(t, o, func(o *Options) { o.OnDemand, o.Paused = false, true })
	c.off(t, 0)
	o = c.reconfigure(t, o, func(o *Options) { o.Source.FPS = 5 })
	c.off(t, 0)
	o = c.reconfigure(t, o, func(o *Options) { o.Paused = false })
	pid := c.reaches(t, camera.Live).Worker.PID
	c.turn(t, true)
	o = c.reconfigure(t, o, func(o *Options) { o.Paused = true })
	c.reconfigure(t, o, func(o *Options) { o.Paused = false })
	c.off(t, pid)
}

// What the configuration says of controls is set at the running device; what a person has set of others stays.
func TestReconfigureControls(t *testing.T) {
	controls := map[string]camera.Setting{"brightness": camera.Number(7)}
	c := device(t, controls)
	o := Options{Worker: c.opts.Worker, Source: c.opts.Source, Stall: time.Minute, Controls: controls}
	pid := c.Status().Worker.PID
	if _, err := c.set(t, "brightness", camera.Number(200)); err != nil {
		t.Fatal(err)
	}
	c.reconfigure(t, o, func(o *Options) { o.Title = "Gate" })
	if got := c.brightness(t); got != 200 {
		t.Errorf("brightness %d: a person's setting is lost by a change of title", got)
	}
	c.reconfigure(t, o, func(o *Options) {
		o.Controls = map[string]camera.Setting{"brightness": camera.Number(9), "gain": camera.Number(1)}
	})
	if got := c.brightness(t); got != 9 {
		t.Errorf("brightness %d, want 9 as configured now", got)
	}
	c.reconfigure(t, o, func(o *Options) { o.Controls = map[string]camera.Setting{"brightness": camera.Number(256)} })
	if got := c.brightness(t); got != 9 || c.logs.FilterMessage("controls not had").Len() != 1 {
		t.Errorf("brightness %d, logged %v", got, c.logs.FilterMessage("controls not had").All())
	}
	if s := c.Status(); s.Worker.PID != pid {
		t.Error("the process is another")
	}
}

// Sixteen renditions that all change their names find a number, again and again.
func TestNumbersOfRenditions(t *testing.T) {
	o := Options{Worker: faulty(t, "quiet"), Stall: time.Minute}
	c := start(t, o)
	pid := c.reaches(t, camera.Live).Worker.PID
	for round := range 3 {
		c.reconfigure(t, o, func(o *Options) {
			for i := range 16 {
				o.Renditions = append(o.Renditions, camera.Rendition{Name: string(rune('a'+round)) + string(rune('a'+i)), Width: 16 + i, Quality: 60})
			}
		})
		for _, name := range c.Renditions() {
			topic, ok := c.Topic(name)
			if !ok {
				t.Fatalf("no rendition %s", name)
			}
			sub := topic.Subscribe(broker.Latest)
			next(t, sub, false)
			sub.Close()
		}
	}
	if s := c.Status(); s.Worker.PID != pid {
		t.Error("the process is another")
	}
}
