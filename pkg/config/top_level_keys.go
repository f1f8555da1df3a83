package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// topLevelFields returns the top-level keys of the file.
func topLevelFields() []field[Config] {
	return []field[Config]{
		{"listen", readListen(func(c *Config) *string { return &c.Listen })},
		{"socket_mode", scalar(func(c *Config) *os.FileMode { return &c.SocketMode }, "a file's mode in octal, such as 0660", parseFileMode)},
		{"metrics_listen", readListen(func(c *Config) *string { return &c.MetricsListen })},
		{"tls", readTLS},
		{"auth", readAuth},
		{"cameras", readCameras},
		{"limits", section(limitFields(), func(c *Config) *Limits { return &c.Limits })},
		{"write_timeout", duration(func(c *Config) *time.Duration { return &c.WriteTimeout }, 100*time.Millisecond, 10*time.Minute)},
		{"send_buffer", byteSize(func(c *Config) *int64 { return &c.SendBuffer }, 4<<10, 16<<20)},
		{"hosts", readHosts},
		{"allow_origin", readOrigins},
		{"frame_ancestors", readFrameAncestors},
		{"state_dir", readStateDir},
		{"watch_config", boolean(func(c *Config) *bool { return &c.WatchConfig })},
		{"webhooks", readWebhooks},
		{"mqtt", readMQTT},
		{"bus", readBus},
		{"site", readSite},
		{"public_url", readPublicURL},
		{"log", section(logFields(), func(c *Config) *Log { return &c.Log })},
	}
}

func limitFields() []field[Limits] {
	return []field[Limits]{
		{"viewers", integer(func(l *Limits) *int { return &l.Viewers }, 1, 1_000_000)},
		{"viewers_per_camera", integer(func(l *Limits) *int { return &l.ViewersPerCamera }, 1, 1_000_000)},
		{"viewers_per_address", integer(func(l *Limits) *int { return &l.ViewersPerAddress }, 1, 1_000_000)},
		{"connections", integer(func(l *Limits) *int { return &l.Connections }, 16, 1_000_000)},
		{"connections_per_address", integer(func(l *Limits) *int { return &l.ConnectionsPerAddress }, 1, 1_000_000)},
		{"bytes_per_second", byteSize(func(l *Limits) *int64 { return &l.BytesPerSecond }, 1<<10, 1<<40)},
		{"viewer_bytes_per_second", byteSize(func(l *Limits) *int64 { return &l.ViewerBytesPerSecond }, 1<<10, 1<<40)},
		{"worker_memory", byteSize(func(l *Limits) *int64 { return &l.WorkerMemory }, 64<<20, 1<<40)},
		// From a placeholder without a background to what the protocol between camd and camd-capture can carry.
		{"frame_bytes", byteSize(func(l *Limits) *int64 { return &l.FrameBytes }, 256<<10, 32<<20)},
		// From the smallest area that holds every placeholder to four times the default.
		{"frame_pixels", integer(func(l *Limits) *int { return &l.FramePixels }, 512*512, 16384*16384)},
	}
}

func logFields() []field[Log] {
	return []field[Log]{
		{"level", oneOf(func(l *Log) *string { return &l.Level }, "debug", "info", "warn", "error")},
		{"format", oneOf(func(l *Log) *string { return &l.Format }, "auto", "json", "console")},
		{"audit", readAudit},
		{"addresses", oneOf(func(l *Log) *string { return &l.Addresses }, "full", "short", "none")},
	}
}

func readAudit(d *decoder, key string, n *yaml.Node, to *Log) {
	switch s, ok := d.text(key, n, "on, off or a path"); {
	case !ok:
	case s == "on" || s == "off":
		to.Audit = s
	case !strings.Contains(s, "/"): // a mistyped word is more likely than a file without a folder
		d.errorf(n, "%s: want on, off, or a file's path with a / in it, such as /var/log/camd/audit.log, got %s", key, quoteValue(n))
	default:
		to.Audit = d.resolvePath(s)
	}
}

func readStateDir(d *decoder, key string, n *yaml.Node, to *Config) {
	if path, ok := d.singleLine(key, n, "a path"); ok {
		to.StateDir = d.resolvePath(path)
	}
}

func readSite(d *decoder, key string, n *yaml.Node, to *Config) {
	const most = 100
	s, ok := d.text(key, n, "a name")
	switch {
	case !ok:
	case s == "" || len(s) > most || hasControl(s):
		d.errorf(n, "%s: want 1 to %d bytes without line breaks", key, most)
	default:
		to.Site = s
	}
}

func readPublicURL(d *decoder, key string, n *yaml.Node, to *Config) {
	if u, ok := d.httpURL(key, n, false); ok {
		to.PublicURL = strings.TrimRight(u.String(), "/")
	}
}

func readListen(target func(*Config) *string) func(*decoder, string, *yaml.Node, *Config) {
	return func(d *decoder, key string, n *yaml.Node, to *Config) {
		s, ok := d.text(key, n, "HOST:PORT")
		if !ok {
			return
		}
		if err := CheckListen(s); err != nil {
			d.errorf(n, "%s: %v, got %s", key, err, quoteValue(n))
			return
		}
		*target(to) = s
		if key == "listen" {
			to.listenPosition = Problem{d.file, n.Line, n.Column, s}
		}
	}
}

// unixScheme is the beginning of an address that is the path of a unix socket.
const unixScheme = "unix:"

// maxSocketPath is how many bytes the kernel takes for a socket's path (unix(7)).
const maxSocketPath = 107

// CheckListen returns an error if an address to listen on is not valid.
func CheckListen(s string) error {
	if path, ok := SocketPath(s); ok || strings.HasPrefix(s, "/") {
		if !ok || !filepath.IsAbs(path) || strings.HasSuffix(path, "/") || len(path) > maxSocketPath || hasControl(path) {
			return fmt.Errorf("want HOST:PORT, or unix: and a whole path of at most %d bytes, such as unix:/run/camd/camd.sock", maxSocketPath)
		}
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("want HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
	}
	if p, err := strconv.Atoi(port); err != nil || p < 0 || p > 65535 {
		return errors.New("want a port from 0 to 65535 after the last colon")
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsFunc(host, notInHostName) {
		return errors.New("want an IP address or host name before the port (0.0.0.0 or nothing for every address)")
	}
	return nil
}

// SocketPath returns the path of an address that is a unix socket's.
func SocketPath(listen string) (path string, ok bool) { return strings.CutPrefix(listen, unixScheme) }

func parseFileMode(s string) (os.FileMode, bool) {
	m, err := strconv.ParseUint(s, 8, 32)
	return os.FileMode(m), err == nil && m <= 0o777
}

func notInHostName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

func readCameras(d *decoder, key string, n *yaml.Node, to *Config) {
	index := &cameraIndex{ids: map[string]int{}, devices: map[string]string{}}
	fields := cameraFields() // once: they take longer than a camera
	d.eachEntry(key, n, "id", "an id and a source", func(entry *yaml.Node) {
		to.Cameras = append(to.Cameras, d.camera(entry, fields, index))
	})
}
