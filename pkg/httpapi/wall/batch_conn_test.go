package wall

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"net/http"
	"net/http/httptest"
)

// writeCounter is a connection that keeps the writes that it gets.
type writeCounter struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
	err    error
}

func (w *writeCounter) SetWriteDeadline(time.Time) error { return nil }

func (w *writeCounter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	w.writes = append(w.writes, bytes.Clone(b))
	return len(b), nil
}

func TestBatchIsOneWrite(t *testing.T) {
	w := &writeCounter{}
	b := newBatchConn(&progressConn{Conn: w, timeout: time.Minute})
	write := func(text string) {
		t.Helper()
		if n, err := b.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("wrote %d bytes: %v", n, err)
		}
	}
	write("pong")
	b.collect()
	write("a")
	write("ping")
	write("b")
	if err := b.flush(); err != nil {
		t.Error(err)
	}
	b.collect()
	if err := b.flush(); err != nil { // there is nothing
		t.Error(err)
	}
	write("close")
	if got := bytes.Join(w.writes, []byte("|")); string(got) != "pong|apingb|close" {
		t.Errorf("the writes are %s", got)
	}
	w.writes = nil
	b.collect()
	for _, size := range []int{0, 125, 126, 0xffff, 0x10000} {
		if err := b.addMessage(frameBinary, make([]byte, size/2), make([]byte, size-size/2)); err != nil {
			t.Error(err)
		}
	}
	_ = b.flush()
	if got := len(w.writes[0]); got != 0+125+126+0xffff+0x10000+2*2+2*4+10 {
		t.Errorf("messages have %d bytes", got)
	}
	write("\x88\x00")
	if err := b.addMessage(frameText, nil, []byte("late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a message after the close frame: %v", err)
	}
	w.err = io.ErrClosedPipe
	b.collect()
	write("c")
	if err := b.flush(); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if _, err := b.Write([]byte("d")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// A control frame does not wait for a batch that a slow client takes. It follows that batch. The number of those that wait is bounded.
func TestControlFramesFollowABlockedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local, remote := net.Pipe()
		defer remote.Close()
		b := newBatchConn(&progressConn{Conn: local, timeout: time.Minute})
		b.collect()
		_, _ = b.Write([]byte("batch"))
		var writing sync.WaitGroup
		writing.Go(func() {
			if err := b.flush(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if !b.isBusy() {
			t.Error("the batch is not being written")
		}
		for _, text := range []string{"ping", "pong"} {
			if _, err := b.Write([]byte(text)); err != nil {
				t.Error(err)
			}
		}
		if _, err := b.Write(make([]byte, maxPending)); !errors.Is(err, errPending) {
			t.Errorf("too much: %v", err)
		}
		got := make([]byte, len("batchpingpong"))
		if _, err := io.ReadFull(remote, got); err != nil || string(got) != "batchpingpong" {
			t.Errorf("%s, %v", got, err)
		}
		writing.Wait()
		if b.isBusy() {
			t.Error("busy without a write")
		}
	})
}

// Messages of several goroutines stay whole, and none is lost.
func TestConcurrentWritesStayWhole(t *testing.T) {
	w := &writeCounter{}
	b := newBatchConn(&progressConn{Conn: w, timeout: time.Minute})
	const messages = 1000 // so that all together are below maxPending
	var writing sync.WaitGroup
	for i := range 3 {
		writing.Go(func() {
			message := bytes.Repeat([]byte{byte('a' + i)}, 100)
			for range messages {
				if i == 0 {
					b.collect()
				}
				if _, err := b.Write(message); err != nil {
					t.Error(err)
				}
				if i == 0 { // the session
					if err := b.flush(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writing.Wait()
	all, counts := bytes.Join(w.writes, nil), map[byte]int{}
	for ; len(all) >= 100; all = all[100:] {
		if !bytes.Equal(all[:100], bytes.Repeat(all[:1], 100)) {
			t.Fatalf("mixed: %s", all[:100])
		}
		counts[all[0]]++
	}
	if counts['a'] != messages || counts['b'] != messages || counts['c'] != messages {
		t.Errorf("got %v", counts)
	}
}

// A client that takes bytes counts as alive, even if a ping is not answered.
func TestWriteProgressCountsAsLiveness(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		conn, err := Accept(w, r, time.Minute)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		s := &session{ctx: t.Context(), conn: conn, opts: sessionOptions{pongTimeout: 50 * time.Millisecond}}
		conn.batch.isWriting = true
		if !s.isResponsive() {
			t.Error("cut while something is written")
		}
		conn.batch.isWriting = false
		if s.isResponsive() {
			t.Error("found somebody who answers nothing")
		}
		s.opts.pongTimeout = time.Second // a busy machine needs more time for the writes below
		stop, writing := make(chan struct{}), sync.WaitGroup{}
		writing.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					conn.batch.slowWrites.Add(1)
				}
			}
		})
		if !s.isResponsive() {
			t.Error("cut while it takes a message")
		}
		close(stop)
		writing.Wait()
	}))
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() // and nobody reads
	<-done
}
