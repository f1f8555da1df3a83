package source

import (
	"strings"

	"camd/pkg/camera"
)

// maxHistory is how many changes of state a camera remembers: of one that fails all the time, and is tried twice a
// minute, an hour's.
const maxHistory = 100

// maxDetailBytes is how many bytes of a detail are remembered: a capture process may say a lot.
const maxDetailBytes = 1000

// history is a ring of the newest changes of state.
type stateHistory struct {
	changes [maxHistory]camera.StateChange
	count   int // ever
}

// History returns the last 100 changes of the camera's state or of the reason for it, newest first.
func (l *stats) History() []camera.StateChange {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.history
	list := make([]camera.StateChange, min(p.count, maxHistory))
	for i := range list {
		list[i] = p.changes[(p.count-1-i)%maxHistory]
	}
	return list
}

// recordChange adds a change, or, if it is not new, replaces the detail of the newest.
func (l *stats) recordChange(c camera.StateChange, isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Detail = strings.ToValidUTF8(c.Detail[:min(len(c.Detail), maxDetailBytes)], "")
	p := &l.history
	if !isNew && p.count > 0 {
		p.changes[(p.count-1)%maxHistory].Detail = c.Detail
		return
	}
	p.changes[p.count%maxHistory] = c
	p.count++
}
