package source

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

// Options of a camera. ID, Source and Worker are required.
type Options struct {
	ID         string // a URL segment and a metric label
	Title      string // for people; empty means ID
	Site       string // for people: where it is; may be empty
	Source     sourceurl.Source
	WorkerPath string // path of the capture program, see FindWorker

	Size      sourceurl.Size // devices: what to ask for; zero leaves it to the driver
	FPS       float64        // devices: likewise
	Format    string         // devices: "auto", "mjpeg" or a raw format
	Quality   int            // JPEG quality where camd encodes, 1 to 100; 0 means 80
	Transport string         // RTSP: "tcp" or "udp"

	TLS           tlsverify.Options // https:// and rtsps://: how the server's certificate is verified
	RedirectHosts []string          // HTTP: hosts that it may redirect to, beside its own

	Once            bool          // files: stop at the end instead of starting again
	OnDemand        bool          // open only while somebody watches
	Paused          bool          // begin switched off, until Camera.SetPaused says otherwise
	StallTimeout    time.Duration // without a new picture for so long, a camera is stalled; 0 means 5 s
	OpenTimeout     time.Duration // how long opening may take once the process has loaded OpenCV; 0 means 10 s
	FrozenTimeout   time.Duration // when every picture has been the same for so long, a camera is frozen; 0 means never
	WorkerMaxAge    time.Duration // how old a capture process may become; 0 means any age
	WorkerMaxMemory int64         // resident bytes that a capture process may take; 0 means any number
	Limits          media.Limits  // of a picture; what is larger is refused
	StopGracePeriod time.Duration // how long a process may take to end before it is forced to; 0 means 0.7 s: both steps fit into the two seconds in which camd ends

	Controls map[string]camera.Setting // devices: what to set whenever the camera is opened, by the control's name

	// Renditions are what there is beside the pictures as they come, which are called main; at most wire.MaxRenditions.
	Renditions []camera.Rendition

	Budget   *broker.Budget // bounds what the topics of this camera and of others hold together; nil is none
	Observer Observer       // may be nil
	Log      *zap.Logger    // nil means none
}

// Observer receives the time that pictures take. Its methods are called by the camera's goroutine, once a picture.
type Observer interface {
	Encoded(rendition string, took time.Duration)  // not called for pictures passed through
	Published(rendition string, age time.Duration) // from capture to publication
}

// demandLinger is how long pictures are made, and an on-demand camera stays open, after the last reader left.
const demandLinger = 5 * time.Second

// cameraRingBytes is how many bytes of pictures the topics of a camera hold together, beside the newest of each.
const cameraRingBytes = 16 << 20

// Camera is one camera: its capture process, its state and its topics. Run belongs to one goroutine; the rest is safe
// for concurrent use.
type Camera struct {
	id            string
	opts          Options // once it runs, its goroutine's alone
	log           *zap.Logger
	budget        *broker.Budget // of all topics
	demandChanged chan struct{}  // all topics' changes of demand
	done          chan struct{}  // closed when Run has returned
	stats
	controlRequests     chan controlRequest
	pauseRequests       chan pauseRequest
	reconfigureRequests chan reconfigureRequest
	lastHeartbeat       atomic.Pointer[time.Time] // of the last heartbeat of Run; nil while it does not run

	startQueue *startQueue // a fleet's cameras share these two
	dialer     *serverDialer
}

// New returns a camera that does nothing until Run.
func New(o Options) *Camera {
	o = o.withDefaults()
	c := &Camera{
		id:            o.ID,
		opts:          o,
		log:           o.Log.With(zap.String("camera", o.ID)),
		budget:        broker.NewBudget(cameraRingBytes, o.Budget),
		demandChanged: make(chan struct{}, 1),
		done:          make(chan struct{}),

		controlRequests:     make(chan controlRequest),
		pauseRequests:       make(chan pauseRequest),
		reconfigureRequests: make(chan reconfigureRequest),

		startQueue: newStartQueue(1),
		dialer:     newServerDialer(),
	}
	state := camera.Starting
	if o.Paused {
		state = camera.Paused
	}
	c.stats.init(c.buildStreams(o.Renditions, nil), camera.Status{ID: o.ID, Title: o.Title, Site: o.Site, Source: o.Source.String(), Renditions: o.Renditions, State: state, Since: time.Now(),
		Worker: camera.Worker{LimitBytes: uint64(max(o.WorkerMaxMemory, 0))}})
	return c
}

// ID returns the camera's, which stays the same.
func (c *Camera) ID() string { return c.id }

// withDefaults returns the options with their defaults.
func (o Options) withDefaults() Options {
	if o.Title == "" {
		o.Title = o.ID
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = 5 * time.Second
	}
	if o.OpenTimeout == 0 {
		o.OpenTimeout = 10 * time.Second
	}
	if o.StopGracePeriod == 0 {
		o.StopGracePeriod = 700 * time.Millisecond
	}
	o.Limits = o.Limits.OrDefault()
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Observer == nil {
		o.Observer = noopObserver{}
	}
	return o
}

// startMessage is the message that makes a worker open this camera, without what its goroutine knows better: controls and renditions.
func (o *Options) startMessage() wire.Start {
	withoutLogin := o.Source
	withoutLogin.User, withoutLogin.Password = "", ""
	return wire.Start{
		Source: withoutLogin.WithCredentials(), User: o.Source.User, Password: o.Source.Password, Transport: o.Transport, Once: o.Once,
		Width: o.Size.Width, Height: o.Size.Height, FPS: o.FPS, Format: o.Format, Quality: o.Quality,
		TLS: wire.TLS(o.TLS), RedirectHosts: o.RedirectHosts,
		OpenTimeout: o.OpenTimeout, ReadTimeout: max(2*o.StallTimeout, 10*time.Second), MaxMemory: o.WorkerMaxMemory,
		FrameBytes: o.Limits.Bytes, FramePixels: o.Limits.Pixels,
	}
}

type noopObserver struct{}

func (noopObserver) Encoded(string, time.Duration)   {}
func (noopObserver) Published(string, time.Duration) {}
