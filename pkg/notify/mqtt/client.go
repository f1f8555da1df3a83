// Package mqtt keeps at an MQTT broker what is to be known of each camera, as retained messages, so that whoever subscribes
// has it at once: state, viewers, pictures if configured, and what makes Home Assistant show each camera as a device of its own.
//
//	camd/status              online, or offline by the broker's word (last will)
//	camd/yard/state          JSON; docs/alerts.md describes it
//	camd/yard/snapshot       the newest JPEG, or the placeholder that says why there is none
//	camd/yard/set            ON and OFF, from whoever may switch cameras, if anybody may
//	homeassistant/device/camd_yard/config
//
// There is no queue: once a second what the broker should hold is compared with what it was told, and the difference is
// published. A connection that was lost is tried for again for ever, and then all of it is published anew. What the broker
// holds of cameras that are gone is taken away.
package mqtt

import (
	"context"
	"crypto/tls"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"

	"camd/pkg/notify"
)

// Options of a client. Broker, Prefix, Cameras and Viewers are required.
type Options struct {
	Broker         *url.URL    // mqtt://host:port or mqtts://host:port
	TLS            *tls.Config // for mqtts
	User, Password string

	Prefix    string                 // of camd's own topics, which no other camd uses at this broker
	Discovery string                 // Home Assistant's discovery prefix; empty leaves it out
	Cameras   func() []notify.Camera // those that there are now; safe for concurrent use
	Viewers   func() map[string]int  // by camera; safe for concurrent use
	Snapshots time.Duration          // between pictures; 0 means none
	After     time.Duration          // how long a trouble must last to be told as one

	// Switch turns a camera off and on. nil: nobody at the broker may.
	Switch func(ctx context.Context, camera string, on bool) error

	Site, Version string // name this camd
	Dashboard     string // the address of this camd's pages, without a / at its end; empty if it is not known

	Count func(Result) // may be nil; safe for concurrent use
	Log   *zap.Logger  // nil means none
}

// Result is what became of a message: a fixed set, fit for a metric's label.
type Result string

const (
	Delivered Result = "delivered" // the broker has it
	Failed    Result = "failed"    // the broker refused it, or did not answer
)

// Results lists every result.
var Results = []Result{Delivered, Failed}

// Client is one broker's. Run belongs to one goroutine.
type Client struct {
	opts       Options
	log        *zap.Logger
	connection connection
	watcher    *notify.Watcher
	published  map[string][]byte // payloads published over this connection, by topic; nil where the broker's is not known
	snapshots  map[string]snapshot

	connAcks        chan *paho.Connack // a connection is there
	commands        chan command
	mu              sync.Mutex
	retainedCameras []string // cameras of which the broker has something, by its own word
}

// New returns a client that does nothing until Run.
func New(o Options) *Client {
	if o.Count == nil {
		o.Count = func(Result) {}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Client{
		opts: o, log: o.Log.With(zap.String("broker", o.Broker.Host)), watcher: notify.NewWatcher(o.After, o.Cameras),
		snapshots: map[string]snapshot{}, connAcks: make(chan *paho.Connack, 1), commands: make(chan command, maxCommands),
	}
}

// disconnectTimeout bounds how long a disconnect may take.
const disconnectTimeout = 700 * time.Millisecond

// Run keeps the broker informed until ctx ends, and returns when all that it started has ended.
func (c *Client) Run(ctx context.Context) {
	connCtx, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	defer disconnect()
	conn, err := autopaho.NewConnection(connCtx, c.clientConfig())
	if err != nil {
		c.log.Error("mqtt not possible", zap.Error(err))
		return
	}
	// Even while a write hangs.
	stopAbort := context.AfterFunc(ctx, func() {
		disconnect()
		select {
		case <-conn.Done():
		case <-time.After(disconnectTimeout):
			c.connection.abort()
		}
	})
	defer stopAbort()
	var commands sync.WaitGroup
	commands.Go(func() { c.handleCommands(ctx) })
	c.publishChanges(ctx, conn)
	<-conn.Done()
	commands.Wait()
}

// publishChanges publishes what changes until ctx ends.
func (c *Client) publishChanges(ctx context.Context, conn *autopaho.ConnectionManager) {
	tick := time.NewTicker(notify.PollInterval)
	defer tick.Stop()
	var maxPacket uint32 // message that the broker takes; 0 is any
	for {
		select {
		case <-ctx.Done():
			return
		case ack := <-c.connAcks:
			if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
				maxPacket = *ack.Properties.MaximumPacketSize
			}
			c.resubscribe(ctx, conn)
		case <-tick.C:
		}
		messages := c.desired(time.Now())
		if c.published != nil {
			c.publish(ctx, conn, messages, maxPacket)
		}
	}
}
