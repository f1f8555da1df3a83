package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// webDriver is a connection to a browser that speaks WebDriver BiDi (https://w3c.github.io/webdriver-bidi/).
type webDriver struct {
	conn    *websocket.Conn
	onEvent func(method string, params json.RawMessage)
	reading sync.WaitGroup

	mu      sync.Mutex
	next    int
	answers map[int]chan driverAnswer
	err     error // why the connection ended
}

// driverAnswer is an answer to a command, or an event.
type driverAnswer struct {
	ID     int
	Type   string
	Method string // of an event
	Params json.RawMessage
	Result json.RawMessage
	Error  string
	Text   string `json:"message"` // of an error
}

var errDriverClosed = errors.New("the browser has closed the connection")

// dialDriver connects to a browser. onEvent is called for each event, and must not call the driver.
func dialDriver(ctx context.Context, address string, onEvent func(string, json.RawMessage)) (*webDriver, error) {
	conn, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(64 << 20) // screenshots
	d := &webDriver{conn: conn, onEvent: onEvent, answers: map[int]chan driverAnswer{}}
	d.reading.Go(func() { d.end(d.read(ctx)) })
	return d, nil
}

func (d *webDriver) read(ctx context.Context) error {
	for {
		_, b, err := d.conn.Read(ctx)
		if err != nil {
			return err
		}
		var a driverAnswer
		if err := json.Unmarshal(b, &a); err != nil {
			return err
		}
		if a.Type == "event" {
			d.onEvent(a.Method, a.Params)
			continue
		}
		d.mu.Lock()
		answer := d.answers[a.ID]
		delete(d.answers, a.ID)
		d.mu.Unlock()
		if answer != nil {
			answer <- a
		}
	}
}

// end lets all commands that wait fail.
func (d *webDriver) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = errors.Join(errDriverClosed, err)
	for id, answer := range d.answers {
		close(answer)
		delete(d.answers, id)
	}
}

// close closes the connection and returns when no event follows.
func (d *webDriver) close() {
	_ = d.conn.CloseNow()
	d.reading.Wait()
}

// command sends a command and decodes its result unless result is nil.
func (d *webDriver) command(ctx context.Context, method string, params, result any) error {
	answer, id, err := d.expectAnswer()
	if err != nil {
		return err
	}
	b, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	if err := d.conn.Write(ctx, websocket.MessageText, b); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case a, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("%s: %w", method, errDriverClosed)
		case a.Type == "error":
			return fmt.Errorf("%s: %s: %s", method, a.Error, a.Text)
		case result == nil:
			return nil
		}
		return json.Unmarshal(a.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

func (d *webDriver) expectAnswer() (answer chan driverAnswer, id int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, 0, d.err
	}
	d.next++
	answer = make(chan driverAnswer, 1)
	d.answers[d.next] = answer
	return answer, d.next, nil
}
