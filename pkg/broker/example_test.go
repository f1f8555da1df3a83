package broker_test

import (
	"context"
	"fmt"
	"time"

	"camd/pkg/broker"
)

// One camera, one live viewer that was slow for a while, and one recorder.
func Example() {
	front := broker.NewTopic("front-door", broker.Options{Depth: 4})
	viewer, recorder := front.Subscribe(broker.Latest), front.Subscribe(broker.InOrder)
	defer viewer.Close()
	defer recorder.Close()

	for n := range 6 {
		front.Publish(broker.Frame{Captured: time.Now(), Data: []byte{byte(n)}})
	}

	ctx := context.Background()
	f, _ := viewer.Next(ctx)
	fmt.Println("viewer: frame", f.Seq, "after", viewer.Stats().Dropped.Late, "late frames")
	for f := recorder.TryNext(); f != nil; f = recorder.TryNext() {
		fmt.Println("recorder: frame", f.Seq, "after", recorder.Stats().Dropped.Lapped, "lapped frames")
	}
	// Output:
	// viewer: frame 6 after 5 late frames
	// recorder: frame 3 after 2 lapped frames
	// recorder: frame 4 after 2 lapped frames
	// recorder: frame 5 after 2 lapped frames
	// recorder: frame 6 after 2 lapped frames
}

// A publisher encodes only while somebody watches.
func ExampleTopic_Demand() {
	topic := broker.NewTopic("front-door/preview", broker.Options{})
	viewer := topic.Subscribe(broker.Latest)
	<-topic.DemandChanged()
	fmt.Println("encode:", topic.Wanted())
	viewer.Close()
	<-topic.DemandChanged()
	fmt.Println("encode:", topic.Wanted())
	// Output:
	// encode: true
	// encode: false
}
