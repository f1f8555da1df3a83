package httpapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/fanout"
	"camd/pkg/turnstile"
)

// Camera is what the server needs of a camera. Its methods are safe for concurrent use.
type Camera interface {
	Status() camera.Status
	// Renditions returns the names of its streams, main first. When they change, so must the roster: see Server.Change.
	Renditions() []string
	// Topic returns the stream in a rendition.
	Topic(rendition string) (*broker.Topic, bool)
}

// Options of a server. Metrics is required.
type Options struct {
	Roster  // to begin with
	Metrics *Metrics
	TLS     *tls.Config  // what Serve encrypts by, with HTTP/2 and HTTP/1.1; nil is plain HTTP/1.1
	Version string       // shown by the API
	Log     *zap.Logger  // nil means none
	Audit   *audit.Trail // who views and changes what; nil means that nobody writes it down

	// MetricsAside says that /metrics is at a door of its own, and not here: see Server.Aside.
	MetricsAside bool
	// Certificate says how the server's own stands, for the metrics; nil where it has none.
	Certificate func() CertificateState

	// Link says how the link to other camds is. nil: there is none.
	Link func() Link

	finish time.Duration // how long streams may take to finish their frame when camd stops; 0 leaves it to fanout, and means farewell

	// Remember keeps what a person has switched for the next start, one call at a time for each camera. nil: nobody does.
	Remember func(camera string, paused bool) error
}

// Server answers requests. Its methods are safe for concurrent use.
type Server struct {
	opts      Options // but for the roster
	roster    atomic.Pointer[roster]
	log       *zap.Logger
	audit     *audit.Trail
	audience  *audience
	fan       *fanout.Fanout
	walls     sync.WaitGroup
	newcomers *newcomers
	turnstile *turnstile.Turnstile
	refusals  refusals
	waits     atomic.Int64  // snapshots that wait for a picture
	bodies    time.Duration // how long a request's body may take
	pages     *pages
	switches  switches
	reloads   reloads
	diary     *diary
	remotes   *remoteStreams
	strangers strangers
	handler   http.Handler
	aside     http.Handler
	begun     time.Time
	boot      string      // tells this run's ETags from those of another
	started   atomic.Bool // every camera has left its first start
	stopping  atomic.Bool
}

// New returns a server for the cameras. It registers them with the metrics.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Audit == nil {
		o.Audit = audit.New(nil)
	}
	first := o.Roster
	o.Roster = Roster{}
	s := &Server{
		opts: o, log: o.Log, audit: o.Audit, audience: newAudience(), newcomers: newNewcomers(), turnstile: turnstile.New(o.Log), bodies: patience, pages: newPages(),
		diary: newDiary(), remotes: newRemoteStreams(o.Metrics), begun: time.Now(),
	}
	s.boot = bootID(s.begun)
	s.switches.remember = o.Remember
	s.reloads.at = s.begun
	s.Change(first)
	s.fan = fanout.New(fanout.Options{RepeatAfter: repeatAfter, Farewell: o.finish, Aged: s.aged})
	o.Metrics.registry.MustRegister(&collector{s})
	s.handler, s.aside = s.routes(), s.asideRoutes()
	return s
}

// aged notes how old frames were.
func (s *Server) aged(t *broker.Topic, ages []time.Duration) {
	observer := s.age(t)
	for _, age := range ages {
		observer.Observe(age.Seconds())
	}
}

// ServeHTTP makes the server a handler, for tests and for those who bring their own listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.meet(r)
	s.handler.ServeHTTP(w, r)
}

// meet notes who has come.
func (s *Server) meet(r *http.Request) {
	conn := s.connOf(r)
	s.newcomers.served(conn)
	s.turnstile.Busy(conn)
	if remote, ok := neighbour(transport(conn)); ok {
		r.RemoteAddr = remote
	}
}

// How long Serve lets streams finish the frame they are in the middle of.
const farewell = 1500 * time.Millisecond

// Serve answers requests on l, and at what further doors there are, until ctx ends, and returns when every request has been
// answered. It closes the listeners. l is encrypted if the options say so; the further ones are not.
func (s *Server) Serve(ctx context.Context, l net.Listener, more ...Door) error {
	errs, err := zap.NewStdLogAt(s.log.Named("http"), zap.DebugLevel)
	if err != nil {
		return err
	}
	var sampling sync.WaitGroup
	defer sampling.Wait()
	looked, over := context.WithCancel(context.WithoutCancel(ctx)) // until the last request has been answered
	defer over()
	// Streams end by this context, which ends after stopping is set: they can tell why.
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	sampling.Go(func() { s.keepDiary(base) })
	sampling.Go(func() { s.audit.Run(looked) })
	sampling.Go(func() { s.patrol(base) })
	lanes := s.open(base, errs, l, more)
	err = serveAll(ctx, lanes, func() { s.stopping.Store(true); end() })
	s.takeLeave(lanes)
	return err
}

// takeLeave answers who has connected, lets streams finish their frame, and returns when all connections are closed.
func (s *Server) takeLeave(lanes []lane) {
	var greeting sync.WaitGroup
	greeting.Go(s.newcomers.greet)
	s.fan.Close()
	greeting.Wait()
	closeAll(lanes, cmp.Or(s.opts.finish, farewell))
	s.audience.wait()
	s.walls.Wait()
}
