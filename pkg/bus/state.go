package bus

import (
	"time"

	"camd/pkg/media"
)

// State is how a bus is, for people and metrics.
type State struct {
	Connected      bool
	Server         string    // the server's address, or the last one's; empty before the first
	Since          time.Time // of Connected's last change
	Problem        string    // why it is not connected, or what the server does not permit, for people and without secrets
	Reconnects     uint64    // connections made after the first
	SlowReconnects uint64    // connections left because pictures queued at the server, for a link too slow for what is watched
	MaxPayload     int64     // bytes of a message that the server takes; frames beyond it go in pieces. 0 before the first connection

	Sites      int               // other sites of which something was heard lately
	Silent     int               // other sites of which nothing was
	Duplicates []string          // local cameras that another publisher of this site's name has had for longer: they are not offered
	Refused    map[string]uint64 // messages from the bus that were not taken, by cause; see RefusedCauses

	Sent     []Stream // what goes out, by local camera and rendition
	Received []Stream // what comes in, by remote camera and rendition; Camera is Camera.ID
}

// DiscoveryTime is how long after the connection a bus knows the other sites: they answer at once, or not at all.
const DiscoveryTime = 2 * time.Second

// Stream counts one rendition's frames since the bus began. Passed = Frames + all of Dropped, exactly: of those that go out,
// Frames were handed to the connection; of those that come in, Frames were given to viewers.
type Stream struct {
	Camera, Rendition string

	Watched  bool   // at present
	Passed   uint64 // frames of the publisher's ring, from the first of each watch to the last
	Frames   uint64
	Bytes    uint64            // of their pictures
	Repeated uint64            // frames sent or received once more, for whoever came later
	Dropped  map[string]uint64 // by cause; see SentCauses and ReceivedCauses
}

// Why a frame that was watched did not go out: a fixed set, fit for a metric's label.
const (
	Overtaken    = "overtaken"    // a newer one was there before its turn came
	Disconnected = "disconnected" // no connection
	Failed       = "failed"       // the connection broke, or took nothing for too long
	TooLarge     = "too_large"    // beyond MaxFrame, or more pieces than there may be
)

// SentCauses lists every cause in Dropped of Sent.
var SentCauses = []string{Overtaken, Disconnected, Failed, TooLarge}

// Why a frame that was published did not reach viewers, beside Overtaken and media.Causes: a fixed set, fit for a metric's label.
const (
	Lost       = "lost"       // it never came: dropped by its publisher, by a server for a slow link, or while there was no connection
	Incomplete = "incomplete" // some of its pieces never came

	SwitchedOff = "switched_off" // it came after its site announced that the camera is switched off, and was not shown
)

// ReceivedCauses lists every cause in Dropped of Received.
var ReceivedCauses = append([]string{Overtaken, Lost, Incomplete, SwitchedOff}, media.Causes...)

// Why a message was not taken: a fixed set, fit for a metric's label.
const (
	NotUnderstood    = "not_understood"  // it is not what camds say to each other
	WrongPublisher   = "wrong_publisher" // a frame by another publisher than the one that has the camera
	TooFast          = "rate"            // its publisher, or all new publishers together, send more than is read
	TooManySites     = "sites"           // another site than those that there is room for
	TooManyInstances = "instances"       // another camd under a site's name than those that there is room for
	// TooManyCameras is an announcement with more cameras than there is room for. The others of it were taken.
	TooManyCameras = "cameras"
	TooManyRelays  = "relays" // another relay than those that there is room for. What it wants is sent all the same
	// UnprovenClaim is an announcement of a publisher that says of a camera that it has had it for longer than it was heard.
	UnprovenClaim = "claim"
	TooManyPieces = "pieces" // a picture in pieces, dropped since too many bytes of such pictures waited for the rest
)

// RefusedCauses lists every cause in Refused.
var RefusedCauses = []string{
	NotUnderstood, WrongPublisher, TooFast, TooManySites, TooManyInstances, TooManyCameras, TooManyRelays, UnprovenClaim, TooManyPieces,
}
