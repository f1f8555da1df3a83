package viewers

import (
	"fmt"

	"camd/pkg/httpapi/request"
)

// AddWall admits the connection of a wall, with cameras or without, or returns for people why not. There may be as many as viewers.
func (a *Registry) AddWall(address string) error {
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

// CheckWall returns the error that AddWall would return now. It admits and counts nothing.
func (a *Registry) CheckWall(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := a.exceededWallLimit(address)
	return err
}

// exceededWallLimit returns the limit that another wall from an address would exceed, and the error for its user. a.mu must be held.
func (a *Registry) exceededWallLimit(address string) (string, error) {
	l := a.limits
	switch {
	case a.wallConns >= l.Viewers:
		return LimitViewers, fmt.Errorf("%d walls are connected, as many as this server allows viewers; try again later", a.wallConns)
	case l.PerAddress > 0 && a.wallConnsPerAddress[address] >= l.PerAddress && address != request.UnixAddress:
		return LimitPerAddress, fmt.Errorf("%d walls are connected from your address, as many as may; close one", l.PerAddress)
	}
	return "", nil
}

// RemoveWall removes the connection of a wall.
func (a *Registry) RemoveWall(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wallConns--
	decrement(a.wallConnsPerAddress, address)
}
