package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"camd/pkg/camera"
)

// The limits of what a bus accepts. An honest camd stays below them.
const (
	maxInstances          = 16      // of one site
	maxCamerasPerInstance = 512     // of one instance
	maxCamerasPerSite     = 1024    // cameras of all instances of one site
	maxRenditions         = 17      // of one camera: main and as many as a configuration may have
	maxRelays             = 4096    // with an interest in this site
	maxInterests          = 1 << 16 // renditions in the interests of all relays together
	maxMessage            = 1 << 20 // bytes of a message that is not a frame
	maxText               = 500     // bytes of a text for people
	maxTitle              = 200
	maxCodec              = 40
)

// announcement is a message of an instance about itself, under its site's name. A heartbeat has no cameras; a complete
// announcement has all of them.
type announcement struct {
	Version     int          `json:"v"`
	Instance    string       `json:"instance"`       // unique for each run of camd
	Host        string       `json:"host,omitempty"` // a later instance on the same host is a restart of this one
	CamdVersion string       `json:"camd,omitempty"` // for people
	SentAt      time.Time    `json:"sent_at"`
	Revision    uint64       `json:"revision"` // of the list of cameras; if it changes, relays ask for a complete announcement
	Complete    bool         `json:"complete,omitempty"`
	Leaving     bool         `json:"leaving,omitempty"` // its last announcement
	Cameras     []cameraInfo `json:"cameras,omitempty"`
}

// cameraInfo is what an instance announces of a camera.
type cameraInfo struct {
	ID          string          `json:"id"`
	Title       string          `json:"title"`
	State       camera.State    `json:"state"`
	Reason      camera.Reason   `json:"reason,omitempty"`
	Detail      string          `json:"detail,omitempty"`
	Since       time.Time       `json:"since"`
	Retry       time.Time       `json:"retry,omitzero"`
	HeldSeconds float64         `json:"held_seconds"` // seconds for which this instance has offered it
	FPS         float64         `json:"fps,omitempty"`
	Codec       string          `json:"codec,omitempty"`
	Width       int             `json:"width,omitempty"`
	Height      int             `json:"height,omitempty"`
	DeclaredFPS float64         `json:"declared_fps,omitempty"`
	Renditions  []renditionInfo `json:"renditions"`
}

type renditionInfo struct {
	Name    string  `json:"name"`
	Width   int     `json:"width,omitempty"`
	FPS     float64 `json:"fps,omitempty"`
	Quality int     `json:"quality,omitempty"`
}

// interest lists the renditions that a relay's viewers watch at a site, by camera. It replaces the relay's last one. Fresh lists
// those of them that have no picture yet.
type interest struct {
	Version int                 `json:"v"`
	Relay   string              `json:"relay"`
	Watch   map[string][]string `json:"watch,omitempty"`
	Fresh   map[string][]string `json:"fresh,omitempty"`
}

const protocolVersion = 2

var errVersion = errors.New("another version of the protocol")

// parseAnnouncement parses an announcement and checks its limits.
func parseAnnouncement(b []byte) (w announcement, err error) {
	if err := decode(b, &w, &w.Version); err != nil {
		return w, err
	}
	if !isInstance(w.Instance) || len(w.Host) > 255 || len(w.CamdVersion) > 255 {
		return w, errors.New("invalid instance")
	}
	if len(w.Cameras) > maxCamerasPerInstance || len(w.Cameras) > 0 && !w.Complete {
		return w, fmt.Errorf("%d cameras: must be at most %d, in a complete announcement", len(w.Cameras), maxCamerasPerInstance)
	}
	seen := map[string]bool{}
	for i := range w.Cameras {
		c := &w.Cameras[i]
		if !namePattern.MatchString(c.ID) || seen[c.ID] {
			return w, errors.New("invalid or duplicate camera id")
		}
		seen[c.ID] = true
		if err := c.normalize(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// normalize checks the limits and makes all texts printable. It replaces a state or reason that only a newer camd knows.
func (c *cameraInfo) normalize() error {
	if len(c.Renditions) == 0 || len(c.Renditions) > maxRenditions || c.Renditions[0].Name != camera.Main {
		return errors.New("renditions must be main first, and not too many")
	}
	for i, r := range c.Renditions {
		if !namePattern.MatchString(r.Name) || slices.ContainsFunc(c.Renditions[:i], func(o renditionInfo) bool { return o.Name == r.Name }) {
			return errors.New("invalid or duplicate rendition name")
		}
		if r.Width < 0 || r.Width > 1<<16 || !inRange(r.FPS, 0, 1000) {
			return errors.New("invalid rendition")
		}
	}
	if c.Width < 0 || c.Width > 1<<16 || c.Height < 0 || c.Height > 1<<16 || !inRange(c.FPS, 0, 1e4) || !inRange(c.DeclaredFPS, 0, 1e4) ||
		!inRange(c.HeldSeconds, 0, 1e10) {
		return errors.New("invalid camera")
	}
	if !slices.Contains(camera.States, c.State) {
		c.State = camera.Offline
	}
	if c.Reason.Text() == "" {
		c.Reason = camera.None
	}
	c.Title, c.Detail, c.Codec = truncate(printable(c.Title), maxTitle), printable(c.Detail), truncate(printable(c.Codec), maxCodec)
	if c.Title == "" {
		c.Title = c.ID
	}
	return nil
}

func inRange(f, low, high float64) bool { return f >= low && f <= high }

// printable returns at most maxText bytes of s, without characters that cannot be shown on one line.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return truncate(s, maxText)
}

// truncate returns at most the first limit bytes of s, cut between characters. The result does not keep the memory of s.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.Clone(s[:limit])
}

// peekPublisher returns the name of a message's publisher without parsing the message. That is the value of key, which camd
// writes right after the version. It is empty if the message begins differently.
func peekPublisher(message []byte, key string) string {
	rest, ok := bytes.CutPrefix(message, []byte(`{"v":2,"`+key+`":"`))
	if !ok {
		return ""
	}
	id, _, ok := bytes.Cut(rest[:min(len(rest), maxInstanceLength+1)], []byte(`"`))
	if !ok || !isInstance(string(id)) {
		return ""
	}
	return string(id)
}

// parseInterest parses a relay's interest and checks its limits. It does not check names: unknown ones match no camera.
func parseInterest(b []byte) (w interest, err error) {
	if err := decode(b, &w, &w.Version); err != nil {
		return w, err
	}
	if !isInstance(w.Relay) || len(w.Watch) > maxCamerasPerSite || len(w.Fresh) > maxCamerasPerSite {
		return w, errors.New("invalid relay, or too many cameras")
	}
	return w, nil
}

func decode(b []byte, to any, v *int) error {
	if len(b) > maxMessage {
		return fmt.Errorf("must be at most %d bytes, is %d", maxMessage, len(b))
	}
	if !bytes.HasPrefix(b, []byte("{")) {
		return errors.New("not a JSON object")
	}
	if err := json.Unmarshal(b, to); err != nil {
		return err
	}
	if *v != protocolVersion {
		return errVersion
	}
	return nil
}

const maxInstanceLength = 40

// isInstance reports whether s can be the name of an instance: letters and digits, as package nuid makes them.
func isInstance(s string) bool {
	if len(s) < 8 || len(s) > maxInstanceLength {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}
