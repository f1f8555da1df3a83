// Package mqtt keeps at an MQTT broker what is to be known of each camera, as retained messages, so that whoever subscribes
// has it at once: state, viewers, pictures if wished, and what makes Home Assistant show each camera as a device of its own.
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
	opts     Options
	log      *zap.Logger
	link     link
	watcher  *notify.Watcher
	held     map[string][]byte // what the broker was told, by topic; nil where that is not known
	pictures map[string]picture

	up       chan *paho.Connack // a connection is there
	commands chan command
	mu       sync.Mutex
	found    []string // cameras of which the broker has something, by its own word
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
		pictures: map[string]picture{}, up: make(chan *paho.Connack, 1), commands: make(chan command, mostCommands),
	}
}

// farewell is how long the broker may take to be told that camd goes.
const farewell = 700 * time.Millisecond

// Run keeps the broker informed until ctx ends, and returns when all that it started has ended.
func (c *Client) Run(ctx context.Context) {
	life, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	conn, err := autopaho.NewConnection(life, c.config())
	if err != nil {
		c.log.Error("mqtt not possible", zap.Error(err))
		return
	}
	// Even while a write hangs.
	cut := context.AfterFunc(ctx, func() {
		hangUp()
		select {
		case <-conn.Done():
		case <-time.After(farewell):
			c.link.cut()
		}
	})
	defer cut()
	var switching sync.WaitGroup
	switching.Go(func() { c.obey(ctx) })
	c.keep(ctx, conn)
	<-conn.Done()
	switching.Wait()
}

// keep publishes what changes until ctx ends.
func (c *Client) keep(ctx context.Context, conn *autopaho.ConnectionManager) {
	tick := time.NewTicker(notify.Interval)
	defer tick.Stop()
	var largest uint32 // message that the broker takes; 0 is any
	for {
		select {
		case <-ctx.Done():
			return
		case ack := <-c.up:
			if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
				largest = *ack.Properties.MaximumPacketSize
			}
			c.begin(ctx, conn)
		case <-tick.C:
		}
		want := c.wanted(time.Now())
		if c.held != nil {
			c.publish(ctx, conn, want, largest)
		}
	}
}
