package wall

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A write continues while bytes get through, and fails when none get through within the timeout.
func TestWriteFailsOnlyWithoutProgress(t *testing.T) {
	const timeout = 2 * time.Second
	for name, tt := range map[string]struct {
		every time.Duration
		want  error
	}{
		"slow": {timeout - time.Millisecond, nil},
		"dead": {2*timeout + time.Millisecond, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				local, remote := net.Pipe()
				var reader sync.WaitGroup
				defer reader.Wait()
				defer remote.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				reader.Go(func() {
					var err error
					for b := make([]byte, 1000); err == nil && ctx.Err() == nil; {
						_, err = io.ReadFull(remote, b)
						select {
						case <-time.After(tt.every):
						case <-ctx.Done():
						}
					}
				})
				f := &progressConn{Conn: local, timeout: timeout}
				n, err := f.Write(make([]byte, 290_000))
				if !errors.Is(err, tt.want) || tt.want == nil && n != 290_000 || f.slowWrites.Load() == 0 {
					t.Errorf("%d bytes, %v, moved %d times", n, err, f.slowWrites.Load())
				}
			})
		})
	}
}
