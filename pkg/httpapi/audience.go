package httpapi

import (
	"fmt"
	"sync"
	"time"
)

// Why frames that were published did not reach a viewer.
const (
	dropSlow = "slow_viewer" // it was still taking an earlier one
	dropRate = "fps_limit"   // it asked for fewer
	dropOver = "byte_limit"  // it may not have more bytes a second
)

// Why a viewer was cut off.
const (
	cutStalled   = "write_timeout" // it took nothing for the write timeout
	cutShutdown  = "shutdown"      // camd stopped
	cutForbidden = "access"        // it may not watch any more: its link or session ended, or the configuration has changed
	cutRemoved   = "removed"       // the camera or rendition was taken out of the configuration
)

var cuts = []string{cutStalled, cutShutdown, cutRemoved, cutForbidden}

// Why a viewer was not admitted.
const (
	fullTotal   = "viewers"
	fullCamera  = "viewers_per_camera"
	fullAddress = "viewers_per_address"
	fullBytes   = "bytes_per_second"
)

// Limits on viewers; 0 means none, but for Viewers.
type Limits struct {
	Viewers       int // streams at once; 0 means 500
	PerCamera     int
	PerAddress    int   // from one IP address
	BytesOverall  int64 // bytes a second of all streams together, beyond which nobody new is admitted
	BytesOfViewer int64 // bytes a second of one stream, beyond which it gets fewer frames
}

// audience knows the viewers. Its lock is taken when one comes or goes and when somebody counts, never for a frame.
type audience struct {
	mu       sync.Mutex
	limits   Limits
	viewers  map[*viewer]struct{}
	cameras  map[string]int // viewers of each
	hosts    map[string]int // viewers from each address
	walls    int            // connections that viewers over a wall share, or that have none
	lobby    map[string]int // those from each address
	past     map[seat]*tally
	cut      map[[2]string]uint64
	refused  map[string]uint64
	measured throughput
	gone     sync.WaitGroup
}

func newAudience() *audience {
	return &audience{
		viewers: map[*viewer]struct{}{}, cameras: map[string]int{}, hosts: map[string]int{}, lobby: map[string]int{},
		past: map[seat]*tally{}, cut: map[[2]string]uint64{},
		refused: map[string]uint64{fullTotal: 0, fullCamera: 0, fullAddress: 0, fullBytes: 0},
	}
}

// limit sets the limits for those who come from now on.
func (a *audience) limit(l Limits) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limits = l
}

// join admits a viewer, or says for people why not.
func (a *audience) join(v *viewer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit, err := a.full(v); err != nil {
		a.refused[limit]++
		return err
	}
	a.viewers[v] = struct{}{}
	a.cameras[v.camera]++
	a.hosts[v.address]++
	a.gone.Add(1)
	return nil
}

// full returns the limit that v would exceed, and what to tell it.
func (a *audience) full(v *viewer) (string, error) {
	l := a.limits
	switch {
	case len(a.viewers) >= l.Viewers:
		return fullTotal, fmt.Errorf("%d viewers are connected, as many as this server allows; try again later", len(a.viewers))
	case l.PerCamera > 0 && a.cameras[v.camera] >= l.PerCamera:
		return fullCamera, fmt.Errorf("%d viewers watch camera %q, as many as may; try again later", l.PerCamera, v.camera)
	case l.PerAddress > 0 && a.hosts[v.address] >= l.PerAddress:
		return fullAddress, fmt.Errorf("%d streams go to your address, as many as may; close one", l.PerAddress)
	case l.BytesOverall > 0 && a.measured.perSecond(a.sum(), v.Since) >= float64(l.BytesOverall):
		return fullBytes, fmt.Errorf("this server sends as many bytes a second as it may; try again later")
	}
	return "", nil
}

// sum returns the bytes sent to all viewers ever. a.mu must be held.
func (a *audience) sum() (bytes uint64) {
	for _, t := range a.past {
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

// leave takes leave of a viewer; cut says why it was sent away, empty if it went by itself.
func (a *audience) leave(v *viewer, cut string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.viewers, v)
	less(a.cameras, v.camera)
	less(a.hosts, v.address)
	if a.past[v.seat] == nil {
		a.past[v.seat] = &tally{}
	}
	a.past[v.seat].add(v.tally())
	if cut != "" {
		a.cut[[2]string{v.camera, cut}]++
	}
	a.gone.Done()
}

// less counts one down and forgets what has none left: addresses come and go without end.
func less(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// wait returns when nobody is left.
func (a *audience) wait() { a.gone.Wait() }
