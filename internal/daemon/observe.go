//go:build !testhook

package daemon

import "camd/pkg/source"

// wrapObserver passes on what observes a camera; in a camd built for make test-systemd it is where a supervisor can be blocked.
func wrapObserver(_ string, o source.Observer) source.Observer { return o }
