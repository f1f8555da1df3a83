package fanout

import (
	"testing"
	"testing/synctest"
	"time"

	"camd/pkg/broker"
)

// deadlineRecorder is a connection that has a write deadline and nothing else.
type deadlineRecorder struct {
	Conn
	deadline time.Time
	afterSet func() // called once
}

func (d *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	d.deadline = t
	if f := d.afterSet; f != nil {
		d.afterSet = nil
		f()
	}
	return nil
}

func TestDrainTimeoutBoundsDeadlinesOnceTheFanoutCloses(t *testing.T) {
	const drain, short, long = time.Second, time.Millisecond, time.Minute
	for name, tt := range map[string]struct {
		timeout     time.Duration
		closeBefore bool // before the deadline is set
		closeAfter  bool // right after it is set
		want        time.Duration
	}{
		"open":              {long, false, false, long},
		"closed":            {long, true, false, drain},
		"closed, and short": {short, true, false, short},
		"closes meanwhile":  {long, false, true, drain},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := &deadlineRecorder{}
				f := New(Options{DrainTimeout: drain})
				s := &sender{Fanout: f, topic: broker.NewTopic("t", broker.Options{})}
				if tt.closeBefore {
					close(f.closing)
				}
				if tt.closeAfter {
					conn.afterSet = func() { close(f.closing) }
				}
				p := &pendingWrite{sender: s, viewer: &Viewer{Conn: conn}}
				if err := p.SetWriteDeadline(time.Now().Add(tt.timeout)); err != nil {
					t.Fatal(err)
				}
				if got := time.Until(conn.deadline); got != tt.want {
					t.Errorf("deadline in %v, want %v", got, tt.want)
				}
			})
		})
	}
}
