package fanout

import (
	"strings"
	"testing"
	"time"

	"camd/pkg/broker"
)

func TestAlive(t *testing.T) {
	topic := broker.NewTopic("yard/main", broker.Options{})
	held, hold := make(chan struct{}), make(chan struct{})
	f := New(Options{RepeatAfter: time.Millisecond, Aged: func(*broker.Topic, []time.Duration) { held <- struct{}{}; <-hold }})
	defer f.Close()
	if err := f.Alive(time.Now().Add(time.Hour)); err != nil {
		t.Errorf("without viewers: %v", err)
	}
	join(t, f, topic, nil)
	begin := time.Now()
	eventually(t, "the sender comes round without a frame", func() bool { return f.Alive(begin) == nil })
	topic.Publish(frame(1, 1000))
	<-held
	if err := f.Alive(time.Now()); err == nil || !strings.HasPrefix(err.Error(), "stream yard/main: its sender has not come round since ") {
		t.Errorf("held: %v", err)
	}
	close(hold)
	begin = time.Now()
	eventually(t, "the sender goes on", func() bool { return f.Alive(begin) == nil })
}
