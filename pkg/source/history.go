package source

import (
	"strings"

	"camd/pkg/camera"
)

// maxHistory is how many changes of state a camera keeps. For a camera that always fails, and is opened twice a minute, they cover
// about an hour.
const maxHistory = 100

// maxDetailBytes bounds the bytes of a detail in the history: a capture process can send more.
const maxDetailBytes = 1000

// stateHistory is a ring of the newest changes of state.
type stateHistory struct {
	changes [maxHistory]camera.StateChange
	count   int // of all changes so far
}

// History returns the newest changes of the camera's state or its reason, at most 100, newest first.
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

// recordChange adds a change to the history. If isNew is false, it only replaces the detail of the newest change.
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
