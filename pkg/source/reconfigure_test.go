package source

import (
	"errors"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

func parseSource(t *testing.T, source string) sourceurl.Source {
	t.Helper()
	src, err := sourceurl.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestCompareReportsDifference(t *testing.T) {
	device, net := parseSource(t, "/dev/video0"), parseSource(t, "rtsp://viewer:secret@10.0.0.7/a?b=c")
	for _, c := range []struct {
		name   string
		source sourceurl.Source
		change func(*Options)
		want   Difference
	}{
		{"nothing", net, func(o *Options) { o.Source = parseSource(t, "rtsp://viewer:secret@10.0.0.7/a?b=c") }, Same},
		{"where it runs", net, func(o *Options) { o.Observer, o.WorkerPath = noopObserver{}, "/elsewhere" }, Same},
		{"a default that is written out", device, func(o *Options) { o.StallTimeout, o.OpenTimeout, o.Title = 5*time.Second, 10*time.Second, "a" }, Same},
		{"title", net, func(o *Options) { o.Title = "Gate" }, Adjusted},
		{"stall timeout", net, func(o *Options) { o.StallTimeout = time.Minute }, Adjusted},
		{"open timeout", net, func(o *Options) { o.OpenTimeout = time.Minute }, Adjusted},
		{"frozen timeout", net, func(o *Options) { o.FrozenTimeout = time.Minute }, Adjusted},
		{"capture_max_age", net, func(o *Options) { o.CaptureMaxAge = time.Hour }, Adjusted},
		{"memory", net, func(o *Options) { o.CaptureMemory = 1 << 30 }, Adjusted},
		{"quality", net, func(o *Options) { o.Quality = 10 }, Adjusted},
		{"on demand", net, func(o *Options) { o.OnDemand = true }, Adjusted},
		{"paused", net, func(o *Options) { o.Paused = true }, Adjusted},
		{"a rendition", net, func(o *Options) { o.Renditions = smallRenditions }, Adjusted},
		{"a control", device, func(o *Options) { o.Controls = map[string]camera.Setting{"gain": camera.NumberSetting(1)} }, Adjusted},
		{"path", net, func(o *Options) { o.Source = parseSource(t, "rtsp://viewer:secret@10.0.0.7/b?b=c") }, Reopened},
		{"query", net, func(o *Options) { o.Source = parseSource(t, "rtsp://viewer:secret@10.0.0.7/a?b=d") }, Reopened},
		{"user", net, func(o *Options) { o.Source = parseSource(t, "rtsp://other:secret@10.0.0.7/a?b=c") }, Reopened},
		{"password", net, func(o *Options) { o.Source.Password = "another" }, Reopened},
		{"transport", net, func(o *Options) { o.Transport = "udp" }, Reopened},
		{"certificate", net, func(o *Options) { o.TLS.CAFile = "/etc/camera.pem" }, Reopened},
		{"redirect hosts", net, func(o *Options) { o.RedirectHosts = []string{"cdn.example.com"} }, Reopened},
		{"limit on bytes", net, func(o *Options) { o.Limits.Bytes = 1 << 20 }, Reopened},
		{"limit on pixels", net, func(o *Options) { o.Limits.Pixels = 1 << 20 }, Reopened},
		{"limits that are written out", net, func(o *Options) { o.Limits = media.DefaultLimits }, Same},
		{"budget of the rings", net, func(o *Options) { o.Budget = broker.NewBudget(1, nil) }, Same},
		{"device", device, func(o *Options) { o.Source.Path = "/dev/video1" }, Reopened},
		{"size", device, func(o *Options) { o.Size = sourceurl.Size{Width: 640, Height: 480} }, Reopened},
		{"fps", device, func(o *Options) { o.FPS = 15 }, Reopened},
		{"format", device, func(o *Options) { o.Format = "yuyv" }, Reopened},
		{"loop", parseSource(t, "/srv/clip.mp4"), func(o *Options) { o.Once = true }, Reopened},
		{"pattern", parseSource(t, "test://?size=320x180&fps=5"), func(o *Options) { o.Source = parseSource(t, "test://?size=320x180&fps=6") }, Reopened},
		{"source and title", device, func(o *Options) { o.Source, o.Title = net, "Gate" }, Reopened},
	} {
		before := Options{Camera: options.Camera{ID: "a", Source: c.source}}
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

// reconfigure changes the options, and reconfigures the camera with them.
func (r *runningCamera) reconfigure(t *testing.T, o Options, change func(*Options)) Options {
	t.Helper()
	o.ID = "cam"
	if o.Source.Kind == "" {
		o.Source = sourceurl.Source{Kind: sourceurl.Test, Size: sourceurl.Size{Width: 320, Height: 180}, FPS: 30}
	}
	change(&o)
	if err := r.Reconfigure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// A change that does not concern the capture process keeps the process and the viewers.
func TestReconfigureKeepsProcessAndViewers(t *testing.T) {
	o := Options{Camera: options.Camera{Renditions: smallRenditions}, WorkerPath: faultyWorker(t, "none")}
	c := startCamera(t, o)
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	pid := c.waitForState(t, camera.Live).Worker.PID
	before := topic.Published()
	o = c.reconfigure(t, o, func(o *Options) {
		o.Title, o.StallTimeout, o.FrozenTimeout, o.CaptureMaxAge, o.CaptureMemory, o.Quality = "Gate", time.Minute, time.Hour, time.Hour, 1<<30, 50
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
	nextFrame(t, reader, false) // the same process makes it
	smaller, _ := c.Topic("small")
	stays := smaller.Subscribe(broker.Latest)
	defer stays.Close()
	nextFrame(t, stays, false)

	c.reconfigure(t, o, func(o *Options) { o.Renditions = o.Renditions[:1] })
	if _, there := c.Topic("tiny"); there {
		t.Error("a removed rendition still exists")
	}
	for {
		if _, err := reader.Next(t.Context()); errors.Is(err, broker.ErrEnded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if again, _ := c.Topic("small"); again != smaller {
		t.Error("the rendition that stays has another topic")
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

// A new source needs a new process. The viewers stay, and get a placeholder with the state.
func TestReconfigureReplacesProcessForNewSource(t *testing.T) {
	o := Options{WorkerPath: faultyWorker(t, "none")}
	c := startCamera(t, o)
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	pid := c.waitForState(t, camera.Live).Worker.PID
	nextFrame(t, sub, false)
	o = c.reconfigure(t, o, func(o *Options) { o.Source.FPS = 5 })
	if processExists(pid) {
		t.Error("the old process is still there")
	}
	nextFrame(t, sub, true)
	nextFrame(t, sub, false)
	s := c.waitForState(t, camera.Live)
	if s.Worker.PID == pid || s.Counts.Restarts[camera.Reconfigured] != 1 || s.Source != o.Source.String() {
		t.Errorf("%+v, was process %d", s, pid)
	}
	h := c.History()
	if len(h) < 2 || h[1].State != camera.Starting || h[1].Reason != camera.Reconfigured {
		t.Errorf("history %+v", h)
	}
}

// A camera follows on_demand of the configuration. It follows paused until a person turns the camera on or off.
func TestReconfigureAppliesOnDemandAndPaused(t *testing.T) {
	o := Options{Camera: options.Camera{OnDemand: true, StallTimeout: time.Minute}, WorkerPath: faultyWorker(t, "quiet")}
	c := startCamera(t, o)
	c.waitForState(t, camera.Idle)
	o = c.reconfigure(t, o, func(o *Options) { o.OnDemand = false })
	c.waitForState(t, camera.Live)
	o = c.reconfigure(t, o, func(o *Options) { o.OnDemand = true })
	if s := c.Status(); s.State != camera.Idle || s.Worker.PID != 0 {
		t.Errorf("%+v", s)
	}
	o = c.reconfigure(t, o, func(o *Options) { o.OnDemand, o.Paused = false, true })
	c.checkPaused(t, 0)
	o = c.reconfigure(t, o, func(o *Options) { o.Source.FPS = 5 })
	c.checkPaused(t, 0)
	o = c.reconfigure(t, o, func(o *Options) { o.Paused = false })
	pid := c.waitForState(t, camera.Live).Worker.PID
	c.setPausedOrFail(t, true)
	o = c.reconfigure(t, o, func(o *Options) { o.Paused = true })
	c.reconfigure(t, o, func(o *Options) { o.Paused = false })
	c.checkPaused(t, pid)
}

// Controls that changed in the configuration are set at the running device. Other controls keep what a person has set.
func TestReconfigureSetsChangedControls(t *testing.T) {
	controls := map[string]camera.Setting{"brightness": camera.NumberSetting(7)}
	c := startDevice(t, controls)
	o := Options{Camera: options.Camera{Source: c.opts.Source, StallTimeout: time.Minute, Controls: controls}, WorkerPath: c.opts.WorkerPath}
	pid := c.Status().Worker.PID
	if _, err := c.setControl(t, "brightness", camera.NumberSetting(200)); err != nil {
		t.Fatal(err)
	}
	c.reconfigure(t, o, func(o *Options) { o.Title = "Gate" })
	if got := c.brightness(t); got != 200 {
		t.Errorf("brightness %d: a change of the title has reset a person's setting", got)
	}
	c.reconfigure(t, o, func(o *Options) {
		o.Controls = map[string]camera.Setting{"brightness": camera.NumberSetting(9), "gain": camera.NumberSetting(1)}
	})
	if got := c.brightness(t); got != 9 {
		t.Errorf("brightness %d, want 9 as configured now", got)
	}
	c.reconfigure(t, o, func(o *Options) { o.Controls = map[string]camera.Setting{"brightness": camera.NumberSetting(256)} })
	if got := c.brightness(t); got != 9 || c.logs.FilterMessage("control request failed").Len() != 1 {
		t.Errorf("brightness %d, logged %v", got, c.logs.FilterMessage("control request failed").All())
	}
	if s := c.Status(); s.Worker.PID != pid {
		t.Error("the process was replaced")
	}
}

// Sixteen renditions change all their names again and again. Each gets a number.
func TestRenditionNumbersAreReused(t *testing.T) {
	o := Options{Camera: options.Camera{StallTimeout: time.Minute}, WorkerPath: faultyWorker(t, "quiet")}
	c := startCamera(t, o)
	pid := c.waitForState(t, camera.Live).Worker.PID
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
			nextFrame(t, sub, false)
			sub.Close()
		}
	}
	if s := c.Status(); s.Worker.PID != pid {
		t.Error("the process was replaced")
	}
}
