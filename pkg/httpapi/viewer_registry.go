package httpapi

import (
	"fmt"
	"sync"
	"time"

	"camd/pkg/connlimit"
)

// Why frames that were published did not reach a viewer.
const (
	dropSlow  = "slow_viewer" // it was still taking an earlier one
	dropRate  = "fps_limit"   // it asked for fewer
	dropBytes = "byte_limit"  // it may not have more bytes a second
)

// Why a viewer was cut off.
const (
	cutStalled  = "write_timeout" // it took nothing for the write timeout
	cutShutdown = "shutdown"      // camd stopped
	cutAccess   = "access"        // it may not watch any more: its link or session ended, or the configuration has changed
	cutRemoved  = "removed"       // the camera or rendition was taken out of the configuration
)

var cutReasons = []string{cutStalled, cutShutdown, cutRemoved, cutAccess}

// Why a viewer was not admitted.
const (
	limitViewers    = "viewers"
	limitPerCamera  = "viewers_per_camera"
	limitPerAddress = "viewers_per_address"
	limitBytes      = "bytes_per_second"
)

// Limits on viewers; 0 means none, but for Viewers.
type Limits struct {
	Viewers              int // streams at once; 0 means 500
	PerCamera            int
	PerAddress           int   // from one IP address
	TotalBytesPerSecond  int64 // bytes a second of all streams together, beyond which nobody new is admitted
	ViewerBytesPerSecond int64 // bytes a second of one stream, beyond which it gets fewer frames

	Connections connlimit.Limits // of any kind, whatever they ask for
}

// viewerRegistry holds the viewers. Its lock is taken when one joins or leaves and to count them, never for a frame.
type viewerRegistry struct {
	mu                  sync.Mutex
	limits              Limits
	viewers             map[*viewer]struct{}
	perCamera           map[string]int // viewers of each
	perAddress          map[string]int // viewers from each address
	wallConns           int            // WebSockets of walls, with cameras or without
	wallConnsPerAddress map[string]int // WebSockets of walls from each address
	pastCounts          map[streamKey]*deliveryCounts
	cut                 map[[2]string]uint64
	refused             map[string]uint64
	measured            throughput
	connected           sync.WaitGroup
}

func newViewerRegistry() *viewerRegistry {
	return &viewerRegistry{
		viewers: map[*viewer]struct{}{}, perCamera: map[string]int{}, perAddress: map[string]int{}, wallConnsPerAddress: map[string]int{},
		pastCounts: map[streamKey]*deliveryCounts{}, cut: map[[2]string]uint64{},
		refused: map[string]uint64{limitViewers: 0, limitPerCamera: 0, limitPerAddress: 0, limitBytes: 0},
	}
}

// setLimits sets the limits for viewers from now on.
func (a *viewerRegistry) setLimits(l Limits) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limits = l
}

// add admits a viewer, or says for people why not.
func (a *viewerRegistry) add(v *viewer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit, err := a.exceededLimit(v); err != nil {
		a.refused[limit]++
		return err
	}
	a.viewers[v] = struct{}{}
	a.perCamera[v.camera]++
	a.perAddress[v.address]++
	a.connected.Add(1)
	return nil
}

// exceededLimit returns the limit that v would exceed, and the error for its user.
func (a *viewerRegistry) exceededLimit(v *viewer) (string, error) {
	l := a.limits
	switch {
	case len(a.viewers) >= l.Viewers:
		return limitViewers, fmt.Errorf("%d viewers are connected, as many as this server allows; try again later", len(a.viewers))
	case l.PerCamera > 0 && a.perCamera[v.camera] >= l.PerCamera:
		return limitPerCamera, fmt.Errorf("%d viewers watch camera %q, as many as may; try again later", l.PerCamera, v.camera)
	case l.PerAddress > 0 && a.perAddress[v.address] >= l.PerAddress && v.address != unixAddress:
		return limitPerAddress, fmt.Errorf("%d streams go to your address, as many as may; close one", l.PerAddress)
	case l.TotalBytesPerSecond > 0 && a.measured.perSecond(a.totalBytes(), v.Since) >= float64(l.TotalBytesPerSecond):
		return limitBytes, fmt.Errorf("this server sends as many bytes a second as it may; try again later")
	}
	return "", nil
}

// totalBytes returns the bytes sent to all viewers ever. a.mu must be held.
func (a *viewerRegistry) totalBytes() (bytes uint64) {
	for _, t := range a.pastCounts {
		bytes += t.bytes
	}
	for v := range a.viewers {
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

// remove removes a viewer; cut is why it was cut, empty if it left by itself.
func (a *viewerRegistry) remove(v *viewer, cut string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.viewers, v)
	decrement(a.perCamera, v.camera)
	decrement(a.perAddress, v.address)
	if a.pastCounts[v.streamKey] == nil {
		a.pastCounts[v.streamKey] = &deliveryCounts{}
	}
	a.pastCounts[v.streamKey].add(v.deliveryCounts())
	if cut != "" {
		a.cut[[2]string{v.camera, cut}]++
	}
	a.connected.Done()
}

// decrement counts one down and forgets what has none left: addresses come and go without end.
func decrement(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// wait returns when no viewer is left.
func (a *viewerRegistry) wait() { a.connected.Wait() }
