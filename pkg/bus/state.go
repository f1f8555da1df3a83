package bus

import (
	"time"

	"camd/pkg/media"
)

// State is the state of a bus, for people and metrics.
type State struct {
	Connected      bool
	Server         string    // the address of the newest connection's server; empty before the first
	Since          time.Time // when Connected last changed
	Problem        string    // why it is not connected, or what the server does not permit, for people and without secrets
	Reconnects     uint64    // connections made after the first
	SlowReconnects uint64    // connections closed because pictures queued at the server: they are too slow for the watched cameras
	MaxPayload     int64     // the most bytes of one message; larger frames are sent in pieces. 0 before the first connection

	Sites      int               // other sites that are heard
	Silent     int               // other sites that are known and silent
	Duplicates []string          // local cameras that are not published, because another instance of this site has had them for longer
	Refused    map[string]uint64 // messages from the bus that were not accepted, by cause; see RefusedCauses

	Sent     []Stream // by local camera and rendition
	Received []Stream // by remote camera and rendition; Stream.Camera is Camera.ID
}

// DiscoveryTime is how long a bus needs, once it is connected, to know the other sites. Sites that are up answer within it.
const DiscoveryTime = 2 * time.Second

// Stream counts the frames of one rendition since the bus started. Passed is exactly the sum of Frames and all of Dropped. For a
// sent stream, Frames counts the frames that were handed to the connection. For a received stream, it counts those that were
// published to viewers.
type Stream struct {
	Camera, Rendition string

	Watched  bool   // now
	Passed   uint64 // frames of the publisher's ring, from the first of each watch to the last
	Frames   uint64
	Bytes    uint64            // of the pictures in Frames
	Repeated uint64            // frames sent or received again, for viewers that came later
	Dropped  map[string]uint64 // by cause; see SentCauses and ReceivedCauses
}

// Why a frame was not sent while its stream was watched. The set is fixed, so that it can be a metric's label.
const (
	Overtaken    = "overtaken"    // a newer frame was ready before this one was sent
	Disconnected = "disconnected" // there was no connection
	Failed       = "failed"       // the connection broke, or made no progress for too long
	TooLarge     = "too_large"    // it exceeds MaxFrame, or needs too many pieces
)

// SentCauses lists the keys of Stream.Dropped in State.Sent.
var SentCauses = []string{Overtaken, Disconnected, Failed, TooLarge}

// Why a frame did not reach viewers here, besides Overtaken and media.JPEGCauses. The set is fixed, so that it can be a metric's label.
const (
	Lost       = "lost"       // it never arrived: its publisher, a server or a lost connection dropped it
	Incomplete = "incomplete" // some of its pieces never arrived

	CameraPaused = "paused" // it arrived after its site had announced that the camera is turned off
)

// ReceivedCauses lists the keys of Stream.Dropped in State.Received.
var ReceivedCauses = append([]string{Overtaken, Lost, Incomplete, CameraPaused}, media.JPEGCauses...)

// Why a message was refused. The set is fixed, so that it can be a metric's label.
const (
	NotUnderstood    = "not_understood"  // it is not a message of camd's protocol
	WrongPublisher   = "wrong_publisher" // a frame from an instance that does not have the camera
	TooFast          = "rate"            // its publisher, or all new publishers together, exceed their quota
	TooManySites     = "sites"           // from a new site, while the table of sites is full
	TooManyInstances = "instances"       // from a new instance of a site, while the site has the most instances allowed
	// TooManyCameras counts announcements that list more cameras than fit. The cameras that fit were accepted.
	TooManyCameras = "cameras"
	TooManyRelays  = "relays" // from a relay beyond the limit. Its interest is served, with those of all other relays beyond the limit
	// UnprovenClaim counts announcements whose instance claims to have had a camera for longer than the instance has been heard.
	UnprovenClaim = "claim"
	TooManyPieces = "pieces" // a picture in pieces, dropped because incomplete pictures held too many bytes
)

// RefusedCauses lists the keys of State.Refused.
var RefusedCauses = []string{
	NotUnderstood, WrongPublisher, TooFast, TooManySites, TooManyInstances, TooManyCameras, TooManyRelays, UnprovenClaim, TooManyPieces,
}
