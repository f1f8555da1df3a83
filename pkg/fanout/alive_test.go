package fanout

import (
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
)

func TestAliveNamesTheStreamOfASenderThatHangs(t *testing.T) {
	topic := broker.NewTopic("yard/main", broker.Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	f := New(Options{RepeatAfter: time.Millisecond, ObserveAges: func(*broker.Topic, []time.Duration) { entered <- struct{}{}; <-release }})
	defer f.Close()
	if err := f.Alive(time.Now().Add(time.Hour)); err != nil {
		t.Errorf("without viewers: %v", err)
	}
	addViewer(t, f, topic, nil)
	begin := time.Now()
	testrun.WaitFor(t, "the sender to complete a loop without a frame", func() bool { return f.Alive(begin) == nil })
	topic.Publish(frame(1, 1000))
	<-entered
	if err := f.Alive(time.Now()); err == nil || !strings.HasPrefix(err.Error(), "stream yard/main: its sender has not responded since ") {
		t.Errorf("held: %v", err)
	}
	close(release)
	begin = time.Now()
	testrun.WaitFor(t, "the sender to continue", func() bool { return f.Alive(begin) == nil })
}
