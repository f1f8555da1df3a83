package source

import (
	"context"
	"time"

	"camd/pkg/source/reach"
	"camd/pkg/source/spec"
)

// knock is an attempt to reach a network camera's server. It comes before a process is started for the camera, so that
// the dead cameras of a large installation cost the live ones nothing. A nil one never answers.
type knock struct {
	answered chan error // takes one
	cancel   context.CancelFunc
	ended    chan struct{}
}

func newKnock(src spec.Source, timeout time.Duration) *knock {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	k := &knock{answered: make(chan error, 1), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(k.ended)
		k.answered <- reach.Try(ctx, src)
	}()
	return k
}

// answer returns the channel on which the outcome comes.
func (k *knock) answer() <-chan error {
	if k == nil {
		return nil
	}
	return k.answered
}

// close gives up, if need be, and returns when it has ended.
func (k *knock) close() {
	if k != nil {
		k.cancel()
		<-k.ended
	}
}
