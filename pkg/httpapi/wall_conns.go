package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"camd/pkg/httpapi/wall"
)

// maxWallQuery bounds the query of a wall's address: as many of the longest ids as may be, with room to spare.
const maxWallQuery = 32 << 10

// initialCameras returns the cameras that a wall's address names, each once.
func initialCameras(r *http.Request) ([]string, *requestError) {
	if n := len(r.URL.RawQuery); n > maxWallQuery {
		return nil, &requestError{http.StatusBadRequest, fmt.Sprintf("a query of %d bytes, want at most %d; subscribe to further cameras over the connection", n, maxWallQuery)}
	}
	var cameras []string
	seen := map[string]bool{"": true}
	for id := range strings.SplitSeq(r.FormValue("cameras"), ",") {
		if seen[id] {
			continue
		}
		if len(cameras) == wall.MaxCameras {
			return nil, &requestError{http.StatusBadRequest, fmt.Sprintf("?cameras= names more than %d, as many as one connection may have", wall.MaxCameras)}
		}
		seen[id] = true
		cameras = append(cameras, id)
	}
	return cameras, nil
}

// withoutPort is an address without its port.
func withoutPort(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}

// addWall admits a wall's connection, which may have no camera yet or none for now, or says for people why not. There may be as
// many as viewers.
func (a *viewerRegistry) addWall(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit, err := a.exceededWallLimit(address); err != nil {
		a.refused[limit]++
		return err
	}
	a.wallConns++
	a.wallConnsPerAddress[address]++
	return nil
}

// checkWall returns the error that addWall would return now. It admits and counts nothing.
func (a *viewerRegistry) checkWall(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := a.exceededWallLimit(address)
	return err
}

// exceededWallLimit returns the limit that another wall from an address would exceed, and the error for its user. a.mu must be held.
func (a *viewerRegistry) exceededWallLimit(address string) (string, error) {
	l := a.limits
	switch {
	case a.wallConns >= l.Viewers:
		return limitViewers, fmt.Errorf("%d walls are connected, as many as this server allows viewers; try again later", a.wallConns)
	case l.PerAddress > 0 && a.wallConnsPerAddress[address] >= l.PerAddress && address != unixAddress:
		return limitPerAddress, fmt.Errorf("%d walls are connected from your address, as many as may; close one", l.PerAddress)
	}
	return "", nil
}

// removeWall is a wall's end.
func (a *viewerRegistry) removeWall(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wallConns--
	decrement(a.wallConnsPerAddress, address)
}
