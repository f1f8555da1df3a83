package viewers

import (
	"fmt"
	"time"

	"camd/pkg/httpapi/request"
)

// Limits on viewers. 0 means no limit, except for Viewers.
type Limits struct {
	Viewers              int // streams at once; 0 means 500
	PerCamera            int
	PerAddress           int   // from one IP address
	TotalBytesPerSecond  int64 // of all streams together; above it, no viewer is admitted
	ViewerBytesPerSecond int64 // of one stream; above it, the viewer gets fewer frames
}

// SetLimits sets the limits for viewers from now on.
func (r *Registry) SetLimits(l Limits) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limits = l
}

// exceededViewerLimit returns the limit that v would exceed, and the error to show to its user.
func (r *Registry) exceededViewerLimit(v *Viewer) (string, error) {
	l := r.limits
	switch {
	case len(r.viewers) >= l.Viewers:
		return LimitViewers, fmt.Errorf("the limit of %d viewers is reached: try again later", l.Viewers)
	case l.PerCamera > 0 && r.perCamera[v.Camera] >= l.PerCamera:
		return LimitPerCamera, fmt.Errorf("the limit of %d viewers for camera %q is reached: try again later", l.PerCamera, v.Camera)
	case l.PerAddress > 0 && r.perAddress[v.address] >= l.PerAddress && v.address != request.UnixAddress:
		return LimitPerAddress, fmt.Errorf("the limit of %d streams for your address is reached: close one", l.PerAddress)
	case l.TotalBytesPerSecond > 0 && r.measured.perSecond(r.totalBytes(), v.Since) >= float64(l.TotalBytesPerSecond):
		return LimitBytes, fmt.Errorf("the limit of bytes per second for all viewers is reached: try again later")
	}
	return "", nil
}

// totalBytes returns the bytes that were ever sent to all viewers. r.mu must be held.
func (r *Registry) totalBytes() (bytes uint64) {
	for _, t := range r.pastCounts {
		bytes += t.Bytes
	}
	for v := range r.viewers {
		bytes += v.Bytes.Load()
	}
	return bytes
}

// throughput measures bytes a second over at least the last second.
type throughput struct {
	at    time.Time
	bytes uint64
	rate  float64
}

func (t *throughput) perSecond(bytes uint64, now time.Time) float64 {
	if span := now.Sub(t.at); span >= time.Second {
		if !t.at.IsZero() {
			t.rate = float64(bytes-t.bytes) / span.Seconds()
		}
		t.at, t.bytes = now, bytes
	}
	return t.rate
}
