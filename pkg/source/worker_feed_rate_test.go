package source

import (
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// fedWorker is a decoder whose process the test is.
type fedWorker struct {
	*worker
	in *wire.Reader
}

func newFedWorker(t *testing.T) *fedWorker {
	t.Helper()
	pipes, err := newWorkerPipes()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pipes.closeChild)
	t.Cleanup(pipes.closeParent)
	_ = pipes.childCommands.SetReadDeadline(time.Now().Add(testrun.Deadline))
	w := &fedWorker{
		worker: &worker{commandPipe: pipes.commands, commandWriter: wire.NewWriter(pipes.commands), host: &readerSession{}},
		in:     wire.NewReader(pipes.childCommands),
	}
	w.send(wire.Hello{Version: wire.Version})
	w.next(t)
	return w
}

// next returns the next message, without its frame.
func (w *fedWorker) next(t *testing.T) wire.Message {
	t.Helper()
	m, err := w.in.Next()
	if err != nil {
		t.Fatal(err)
	}
	switch m.(type) {
	case wire.Frame, wire.VideoFrame:
		if err := w.in.SkipPicture(); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// counts returns the numbers of the video frames up to one.
func (w *fedWorker) counts(t *testing.T, last uint64) (list []wire.VideoFrame) {
	t.Helper()
	for {
		if f, ok := w.next(t).(wire.VideoFrame); ok {
			if list = append(list, f); f.Count == last {
				return list
			}
		}
	}
}

var videoFormat = &broker.Format{Codec: "h264", CodecString: "avc1.640028", Width: 32, Height: 16}

// Every frame of some cameras is a keyframe. A decoder for slow readers gets few of them.
func TestFewKeyframesAreFed(t *testing.T) {
	w := newFedWorker(t)
	topic := broker.NewTopic("cam/video", broker.Options{Depth: 128})
	begin := time.Now()
	publish := func(at time.Duration) uint64 {
		return topic.Publish(broker.Frame{Key: true, Captured: begin.Add(at), Format: videoFormat, Wire: []byte{1}}).Seq
	}
	publish(0)
	w.feedKeyframesOnly.Store(true)
	w.feedPeriod.Store(int64(time.Second))
	defer w.startFeeding(feedPlan{topic: topic, isVideo: true})()
	for i := range 50 {
		publish(time.Duration(i) * 40 * time.Millisecond)
	}
	if fed := w.counts(t, publish(time.Hour)); len(fed) < 4 || len(fed) > 6 {
		t.Errorf("%d keyframes of 2 s were sent", len(fed))
	}
}

// A leading picture is not decodable after its keyframe alone. If it is the newest one, the next picture follows soon all the same.
func TestFeedAfterLeadingFrame(t *testing.T) {
	w := newFedWorker(t)
	topic := broker.NewTopic("cam/video", broker.VideoOptions())
	frame := broker.Frame{Captured: time.Now(), Format: videoFormat, Wire: []byte{1}}
	key, leading := frame, frame
	key.Key, leading.Leading = true, true
	topic.Publish(key)
	topic.Publish(leading)
	w.feedKeyframesOnly.Store(true)
	defer w.startFeeding(feedPlan{topic: topic, isVideo: true})()
	topic.Publish(frame)
	topic.Publish(frame)
	fed := w.counts(t, topic.Publish(key).Seq)
	if len(fed) != 3 || !fed[0].Hidden || fed[0].Last || fed[1].Count != 3 || fed[1].Hidden || !fed[1].Last {
		t.Errorf("%+v", fed)
	}
}

// A reader that needs a JPEG soon does not wait for the end of the period of others.
func TestShorterPeriodOfJPEGs(t *testing.T) {
	w := newFedWorker(t)
	topic := broker.NewTopic("cam/main", broker.Options{})
	frame := broker.Frame{Key: true, Captured: time.Now(), Format: &broker.Format{Codec: media.JPEG}, Data: []byte{1}}
	topic.Publish(frame)
	w.feedPeriod.Store(int64(time.Hour))
	defer w.startFeeding(feedPlan{topic: topic})()
	w.next(t)
	w.feedPeriod.Store(0)
	frame.Captured = frame.Captured.Add(time.Millisecond)
	topic.Publish(frame)
	if f, ok := w.next(t).(wire.Frame); !ok || f.Count != 2 {
		t.Errorf("%+v", f)
	}
}

// No command is lost when feeding ends: the supervisor does not repeat them.
func TestCommandsAreSentAfterFeed(t *testing.T) {
	w := newFedWorker(t)
	stop := w.startFeeding(feedPlan{topic: broker.NewTopic("cam/main", broker.Options{})})
	for i := range maxQueuedCommands {
		w.send(wire.Demand{Period: time.Duration(i)})
	}
	stop()
	w.send(wire.Stop{})
	for i := range maxQueuedCommands {
		if d, ok := w.next(t).(wire.Demand); !ok || d.Period != time.Duration(i) {
			t.Fatalf("%d commands came", i)
		}
	}
}

// A decoder knows what to make of the newest frame before it gets it: a slow camera sends the next one much later.
func TestDemandComesBeforeFrames(t *testing.T) {
	c := New(rtspOptions(t, testpeer.MJPEG, ""))
	s := newPumpedSupervisor(t, c)
	d, w := s.decoder, newFedWorker(t)
	d.worker, d.loaded, d.demands = w.worker, true, map[uint8]wire.Demand{}
	d.holdSlot(d.queue.join())
	defer func() {
		d.stopFeeding()
		d.releaseSlots()
		d.worker = nil
	}()
	small, _ := c.Topic("small")
	sub := small.SubscribeEvery(broker.Latest, broker.One)
	defer sub.Close()
	s.updateDemand()
	first, second := w.next(t), w.next(t)
	if demand, ok := first.(wire.Demand); !ok || demand.Rendition != 1 || !demand.Wanted {
		t.Errorf("the first message is %+v", first)
	}
	if _, ok := second.(wire.Frame); !ok || d.state.State != camera.Starting {
		t.Errorf("the second message is %+v, it is %s", second, d.state.State)
	}
}
