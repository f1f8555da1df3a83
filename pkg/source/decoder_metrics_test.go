package source

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

func TestMetricsOfDecoders(t *testing.T) {
	s := offlineStatus()
	s.Decoders = []camera.Decoder{
		{
			Track: camera.Video, StateChange: camera.StateChange{State: camera.Offline, Reason: camera.Undecodable},
			Worker: camera.Worker{CPUSeconds: 4.25, RSSBytes: 50e6}, Starts: 3, RunSeconds: 60.5, Pictures: 700,
		},
		{Track: camera.Sub, StateChange: camera.StateChange{State: camera.Idle}},
	}
	want := `
# HELP camd_decoder_cpu_seconds_total CPU time that decoder processes have used, in seconds.
# TYPE camd_decoder_cpu_seconds_total counter
camd_decoder_cpu_seconds_total{camera="yard",track="sub"} 0
camd_decoder_cpu_seconds_total{camera="yard",track="video"} 4.25
# HELP camd_decoder_pictures_total Pictures that decoders have made, in all renditions.
# TYPE camd_decoder_pictures_total counter
camd_decoder_pictures_total{camera="yard",track="sub"} 0
camd_decoder_pictures_total{camera="yard",track="video"} 700
# HELP camd_decoder_resident_memory_bytes Resident memory of the decoder process, in bytes. 0 while none runs.
# TYPE camd_decoder_resident_memory_bytes gauge
camd_decoder_resident_memory_bytes{camera="yard",track="sub"} 0
camd_decoder_resident_memory_bytes{camera="yard",track="video"} 5e+07
# HELP camd_decoder_run_seconds_total Time that decoder processes have run, in seconds. Its rate is the average number of processes.
# TYPE camd_decoder_run_seconds_total counter
camd_decoder_run_seconds_total{camera="yard",track="sub"} 0
camd_decoder_run_seconds_total{camera="yard",track="video"} 60.5
# HELP camd_decoder_starts_total Decoder processes started.
# TYPE camd_decoder_starts_total counter
camd_decoder_starts_total{camera="yard",track="sub"} 0
camd_decoder_starts_total{camera="yard",track="video"} 3
# HELP camd_decoder_state 1 for the decoder's current state, 0 for all other states. A decoder is idle while nobody wants pictures of it.
# TYPE camd_decoder_state gauge
camd_decoder_state{camera="yard",state="idle",track="sub"} 1
camd_decoder_state{camera="yard",state="idle",track="video"} 0
camd_decoder_state{camera="yard",state="live",track="sub"} 0
camd_decoder_state{camera="yard",state="live",track="video"} 0
camd_decoder_state{camera="yard",state="offline",track="sub"} 0
camd_decoder_state{camera="yard",state="offline",track="video"} 1
camd_decoder_state{camera="yard",state="stalled",track="sub"} 0
camd_decoder_state{camera="yard",state="stalled",track="video"} 0
camd_decoder_state{camera="yard",state="starting",track="sub"} 0
camd_decoder_state{camera="yard",state="starting",track="video"} 0
# HELP camd_decoder_undecodable 1 if camd cannot decode the track's video, and starts no process until the video has changed. 0 if not.
# TYPE camd_decoder_undecodable gauge
camd_decoder_undecodable{camera="yard",track="sub"} 0
camd_decoder_undecodable{camera="yard",track="video"} 1
`
	names := []string{
		"camd_decoder_cpu_seconds_total", "camd_decoder_pictures_total", "camd_decoder_resident_memory_bytes", "camd_decoder_run_seconds_total",
		"camd_decoder_starts_total", "camd_decoder_state", "camd_decoder_undecodable",
	}
	r := registryOf(s)
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(registryOf(offlineStatus()), names...); err != nil || n != 0 {
		t.Errorf("a camera without decoders has %d series of decoders, want 0; %v", n, err)
	}
}

