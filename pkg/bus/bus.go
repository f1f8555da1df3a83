package bus

import (
	"context"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// Options of a bus. URLs is required, and one of Site and Relay.
type Options struct {
	URLs    []string // nats://host:port or tls://host:port, of any servers of one cluster; without user and password
	Prefix  string   // of all subjects; empty means "camd"
	Site    string   // under whose name local cameras are offered; empty offers none. See CheckSite
	Relay   bool     // find the cameras of other sites
	Account Account
	TLS     TLS
	Version string // of this camd, for people

	// Changed is called when the list that Cameras returns has changed. It must not wait. May be nil.
	Changed func()
	Log     *zap.Logger // nil means none
}

// Account is how a bus shows who it is. At most one of the ways is used; none is anonymous.
type Account struct {
	Credentials    string // path of a .creds file: a user's JWT and its key
	NKey           string // path of a file with an NKey seed
	User, Password string
	Token          string
}

// TLS says whom a bus trusts and what it shows of itself. Paths are read at each connection, so that files can be replaced.
type TLS struct {
	CA                string // path of PEM certificates; empty trusts what the system trusts
	Certificate, Key  string // paths of what is shown to servers that ask; empty shows nothing
	HandshakeFirst    bool   // servers with handshake_first
	AllowPlainSecrets bool   // send a password or token without TLS; for networks that encrypt by themselves
}

// Source is a local camera, as far as a bus needs it; Status().ID names it. Its methods are safe for concurrent use.
type Source interface {
	Status() camera.Status
	Renditions() []string
	Topic(rendition string) (*broker.Topic, bool)
}

// Bus is one connection to NATS and all that goes over it.
type Bus struct{}

// New returns a bus that does nothing until Run. Its error says which option is wrong.
func New(o Options) (*Bus, error) { return &Bus{}, nil }

// Run connects, and keeps the connection until ctx ends: it tries again for ever, whatever refuses it. It returns when all
// that it started has ended; the topics of remote cameras end with it.
func (b *Bus) Run(ctx context.Context) { <-ctx.Done() }

// Offer makes cameras, in the order in which people want to see them, those that others may have from now on. Readers
// elsewhere of one that is gone come to its end. Cameras taken from a bus do not belong here. It may be called at any time,
// before Run too.
func (b *Bus) Offer(cameras []Source) {}

// Cameras returns the cameras of other sites, ordered by site and then as their site has them.
func (b *Bus) Cameras() []*Camera { return nil }

// Camera is one of another site. It satisfies what is asked of a local one: its topics have readers, placeholders and live
// pictures in turn, and pictures are on the bus only while a topic has readers. Safe for concurrent use.
type Camera struct{}

// ID is its site's name, a dot and its own: "north.yard". It is fit for a URL's segment and a metric's label, and no local
// camera has such a one.
func (c *Camera) ID() string { return "" }

// Site returns its site's name.
func (c *Camera) Site() string { return "" }

// Status is its site's word, but where the site or the bus cannot be reached: then it is offline, unreachable. While it is
// watched and no frame comes, it is stalled. Counts are those of this relay.
func (c *Camera) Status() camera.Status { return camera.Status{} }

// Renditions returns the names of its streams, main first.
func (c *Camera) Renditions() []string { return nil }

// Topic returns the stream in a rendition; empty means main.
func (c *Camera) Topic(rendition string) (*broker.Topic, bool) { return nil, false }

// State is how a bus is, for people and metrics.
type State struct {
	Connected  bool
	Server     string    // the server's address, or the last one's; empty before the first
	Since      time.Time // of Connected's last change
	Problem    string    // why it is not connected, or what else is wrong, for people and without secrets; empty when all is well
	Reconnects uint64    // connections made after the first
	MaxPayload int64     // bytes of a message that the server takes; frames beyond it go in pieces

	Sites      int               // other sites of which something was heard lately
	Silent     int               // other sites of which nothing was
	Duplicates []string          // local cameras that another publisher of this site's name has had for longer: they are not offered
	Refused    map[string]uint64 // messages from the bus that were not understood, by cause; see RefusedCauses

	Sent     []Stream // what goes out, by local camera and rendition
	Received []Stream // what comes in, by remote camera and rendition; Camera is Camera.ID
}

// Stream counts one rendition's frames since the bus began. Passed = Frames + all of Dropped, exactly: of those that go out,
// Frames were handed to the connection; of those that come in, Frames were given to viewers.
type Stream struct {
	Camera, Rendition string

	Watched bool   // at present
	Passed  uint64 // frames of the publisher's ring, from the first of each watch to the last
	Frames  uint64
	Bytes   uint64            // of their pictures
	Dropped map[string]uint64 // by cause; see SentCauses and ReceivedCauses
}

// Why a frame that was watched did not go out: a fixed set, fit for a metric's label.
const (
	Overtaken    = "overtaken"    // a newer one was there before the connection had taken the one before
	Disconnected = "disconnected" // no connection
	Failed       = "failed"       // the connection broke, or took nothing for too long
	TooLarge     = "too_large"    // beyond MaxFrame
)

// SentCauses lists every cause in Dropped of Sent.
var SentCauses = []string{Overtaken, Disconnected, Failed, TooLarge}

// Why a frame that was published did not reach viewers, beside Overtaken and mjpeg.Causes: a fixed set, fit for a metric's label.
const (
	Lost       = "lost"       // it never came: dropped by its publisher, by a server for a slow link, or while there was no connection
	Incomplete = "incomplete" // some of its pieces never came
)

// State returns how the bus is.
func (b *Bus) State() State { return State{} }
