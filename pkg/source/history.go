package source

import (
	"strings"

	"camd/pkg/camera"
)

// remembered is how many changes of state a camera remembers: of one that fails all the time, and is tried twice a
// minute, an hour's.
const remembered = 100

// longestDetail is how many bytes of a detail are remembered: a capture process may say a lot.
const longestDetail = 1000

// past is a ring of the newest changes of state.
type past struct {
	changes [remembered]camera.Change
	count   int // ever
}

// History returns the last 100 changes of the camera's state or of the reason for it, newest first.
func (l *ledger) History() []camera.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.past
	list := make([]camera.Change, min(p.count, remembered))
	for i := range list {
		list[i] = p.changes[(p.count-1-i)%remembered]
	}
	return list
}

// remember notes a change, or, if it is none, that the newest is told in other words now.
func (l *ledger) remember(c camera.Change, news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Detail = strings.ToValidUTF8(c.Detail[:min(len(c.Detail), longestDetail)], "")
	p := &l.past
	if !news && p.count > 0 {
		p.changes[(p.count-1)%remembered].Detail = c.Detail
		return
	}
	p.changes[p.count%remembered] = c
	p.count++
}
