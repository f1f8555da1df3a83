package source

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/spec"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

// Options of a camera. ID, Source and Worker are required.
type Options struct {
	ID     string // a URL segment and a metric label
	Title  string // for people; empty means ID
	Site   string // for people: where it is; may be empty
	Source spec.Source
	Worker string // path of the capture program, see FindWorker

	Size      spec.Size // devices: what to ask for; zero leaves it to the driver
	FPS       float64   // devices: likewise
	Format    string    // devices: "auto", "mjpeg" or a raw format
	Quality   int       // JPEG quality where camd encodes, 1 to 100; 0 means 80
	Transport string    // RTSP: "tcp" or "udp"

	TLS           tlsverify.Options // https:// and rtsps://: how the server's certificate is verified
	RedirectHosts []string          // HTTP: hosts that it may redirect to, beside its own

	Once     bool          // files: stop at the end instead of starting again
	OnDemand bool          // open only while somebody watches
	Paused   bool          // begin switched off, until Camera.Pause says otherwise
	Stall    time.Duration // without a new picture for so long, a camera is stalled; 0 means 5 s
	Open     time.Duration // how long opening may take once the process has loaded OpenCV; 0 means 10 s
	Frozen   time.Duration // when every picture has been the same for so long, a camera is frozen; 0 means never
	Recycle  time.Duration // how old a capture process may become; 0 means any age
	Memory   int64         // resident bytes that a capture process may take; 0 means any number
	Limits   mjpeg.Limits  // of a picture; what is larger is refused
	Grace    time.Duration // how long a process may take to end before it is forced to; 0 means 0.7 s: both steps fit into the two seconds in which camd ends

	Controls map[string]camera.Setting // devices: what to set whenever the camera is opened, by the control's name

	// Renditions are what there is beside the pictures as they come, which are called main; at most wire.MaxRenditions.
	Renditions []camera.Rendition

	Budget   *broker.Budget // bounds what the topics of this camera and of others hold together; nil is none
	Observer Observer       // may be nil
	Log      *zap.Logger    // nil means none
}

// Observer is told of the time that pictures take. Its methods are called by the camera's goroutine, once a picture.
type Observer interface {
	Encoded(rendition string, took time.Duration)  // not called for pictures passed through
	Published(rendition string, age time.Duration) // from capture to publication
}

// linger is how long pictures are made, and an on-demand camera stays open, after the last reader left.
const linger = 5 * time.Second

// cameraBytes is how many bytes of pictures the topics of a camera hold together, beside the newest of each.
const cameraBytes = 16 << 20

// Camera is one camera: its capture process, its state and its topics. Run belongs to one goroutine; the rest is safe
// for concurrent use.
type Camera struct {
	id     string
	opts   Options // once it runs, its goroutine's alone
	log    *zap.Logger
	budget *broker.Budget // of all topics
	demand chan struct{}  // all topics' changes of demand
	gone   chan struct{}  // closed when Run has returned
	ledger
	adjustments chan adjustment
	switches    chan switching
	news        chan news
	round       atomic.Pointer[time.Time] // when Run last came round; nil while there is none

	starts  *startQueue // a fleet's cameras share these two
	servers *serverDialer
}

// New returns a camera that does nothing until Run.
func New(o Options) *Camera {
	o = o.filled()
	c := &Camera{
		id:     o.ID,
		opts:   o,
		log:    o.Log.With(zap.String("camera", o.ID)),
		budget: broker.NewBudget(cameraBytes, o.Budget),
		demand: make(chan struct{}, 1),
		gone:   make(chan struct{}),

		adjustments: make(chan adjustment),
		switches:    make(chan switching),
		news:        make(chan news),

		starts:  newStartQueue(1),
		servers: newServerDialer(),
	}
	state := camera.Starting
	if o.Paused {
		state = camera.Paused
	}
	c.ledger.init(c.streamsOf(o.Renditions, nil), camera.Status{ID: o.ID, Title: o.Title, Site: o.Site, Source: o.Source.String(), Renditions: o.Renditions, State: state, Since: time.Now(),
		Worker: camera.Worker{LimitBytes: uint64(max(o.Memory, 0))}})
	return c
}

// ID returns the camera's, which stays the same.
func (c *Camera) ID() string { return c.id }

// filled returns the options with their defaults.
func (o Options) filled() Options {
	if o.Title == "" {
		o.Title = o.ID
	}
	if o.Stall == 0 {
		o.Stall = 5 * time.Second
	}
	if o.Open == 0 {
		o.Open = 10 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 700 * time.Millisecond
	}
	o.Limits = o.Limits.OrDefault()
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	return o
}

// start is the message that makes a worker open this camera, without what its goroutine knows better: controls and renditions.
func (o *Options) start() wire.Start {
	bare := o.Source
	bare.User, bare.Password = "", ""
	return wire.Start{
		Source: bare.Address(), User: o.Source.User, Password: o.Source.Password, Transport: o.Transport, Once: o.Once,
		Width: o.Size.Width, Height: o.Size.Height, FPS: o.FPS, Format: o.Format, Quality: o.Quality,
		TLS: wire.TLS(o.TLS), RedirectHosts: o.RedirectHosts,
		OpenTimeout: o.Open, ReadTimeout: max(2*o.Stall, 10*time.Second), Memory: o.Memory,
		FrameBytes: o.Limits.Bytes, FramePixels: o.Limits.Pixels,
	}
}

type unobserved struct{}

func (unobserved) Encoded(string, time.Duration)   {}
func (unobserved) Published(string, time.Duration) {}
