package source

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// Options are a camera's configured options, and how camd runs the camera. ID, Source and WorkerPath are required.
type Options struct {
	options.Camera
	Site            string        // the camera's site, for people; may be empty
	WorkerPath      string        // path of the capture program, see FindWorker
	StopGracePeriod time.Duration // how long worker.stop waits after the request to stop, and again after SIGTERM; 0 means 0.7 s, so that both waits fit into the 2 s in which camd stops

	Budget   *broker.Budget // bounds the bytes that the topics of this camera and of others hold together; nil means no bound
	Observer Observer       // may be nil
	Log      *zap.Logger    // nil means none
}

// Observer receives how long each picture took. The camera's goroutine calls its methods, each once for a picture.
type Observer interface {
	Encoded(rendition string, took time.Duration)  // not called for pictures passed through
	Published(rendition string, age time.Duration) // from capture to publication
	Decoded(track string, delay time.Duration)     // from capture to the decoded picture, of frames that arrive while the track is decoded
}

// demandLinger is how long camd still makes a rendition, and keeps an on-demand camera open, after the last reader has left.
const demandLinger = 5 * time.Second

// decodeSlots is how many decoders of all cameras load OpenCV or catch up with their camera at the same time. Either takes a processor for up
// to a second.
const decodeSlots = 2

// cameraRingBytes bounds the bytes of pictures that the topics of a camera hold together. The newest picture of each topic always
// stays.
const cameraRingBytes = 16 << 20

// Camera is one camera: its capture process, its state and its topics. Call Run once. All other methods are safe for concurrent use.
type Camera struct {
	id            string
	opts          Options // while Run runs, only its goroutine uses them
	log           *zap.Logger
	budget        *broker.Budget // of all topics
	demandChanged chan struct{}  // receives when the demand for any topic has changed
	done          chan struct{}  // closed when Run has returned
	stats
	controlRequests     chan controlRequest
	pauseRequests       chan pauseRequest
	reconfigureRequests chan reconfigureRequest
	lastHeartbeat       atomic.Pointer[time.Time] // of the last heartbeat of Run; nil while it does not run

	startQueue  *startQueue // a fleet's cameras share these four
	decodeQueue *startQueue // of decoders that start or catch up with their camera
	dialer      *serverDialer
	readers     *readerPool

	decoderLinger time.Duration // defaultDecoderLinger, except in tests

	ownsReaders bool // readers is this camera's alone: Run closes it
}

// New returns a camera. It starts no goroutine and no process: Run does.
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

		startQueue:  newStartQueue(1),
		decodeQueue: newStartQueue(decodeSlots),
		dialer:      newServerDialer(),
		readers:     newReaderPool(thisProgram, o.Log),

		decoderLinger: defaultDecoderLinger,

		ownsReaders: true,
	}
	state := camera.Starting
	if o.Paused {
		state = camera.Paused
	}
	c.stats.init(c.buildStreams(o.Renditions, nil), c.buildTracks(o, &trackSet{}), camera.Status{ID: o.ID, Title: o.Title, Site: o.Site, Source: o.Source.String(), Renditions: o.Renditions, State: state, Since: time.Now(),
		Worker: camera.Worker{LimitBytes: uint64(max(o.CaptureMemory, 0))}})
	c.decoderTrack = firstDecoderTrack(decodableTracks(o.Camera), "")
	return c
}

// ID returns the camera's ID, which never changes.
func (c *Camera) ID() string { return c.id }

// withDefaults returns the options with the default in every field that is zero and has one.
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

// startMessage returns the message that makes a worker open this camera, without controls and renditions: the supervisor adds them.
func (o *Options) startMessage() wire.Start {
	withoutLogin := o.Source
	withoutLogin.User, withoutLogin.Password = "", ""
	return wire.Start{
		Source: withoutLogin.WithCredentials(), User: o.Source.User, Password: o.Source.Password,
		Capture: o.Capture, ReadTimeout: max(2*o.StallTimeout, 10*time.Second),
	}
}

type noopObserver struct{}

func (noopObserver) Encoded(string, time.Duration)   {}
func (noopObserver) Published(string, time.Duration) {}
func (noopObserver) Decoded(string, time.Duration)   {}
