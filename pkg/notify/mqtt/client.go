// Package mqtt publishes the state of each camera to an MQTT broker, as retained messages, so that new subscribers get it at once.
// Home Assistant can discover each camera as a device. These are the topics, with the default prefixes and a camera "yard":
//
//	camd/status              online; offline is the last will
//	camd/yard/state          state and viewers as JSON; docs/alerts.md describes it
//	camd/yard/snapshot       a picture or placeholder as JPEG, if snapshots are configured
//	camd/yard/set            commands to camd: ON or OFF, if switching is allowed
//	homeassistant/device/camd_yard/config
//
// There is no queue. Once a second, the client compares the messages that the broker should hold with those that it has published,
// and publishes the difference. After a lost connection it reconnects, for as long as necessary, and publishes everything again. It
// removes the retained messages of cameras that are gone.
//
// A picture may have to be decoded, so the client requests each in a goroutine of its own. It spreads the requests over the time between two
// pictures of a camera. Run waits for these goroutines.
package mqtt

import (
	"context"
	"crypto/tls"
	"net/url"
	"slices"
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

	Prefix    string                 // of camd's topics; no other camd may use it at this broker
	Discovery string                 // Home Assistant's discovery prefix; empty disables discovery
	Cameras   func() []notify.Camera // returns the present cameras; safe for concurrent use
	Viewers   func() map[string]int  // returns the number of viewers by camera; safe for concurrent use
	Snapshots time.Duration          // between pictures; 0 means no pictures
	After     time.Duration          // how long a trouble must last before it is published

	// Switch turns a camera off or on. nil ignores commands.
	Switch func(ctx context.Context, camera string, on bool) error

	Site, Version string // of this camd
	Dashboard     string // the address of the dashboard, without a / at its end; empty if it is not known

	Count func(Result) // may be nil; safe for concurrent use
	Log   *zap.Logger  // nil means none
}

// Result is the result of publishing a message. The set is fixed, so that it can be a metric's label.
type Result string

// The results.
const (
	Delivered Result = "delivered" // the broker has accepted the message
	Failed    Result = "failed"    // the broker refused the message, or did not answer
)

// Results lists every result.
var Results = []Result{Delivered, Failed}

// Client publishes to one broker. Call Run once.
type Client struct {
	opts       Options
	log        *zap.Logger
	connection connection
	watcher    *notify.Watcher
	published  map[string][]byte   // payloads published over this connection, by topic; nil if the broker may hold an unknown one
	pictures   map[string]*picture // by camera
	answers    chan answer         // of requests for pictures
	requests   sync.WaitGroup

	connAcks        chan *paho.Connack // of new connections
	commands        chan command
	mu              sync.Mutex
	retainedCameras []string // cameras of this camd that the broker has sent retained messages of
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
		pictures: map[string]*picture{}, answers: make(chan answer), connAcks: make(chan *paho.Connack, 1), commands: make(chan command, maxCommands),
	}
}

// disconnectTimeout bounds how long a disconnect may take.
const disconnectTimeout = 700 * time.Millisecond

// Run connects, and publishes changes until ctx ends. It returns when everything that it started has ended.
func (c *Client) Run(ctx context.Context) {
	connCtx, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	defer disconnect()
	conn, err := autopaho.NewConnection(connCtx, c.clientConfig())
	if err != nil {
		c.log.Error("mqtt client failed", zap.Error(err))
		return
	}
	// This ends the connection even while a write hangs.
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
	c.requests.Wait()
	<-conn.Done()
	commands.Wait()
}

// publishChanges publishes what changes until ctx ends.
func (c *Client) publishChanges(ctx context.Context, conn *autopaho.ConnectionManager) {
	tick := time.NewTicker(notify.PollInterval)
	defer tick.Stop()
	var maxPacket uint32 // the largest packet that the broker accepts; 0 means any
	var messages []message
	for {
		select {
		case <-ctx.Done():
			return
		case ack := <-c.connAcks:
			if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
				maxPacket = *ack.Properties.MaximumPacketSize
			}
			c.resubscribe(ctx, conn)
			messages = c.update(ctx, time.Now())
		case <-tick.C:
			messages = c.update(ctx, time.Now())
		case a := <-c.answers:
			c.keepPicture(a)
		}
		if c.published != nil {
			c.publish(ctx, conn, slices.Concat(messages, c.pictureMessages()), maxPacket)
		}
	}
}

// update requests the pictures that are due, and returns all other messages that the broker should hold.
func (c *Client) update(ctx context.Context, now time.Time) []message {
	messages, cameras := c.desired(now)
	if c.opts.Snapshots > 0 {
		c.requestPictures(ctx, cameras, now)
	}
	return messages
}
