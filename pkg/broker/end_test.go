package broker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// A reader gets the frames before the end and then always ErrEnded, also if it waited or subscribed late.
func TestNextReturnsErrEndedAfterTheLastFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := NewTopic("camera", Options{})
		waiting, behind := topic.Subscribe(Latest), topic.Subscribe(InOrder)
		defer waiting.Close()
		defer behind.Close()
		waitErr := make(chan error, 1)
		go func() {
			_, err := waiting.Next(context.Background())
			waitErr <- err
		}()
		synctest.Wait()
		select {
		case <-topic.Ended():
			t.Fatal("it has ended before it ended")
		default:
		}
		topic.End()
		topic.End()
		if err := <-waitErr; !errors.Is(err, ErrEnded) {
			t.Errorf("the waiting reader got %v", err)
		}
		topic = NewTopic("camera", Options{})
		behind = topic.Subscribe(InOrder)
		publishUntil(topic, 2)
		topic.End()
		late := topic.Subscribe(Latest)
		for _, c := range []struct {
			reader *Subscription
			seqs   []uint64
		}{{behind, []uint64{1, 2}}, {late, []uint64{2}}} {
			for _, want := range c.seqs {
				if f, err := c.reader.Next(t.Context()); err != nil || f.Seq != want {
					t.Errorf("got %+v, %v; want frame %d", f, err, want)
				}
			}
			if f, err := c.reader.Next(t.Context()); !errors.Is(err, ErrEnded) {
				t.Errorf("got %+v, %v at the end", f, err)
			}
			c.reader.Close()
		}
	})
}
