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

// What a bus takes note of, at most: beyond it somebody is wrong or hostile.
const (
	mostBoxes      = 16      // of one site
	mostCameras    = 512     // of one box
	mostOfSite     = 1024    // cameras of all boxes of one site
	mostRenditions = 17      // of one camera: main and as many as a configuration may have
	mostRelays     = 4096    // that say what their viewers watch
	mostWanted     = 1 << 16 // renditions that all relays watch together
	mostWord       = 1 << 20 // bytes of a message that is no frame
	mostText       = 500     // bytes of a text for people
	mostTitle      = 200
	mostCodec      = 40
)

// word is what a box says of itself under its site's name. A beat has no cameras; the whole has all that are offered.
type word struct {
	Version  int       `json:"v"`
	Box      string    `json:"box"`            // this run of camd, and no other
	Host     string    `json:"host,omitempty"` // one that comes with the same host's name comes in its place
	Camd     string    `json:"camd,omitempty"` // its version, for people
	Now      time.Time `json:"now"`
	Revision uint64    `json:"revision"` // of the list of cameras; another one means that there is news to ask for
	Whole    bool      `json:"whole,omitempty"`
	Gone     bool      `json:"gone,omitempty"` // its last word
	Cameras  []told    `json:"cameras,omitempty"`
}

// told is what a box says of a camera.
type told struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	State      camera.State    `json:"state"`
	Reason     camera.Reason   `json:"reason,omitempty"`
	Detail     string          `json:"detail,omitempty"`
	Since      time.Time       `json:"since"`
	Retry      time.Time       `json:"retry,omitzero"`
	Held       float64         `json:"held"` // seconds for which this box has offered it
	FPS        float64         `json:"fps,omitempty"`
	Codec      string          `json:"codec,omitempty"`
	Width      int             `json:"width,omitempty"`
	Height     int             `json:"height,omitempty"`
	Declared   float64         `json:"declared_fps,omitempty"`
	Renditions []toldRendition `json:"renditions"`
}

type toldRendition struct {
	Name    string  `json:"name"`
	Width   int     `json:"width,omitempty"`
	FPS     float64 `json:"fps,omitempty"`
	Quality int     `json:"quality,omitempty"`
}

// wish is all that a relay's viewers watch at a site, by camera; it stands in the place of that relay's last one. Fresh are
// those of it for which there is no picture yet.
type wish struct {
	Version int                 `json:"v"`
	Relay   string              `json:"relay"`
	Watch   map[string][]string `json:"watch,omitempty"`
	Fresh   map[string][]string `json:"fresh,omitempty"`
}

const version = 1

var errVersion = errors.New("another version of what camds say to each other")

// readWord reads what a box says, and makes sure that it is within bounds.
func readWord(b []byte) (w word, err error) {
	if err := decode(b, &w, &w.Version); err != nil {
		return w, err
	}
	if !isInstance(w.Box) || len(w.Host) > 255 || len(w.Camd) > 255 {
		return w, errors.New("no box")
	}
	if len(w.Cameras) > mostCameras || len(w.Cameras) > 0 && !w.Whole {
		return w, fmt.Errorf("%d cameras", len(w.Cameras))
	}
	seen := map[string]bool{}
	for i := range w.Cameras {
		c := &w.Cameras[i]
		if !name.MatchString(c.ID) || seen[c.ID] {
			return w, errors.New("no name for a camera, or one twice")
		}
		seen[c.ID] = true
		if err := c.tidy(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// tidy makes what is said fit to be shown. It leaves out what a newer camd may say and this one does not know.
func (c *told) tidy() error {
	if len(c.Renditions) == 0 || len(c.Renditions) > mostRenditions || c.Renditions[0].Name != camera.Main {
		return errors.New("renditions without main first, or too many")
	}
	for i, r := range c.Renditions {
		if !name.MatchString(r.Name) || slices.ContainsFunc(c.Renditions[:i], func(o toldRendition) bool { return o.Name == r.Name }) {
			return errors.New("no name for a rendition, or one twice")
		}
		if r.Width < 0 || r.Width > 1<<16 || !within(r.FPS, 0, 1000) {
			return errors.New("no such rendition")
		}
	}
	if c.Width < 0 || c.Width > 1<<16 || c.Height < 0 || c.Height > 1<<16 || !within(c.FPS, 0, 1e4) || !within(c.Declared, 0, 1e4) ||
		!within(c.Held, 0, 1e10) {
		return errors.New("no such camera")
	}
	if !slices.Contains(camera.States, c.State) {
		c.State = camera.Offline
	}
	if c.Reason.Text() == "" {
		c.Reason = camera.None
	}
	c.Title, c.Detail, c.Codec = shorten(plain(c.Title), mostTitle), plain(c.Detail), shorten(plain(c.Codec), mostCodec)
	if c.Title == "" {
		c.Title = c.ID
	}
	return nil
}

func within(f, low, high float64) bool { return f >= low && f <= high }

// plain leaves of a text what can be shown on one line.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return shorten(s, mostText)
}

// shorten returns the beginning of a text, at most so many bytes of it, without the memory of the rest.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.Clone(s[:most])
}

// peek returns the name of a message's publisher without parsing the message: the value of key, which camd writes right behind
// the version. It is empty if the message begins otherwise.
func peek(message []byte, key string) string {
	rest, ok := bytes.CutPrefix(message, []byte(`{"v":1,"`+key+`":"`))
	if !ok {
		return ""
	}
	id, _, ok := bytes.Cut(rest[:min(len(rest), longestInstance+1)], []byte(`"`))
	if !ok || !isInstance(string(id)) {
		return ""
	}
	return string(id)
}

// readWish reads what a relay wants. Names that are none are left out: they name nothing here.
func readWish(b []byte) (w wish, err error) {
	if err := decode(b, &w, &w.Version); err != nil {
		return w, err
	}
	if !isInstance(w.Relay) || len(w.Watch) > mostOfSite || len(w.Fresh) > mostOfSite {
		return w, errors.New("no relay, or it wants too much")
	}
	return w, nil
}

func decode(b []byte, to any, v *int) error {
	if len(b) > mostWord {
		return fmt.Errorf("%d bytes", len(b))
	}
	if !bytes.HasPrefix(b, []byte("{")) {
		return errors.New("no JSON object")
	}
	if err := json.Unmarshal(b, to); err != nil {
		return err
	}
	if *v != version {
		return errVersion
	}
	return nil
}

const longestInstance = 40

// isInstance reports whether s can name a run of camd: letters and digits, as package nuid makes them.
func isInstance(s string) bool {
	if len(s) < 8 || len(s) > longestInstance {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}
