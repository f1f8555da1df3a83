package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// hub distributes frames as the tutorials do: with a map of channels and a mutex.
type hub struct {
	mu      sync.Mutex
	viewers map[chan []byte]struct{}
}

// broadcast sends the frame to every viewer. A viewer whose channel is full loses it.
func (h *hub) broadcast(jpeg []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.viewers {
		select {
		case c <- jpeg:
		default:
		}
	}
}

func (h *hub) join() chan []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := make(chan []byte, 4)
	h.viewers[c] = struct{}{}
	return c
}

func (h *hub) leave(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.viewers, c)
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	c := h.join()
	defer h.leave(c)
	for {
		select {
		case jpeg := <-c:
			frame := make([]byte, len(jpeg))
			copy(frame, jpeg)
			fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(frame))
			if _, err := w.Write(frame); err != nil {
				return
			}
			fmt.Fprintf(w, "\r\n")
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
		case <-r.Context().Done():
			return
		}
	}
}

// serveTutorial serves frames like the better of the tutorials: nothing in it blocks or races.
func serveTutorial(ctx context.Context, l net.Listener, p publisher) error {
	h := &hub{viewers: map[chan []byte]struct{}{}}
	srv := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return ctx }}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	published := make(chan error, 1)
	go func() {
		frames := newTemplate(p.size)
		published <- p.run(ctx, func(seq uint64, due int64) {
			jpeg := make([]byte, p.size)
			frames.fill(jpeg, seq, due)
			h.broadcast(jpeg)
		})
	}()
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	err := srv.Serve(l)
	cancel()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, <-published)
}
