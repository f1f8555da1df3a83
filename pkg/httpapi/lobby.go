package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"camd/pkg/wall"
)

// longestWall bounds the query of a wall's address: as many of the longest ids as may be, with room to spare.
const longestWall = 32 << 10

// beginWith returns the cameras that a wall's address names, each once.
func beginWith(r *http.Request) ([]string, *requestError) {
	if n := len(r.URL.RawQuery); n > longestWall {
		return nil, &requestError{http.StatusBadRequest, fmt.Sprintf("a query of %d bytes, want at most %d; subscribe to further cameras over the connection", n, longestWall)}
	}
	var begin []string
	there := map[string]bool{"": true}
	for id := range strings.SplitSeq(r.FormValue("cameras"), ",") {
		if there[id] {
			continue
		}
		if len(begin) == wall.Most {
			return nil, &requestError{http.StatusBadRequest, fmt.Sprintf("?cameras= names more than %d, as many as one connection may have", wall.Most)}
		}
		there[id] = true
		begin = append(begin, id)
	}
	return begin, nil
}

// hostOf is an address without its port.
func hostOf(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}

// enter admits a wall's connection, which may have no camera yet or none for now, or says for people why not. There may be as
// many as viewers.
func (a *audience) enter(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit, err := a.wallsFull(address); err != nil {
		a.refused[limit]++
		return err
	}
	a.walls++
	a.lobby[address]++
	return nil
}

// wouldEnter returns the error that enter would return now. It admits and counts nothing.
func (a *audience) wouldEnter(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := a.wallsFull(address)
	return err
}

// wallsFull returns the limit that another wall from an address would exceed, and an error for people. a.mu must be held.
func (a *audience) wallsFull(address string) (string, error) {
	l := a.limits
	switch {
	case a.walls >= l.Viewers:
		return fullTotal, fmt.Errorf("%d walls are connected, as many as this server allows viewers; try again later", a.walls)
	case l.PerAddress > 0 && a.lobby[address] >= l.PerAddress && address != nearby:
		return fullAddress, fmt.Errorf("%d walls are connected from your address, as many as may; close one", l.PerAddress)
	}
	return "", nil
}

// exit is a wall's end.
func (a *audience) exit(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.walls--
	less(a.lobby, address)
}
