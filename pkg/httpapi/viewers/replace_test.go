package viewers

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/audit"
	"camd/pkg/broker"
)

// newViewer returns a viewer of camera a that counts how often it is disconnected.
func newViewer(rendition string, disconnected *int) *Viewer {
	v := New(Key{"a", rendition, "websocket"}, httptest.NewRequest(http.MethodGet, "http://localhost/", nil), false)
	v.Disconnect = func() { *disconnected++ }
	return v
}

func newTestTopic() *broker.Topic { return broker.NewTopic("a", broker.Options{}) }

// A viewer that continues with another track is not refused by limits that are full of it, and is counted once.
func TestReplaceKeepsCounts(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	r := NewRegistry(Options{Audit: audit.New(zap.New(core))})
	r.SetLimits(Limits{Viewers: 1, PerCamera: 1, PerAddress: 1, TotalBytesPerSecond: 1})
	var disconnected int
	old, next := newViewer("video", &disconnected), newViewer("sub", &disconnected)
	if err := r.Add(old, newTestTopic()); err != nil {
		t.Fatal(err)
	}
	old.RecordSent(&broker.Frame{Captured: time.Now()})
	old.Bytes.Add(5000)
	id := old.ID
	r.Replace(old, next, newTestTopic())
	next.RecordSent(&broker.Frame{Captured: time.Now()})
	next.Bytes.Add(50)
	s := r.Stats()
	if r.Count() != 1 || r.CountPerCamera()["a"] != 1 || s.Connected[next.Key] != 1 || s.Connected[old.Key] != 0 || len(s.Cut) != 0 || next.ID != id {
		t.Errorf("%d viewers, %+v", r.Count(), s)
	}
	if s.Totals[old.Key] != (Totals{Sent: 1, Bytes: 5000}) || s.Totals[next.Key] != (Totals{Sent: 1, Bytes: 50}) {
		t.Errorf("got %v", s.Totals)
	}
	for limit, n := range s.Refused {
		if n != 0 {
			t.Errorf("%s refused %d", limit, n)
		}
	}
	r.Remove(next, "")
	r.Wait()
	if len(r.perCamera)+len(r.perAddress)+r.Count()+disconnected != 0 {
		t.Errorf("%v %v remembered, %d disconnected", r.perCamera, r.perAddress, disconnected)
	}
	var got [][3]any
	for _, e := range logs.All() {
		m := e.ContextMap()
		got = append(got, [3]any{e.Message, m["rendition"], m["reason"]})
	}
	want := [][3]any{{"view.begin", "video", nil}, {"view.end", "video", "track"}, {"view.begin", "sub", nil}, {"view.end", "sub", "left"}}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

// Access that is lost before or after a viewer continues with another track ends the viewer once, with that reason.
func TestReplaceKeepsLostAccess(t *testing.T) {
	for _, lostBefore := range []bool{true, false} {
		core, logs := observer.New(zap.InfoLevel)
		r := NewRegistry(Options{Audit: audit.New(zap.New(core))})
		r.SetLimits(Limits{Viewers: 1})
		var disconnected int
		old, next := newViewer("video", &disconnected), newViewer("sub", &disconnected)
		if err := r.Add(old, newTestTopic()); err != nil {
			t.Fatal(err)
		}
		if lostBefore {
			old.RevokeAccess()
		}
		r.Replace(old, next, newTestTopic())
		old.RevokeAccess() // by a check that had listed it before
		next.RevokeAccess()
		r.Remove(next, "")
		if s := r.Stats(); disconnected != 1 || len(s.Cut) != 1 || s.Cut[[2]string{"a", CutAccess}] != 1 {
			t.Errorf("lost before: %v: disconnected %d times, %v", lostBefore, disconnected, s.Cut)
		}
		ends := logs.FilterMessage(string(audit.ViewEnd)).All()
		if len(ends) != 2 || ends[0].ContextMap()["reason"] != replacedReason || ends[1].ContextMap()["reason"] != CutAccess {
			t.Errorf("lost before: %v: %v", lostBefore, ends)
		}
	}
}

// At every moment a viewer that changes its track is one viewer, and Wait does not return between.
func TestReplaceIsAtomic(t *testing.T) {
	r := NewRegistry(Options{})
	r.SetLimits(Limits{Viewers: 1})
	var disconnected int
	v := newViewer("video", &disconnected)
	if err := r.Add(v, newTestTopic()); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	stop, waited := make(chan struct{}), make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if s := r.Stats(); r.Count() != 1 || s.Connected[Key{"a", "video", "websocket"}]+s.Connected[Key{"a", "sub", "websocket"}] != 1 {
				t.Errorf("%v", s.Connected)
				return
			}
			if err := r.Add(newViewer("main", new(int)), newTestTopic()); err == nil {
				t.Error("another viewer was admitted meanwhile")
				return
			}
		}
	})
	go func() { defer close(waited); r.Wait() }()
	for i := range 2000 {
		next := newViewer([]string{"sub", "video"}[i%2], &disconnected)
		r.Replace(v, next, newTestTopic())
		v = next
	}
	select {
	case <-waited:
		t.Error("Wait returned while a viewer was there")
	default:
	}
	close(stop)
	readers.Wait()
	r.Remove(v, "")
	<-waited
}
