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

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"camd/internal/metric"
	"camd/pkg/audit"
	"camd/pkg/connlimit"
	"camd/pkg/httpapi/compat"
	"camd/pkg/httpapi/mjpeg"
	"camd/pkg/httpapi/mp4"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/snapshot"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/httpapi/wall"
	"camd/pkg/httpapi/web"
)

// Camera is what the server needs of a camera. When its renditions change, the Config must change, too: see [Server.SetConfig].
type Camera = request.Camera

// Limits are limits on viewers.
type Limits = viewers.Limits

// Options of a server.
type Options struct {
	Config              // until SetConfig
	TLS     *tls.Config // for HTTPS with HTTP/2 and HTTP/1.1; nil means plain HTTP/1.1
	Version string      // shown by the API
	Log     *zap.Logger // nil means none
	Audit   *audit.Log  // who views and changes what; nil means no audit log

	// SeparateMetrics says that /metrics has a listener of its own, and is not served here: see [Server.MetricsHandler].
	SeparateMetrics bool
	// Metrics is where the server registers its own metrics, and what it serves at /metrics. nil means a new registry.
	Metrics *prometheus.Registry

	// BusState returns the state of the bus. nil means that there is no bus.
	BusState func() BusState

	drainTimeout time.Duration // how long streams may take to finish their frame when camd stops; 0 leaves it to fanout, and means streamDrainTimeout

	// SavePaused saves for the next start whether a camera is paused. It is called once at a time for each camera. nil saves nothing.
	SavePaused func(camera string, paused bool) error
}

// Server answers requests. Its methods are safe for concurrent use.
type Server struct {
	opts           Options // without the Config
	config         atomic.Pointer[activeConfig]
	log            *zap.Logger
	audit          *audit.Log
	viewers        *viewers.Registry
	snapshots      *snapshot.Server
	streams        *streaming.Server
	mjpeg          *mjpeg.Server
	mp4            *mp4.Server
	walls          *wall.Server
	compat         *compat.Server
	pendingConns   *pendingConns
	connLimiter    *connlimit.Limiter
	refusals       requestRefusals
	bodyTimeout    time.Duration // how long a request's body may take
	pages          *web.Pages
	pauseSetter    pauseSetter
	reloadState    reloadState
	history        *sampleHistory
	remotes        *remoteStreams
	frameAge       *prometheus.HistogramVec
	refusedHosts   refusedHosts
	handler        http.Handler
	metricsHandler http.Handler
	startTime      time.Time
	camerasStarted atomic.Bool // every camera has left its first start
	stopping       atomic.Bool
}

// New returns a server for the cameras, and registers its metrics.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Audit == nil {
		o.Audit = audit.New(nil)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	cfg := o.Config
	o.Config = Config{}
	s := &Server{
		opts: o, log: o.Log, audit: o.Audit, pendingConns: newPendingConns(), connLimiter: connlimit.New(o.Log), bodyTimeout: bodyTimeout, pages: web.New(), snapshots: snapshot.New(o.Audit),
		history: newSampleHistory(), frameAge: newFrameAge(), startTime: time.Now(),
	}
	s.remotes = newRemoteStreams(s.frameAge)
	s.viewers = viewers.NewRegistry(viewers.Options{Audit: o.Audit, FrameAges: frameAges{s}})
	s.pauseSetter.save = o.SavePaused
	s.reloadState.at = s.startTime
	s.SetConfig(cfg)
	s.walls = wall.New(wall.Options{Viewers: s.viewers, Cameras: currentCameras{s}, Stopping: s.stopping.Load, Log: o.Log})
	s.streams = streaming.New(streaming.Options{Viewers: s.viewers, Stopping: s.stopping.Load, Log: o.Log, DrainTimeout: o.drainTimeout})
	s.mjpeg, s.mp4 = mjpeg.New(s.streams), mp4.New(s.streams)
	s.compat = compat.New(compat.Options{Cameras: currentCameras{s}, Streams: s.mjpeg, Snapshots: s.snapshots, Viewers: s.viewers})
	o.Metrics.MustRegister(s.frameAge, metric.Collector(s.collectMetrics))
	s.handler, s.metricsHandler = s.routes(), s.metricsRoutes()
	return s
}

// ServeHTTP makes the server a handler, for tests and for callers with their own listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.trackRequest(r)
	s.handler.ServeHTTP(w, r)
}

// trackRequest records that a connection has sent a request.
func (s *Server) trackRequest(r *http.Request) {
	conn := request.Conn(r)
	s.pendingConns.remove(conn)
	s.connLimiter.MarkBusy(conn)
	if remote, ok := request.UnixPeer(request.UnderlyingConn(conn)); ok {
		r.RemoteAddr = remote
	}
}

// streamDrainTimeout is how long Serve waits for streams to finish their current frame.
const streamDrainTimeout = 1500 * time.Millisecond

// Serve answers requests on l and on the extra listeners until ctx ends. It closes the listeners, and returns when every request has been
// answered. l is encrypted if Options.TLS is set; the extra listeners are not.
func (s *Server) Serve(ctx context.Context, l net.Listener, extra ...ExtraListener) error {
	errs, err := zap.NewStdLogAt(s.log.Named("http"), zap.DebugLevel)
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	defer background.Wait()
	auditCtx, stopAudit := context.WithCancel(context.WithoutCancel(ctx)) // until the last request has been answered
	defer stopAudit()
	// This context ends the streams. stopping is set before, so that they know why.
	streamCtx, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	background.Go(func() { s.sampleLoop(streamCtx) })
	background.Go(func() { s.audit.Run(auditCtx) })
	background.Go(func() { s.revalidateLoop(streamCtx) })
	listeners := s.newListeners(streamCtx, errs, l, extra)
	err = serveAll(ctx, listeners, func() { s.stopping.Store(true); endStreams() })
	s.drain(listeners)
	return err
}

// drain answers pending connections, lets streams finish their frame, and returns when all connections are closed.
func (s *Server) drain(listeners []httpListener) {
	var pending sync.WaitGroup
	pending.Go(s.pendingConns.drain)
	s.streams.Close()
	pending.Wait()
	closeAll(listeners, cmp.Or(s.opts.drainTimeout, streamDrainTimeout))
	s.viewers.Wait()
	s.walls.Wait()
}

// Alive returns nil if all goroutines that send frames to many viewers have made progress since then. Otherwise it returns an error that
// names one of them. It does not tell whether requests are answered.
func (s *Server) Alive(since time.Time) error { return s.streams.Alive(since) }

// Viewers returns the number of viewers.
func (s *Server) Viewers() int { return s.viewers.Count() }

// ViewerCounts returns the number of viewers of each camera that has some.
func (s *Server) ViewerCounts() map[string]int { return s.viewers.CountPerCamera() }