// The delays of decoders have series from the start, for the tracks that a camera can have, and lose them with the track or the camera.
func TestDecoderDelaysFollowTracks(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	rtsp := sourceurl.Source{Kind: sourceurl.RTSP}
	camera := func(id string, src sourceurl.Source, change func(*options.Camera)) Options {
		c := options.Camera{ID: id, Source: src}
		change(&c)
		return Options{Camera: c, WorkerPath: "/nowhere/" + WorkerName, Observer: m.Observer(c)}
	}
	asIs := func(*options.Camera) {}
	withSubstream := func(c *options.Camera) { c.Substream = rtsp }
	check := func(when string, want map[string]uint64) {
		t.Helper()
		if got := delayCounts(t, r); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	yard := camera("yard", rtsp, withSubstream)
	f := NewFleet([]Options{
		yard, camera("pattern", sourceurl.Source{Kind: sourceurl.Test}, asIs), camera("poll", sourceurl.Source{Kind: sourceurl.Poll}, asIs),
		camera("opencv", rtsp, func(c *options.Camera) { c.Reader = options.ReaderOpenCV; withSubstream(c) }),
	}, m, zap.NewNop())
	yard.Observer.Decoded("sub", 20*time.Millisecond)
	yard.Observer.Decoded("unknown", time.Millisecond)
	check("at the start", map[string]uint64{"yard main": 0, "yard video": 0, "yard sub": 1, "poll main": 0, "opencv sub": 0})
	m.setCameras(f.Cameras())
	check("when nothing has changed", map[string]uint64{"yard main": 0, "yard video": 0, "yard sub": 1, "poll main": 0, "opencv sub": 0})
	camera("yard", rtsp, asIs)
	m.setCameras(f.Cameras())
	check("without the substream", map[string]uint64{"yard main": 0, "yard video": 0, "poll main": 0, "opencv sub": 0})
	m.setCameras(nil)
	check("without cameras", map[string]uint64{})
}

// delayCounts returns how many delays the histogram has, by camera and track.
func delayCounts(t *testing.T, r *prometheus.Registry) map[string]uint64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, f := range families {
		if f.GetName() != "camd_decoder_delay_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			var values []string // labels are sorted: camera, track
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			counts[strings.Join(values, " ")] = m.GetHistogram().GetSampleCount()
		}
	}
	return counts
}

// A camera lists the decoders that it can need before it has been opened.
func TestStatusListsPossibleDecoders(t *testing.T) {
	rtsp := sourceurl.Source{Kind: sourceurl.RTSP}
	for _, c := range []struct {
		name   string
		camera options.Camera
		want   []string
	}{
		{"a device", options.Camera{Source: sourceurl.Source{Kind: sourceurl.Device}}, nil},
		{"a test pattern", options.Camera{Source: sourceurl.Source{Kind: sourceurl.Test}}, nil},
		{"an RTSP camera", options.Camera{Source: rtsp}, []string{camera.Video}},
		{"one with a substream", options.Camera{Source: rtsp, Substream: rtsp}, []string{camera.Video, camera.Sub}},
		{"one that OpenCV reads", options.Camera{Source: rtsp, Capture: options.Capture{Reader: options.ReaderOpenCV}}, nil},
		{"that with a substream", options.Camera{Source: rtsp, Substream: rtsp, Capture: options.Capture{Reader: options.ReaderOpenCV}}, []string{camera.Sub}},
		{"polled pictures", options.Camera{Source: sourceurl.Source{Kind: sourceurl.Poll}}, []string{camera.Main}},
		{"a file", options.Camera{Source: sourceurl.Source{Kind: sourceurl.File}}, []string{camera.Video}},
	} {
		var got []string
		for _, d := range New(Options{Camera: c.camera}).Status().Decoders {
			got = append(got, d.Track)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: decoders of %q, want %q", c.name, got, c.want)
		}
	}
}

// A capture process makes all renditions of a file with JPEGs, so the file needs no decoder once that is known.
func TestFileWithJPEGsHasNoDecoder(t *testing.T) {
	clip := testpeer.MJPEG.Make(t)
	c := startCamera(t, Options{Camera: options.Camera{ID: "clip", Source: parseSource(t, clip), Renditions: smallRenditions}, WorkerPath: testrun.Program(t, WorkerName)})
	c.waitForState(t, camera.Live)
	testrun.WaitFor(t, "the list of decoders to be empty", func() bool { return len(c.Status().Decoders) == 0 })
}

// decodedCounter counts the pictures whose delay a camera observes.
type decodedCounter struct {
	noopObserver
	pictures atomic.Uint64
}

func (d *decodedCounter) Decoded(string, time.Duration) { d.pictures.Add(1) }

// The first picture of a decoder is made of the newest frame, which waited for the decoder. Its delay does not count.
func TestDelayOfFirstPictureDoesNotCount(t *testing.T) {
	var counter decodedCounter
	o := rtspOptions(t, testpeer.MJPEG, testrun.Program(t, WorkerName))
	o.Observer = &counter
	c := startCamera(t, o)
	_, small := c.read(t, "small")
	nextFrame(t, small, false)
	nextFrame(t, small, false)
	small.Close()
	testrun.WaitFor(t, "the decoder to end", func() bool { return c.decoderPID(0) == 0 })
	if published, counted := c.Status().Counts.Published["small"], counter.pictures.Load(); counted != published-1 {
		t.Errorf("the delays of %d pictures count, want those of all %d but the first", counted, published)
	}
}
