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
		front.Publish(broker.Frame{Captured: time.Now(), JPEG: []byte{byte(n)}})
	}

	ctx := context.Background()
	f, _ := viewer.Next(ctx)
	fmt.Println("viewer: frame", f.Seq, viewer.Stats())
	for f := recorder.TryNext(); f != nil; f = recorder.TryNext() {
		fmt.Println("recorder: frame", f.Seq, recorder.Stats())
	}
	// Output:
	// viewer: frame 6 {1 5}
	// recorder: frame 3 {1 2}
	// recorder: frame 4 {2 2}
	// recorder: frame 5 {3 2}
	// recorder: frame 6 {4 2}
}

// A publisher encodes only while somebody watches.
func ExampleTopic_Demand() {
	topic := broker.NewTopic("front-door/preview", broker.Options{})
	viewer := topic.Subscribe(broker.Latest)
	<-topic.Demand()
	fmt.Println("encode:", topic.Wanted())
	viewer.Close()
	<-topic.Demand()
	fmt.Println("encode:", topic.Wanted())
	// Output:
	// encode: true
	// encode: false
}
