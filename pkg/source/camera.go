package source

import (
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// Main is the rendition that every camera has: the pictures at the size in which they come.
const Main = "main"

// Options of a camera. ID, Source and Worker are required.
type Options struct {
	ID     string // a URL segment and a metric label
	Title  string // for people; empty means ID
	Source spec.Source
	Worker string // path of the capture program, see FindWorker

	Size      spec.Size     // devices: what to ask for; zero leaves it to the driver
	FPS       float64       // devices: likewise
	Format    string        // devices: "auto", "mjpeg" or a raw format
	Quality   int           // JPEG quality where camd encodes, 1 to 100; 0 means 80
	Transport string        // RTSP: "tcp" or "udp"
	Once      bool          // files: stop at the end instead of starting again
	OnDemand  bool          // open only while somebody watches
	Stall     time.Duration // without a new picture for so long, a camera is stalled; 0 means 5 s
	Open      time.Duration // how long opening may take; 0 means 10 s
	Frozen    time.Duration // when every picture has been the same for so long, a camera is frozen; 0 means never
	Recycle   time.Duration // how old a capture process may become; 0 means any age
	Memory    int64         // resident bytes that a capture process may take; 0 means any number
	Grace     time.Duration // how long a process may take to end before it is forced to; 0 means 0.7 s: both steps fit into the two seconds in which camd ends

	Controls map[string]camera.Setting // devices: what to set whenever the camera is opened, by the control's name

	Observer Observer    // may be nil
	Log      *zap.Logger // nil means none
}

// Observer is told of the time that pictures take. Its methods are called by the camera's goroutine, once a picture.
type Observer interface {
	Encoded(time.Duration)   // what encoding took; not called for pictures passed through
	Published(time.Duration) // from capture to publication
}

// linger is how long pictures are made, and an on-demand camera stays open, after the last reader left.
const linger = 5 * time.Second

// Camera is one camera: its capture process, its state and its topic. Run belongs to one goroutine; the rest is safe
// for concurrent use.
type Camera struct {
	opts  Options
	log   *zap.Logger
	topic *broker.Topic
	ledger
	adjustments chan adjustment
}

// New returns a camera that does nothing until Run.
func New(o Options) *Camera {
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
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	c := &Camera{
		opts:  o,
		log:   o.Log.With(zap.String("camera", o.ID)),
		topic: broker.NewTopic(o.ID+"/"+Main, broker.Options{Linger: linger}),

		adjustments: make(chan adjustment),
	}
	c.ledger.init(camera.Status{ID: o.ID, Title: o.Title, Source: o.Source.String(), State: camera.Starting, Since: time.Now()})
	return c
}

// Topic returns the camera's stream in a rendition.
func (c *Camera) Topic(rendition string) (*broker.Topic, bool) {
	return c.topic, rendition == Main || rendition == ""
}

// start is the message that makes a worker open this camera.
func (o *Options) start() wire.Start {
	bare := o.Source
	bare.User, bare.Password = "", ""
	return wire.Start{
		Source: bare.Address(), User: o.Source.User, Password: o.Source.Password, Transport: o.Transport, Once: o.Once,
		Width: o.Size.Width, Height: o.Size.Height, FPS: o.FPS, Format: o.Format, Quality: o.Quality,
		OpenTimeout: o.Open, ReadTimeout: max(2*o.Stall, 10*time.Second), Memory: o.Memory,
	}
}

type unobserved struct{}

func (unobserved) Encoded(time.Duration)   {}
func (unobserved) Published(time.Duration) {}
