package viewers

import (
	"fmt"

	"camd/pkg/httpapi/request"
)

// AddWall admits the connection of a wall, with or without cameras, or returns an error with the reason for its user. The limits are those
// for viewers.
func (r *Registry) AddWall(address string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit, err := r.exceededWallLimit(address); err != nil {
		r.refused[limit]++
		return err
	}
	r.wallConns++
	r.wallConnsPerAddress[address]++
	return nil
}

// CheckWall returns the error that AddWall would return now. It admits and counts nothing.
func (r *Registry) CheckWall(address string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.exceededWallLimit(address)
	return err
}

// exceededWallLimit returns the limit that another wall from an address would exceed, and the error to show to its user. r.mu must be
// held.
func (r *Registry) exceededWallLimit(address string) (string, error) {
	l := r.limits
	switch {
	case r.wallConns >= l.Viewers:
		return LimitViewers, fmt.Errorf("the limit of %d open dashboards is reached: try again later", l.Viewers)
	case l.PerAddress > 0 && r.wallConnsPerAddress[address] >= l.PerAddress && address != request.UnixAddress:
		return LimitPerAddress, fmt.Errorf("the limit of %d open dashboards for your address is reached: close one", l.PerAddress)
	}
	return "", nil
}

// RemoveWall removes the connection of a wall.
func (r *Registry) RemoveWall(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wallConns--
	decrement(r.wallConnsPerAddress, address)
}
