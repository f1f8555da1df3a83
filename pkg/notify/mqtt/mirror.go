package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

// schema is the version of a camera's state as it is published; docs/alerts.md describes it.
const schema = 1

// What the status topic says.
const (
	online  = "online"
	offline = "offline"
)

// message is what the broker should hold.
type message struct {
	topic   string
	payload []byte
}

// state is a camera's state as it is published.
type state struct {
	Version    int           `json:"version"`
	Site       string        `json:"site"`
	Camera     string        `json:"camera"`
	Title      string        `json:"title"`
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Detail     string        `json:"detail"`
	Since      time.Time     `json:"since"`
	Trouble    bool          `json:"trouble"`
	Viewers    int           `json:"viewers"`
}

// picture is a camera's, as it was taken for the broker.
type picture struct {
	taken time.Time
	of    time.Time // the state that it belongs to
	jpeg  []byte
}

// wanted returns what the broker should hold now.
func (c *Client) wanted(now time.Time) []message {
	_, cameras := c.watcher.Look(now)
	viewers := c.opts.Viewers()
	all := []message{{c.status(), []byte(online)}}
	there := map[string]bool{}
	for _, cam := range cameras {
		there[cam.ID] = true
		if c.opts.Discovery != "" {
			all = append(all, message{c.discoveryTopic(cam.ID), c.discovery(cam)})
		}
		history := cam.History()
		if len(history) == 0 {
			continue // it has not begun
		}
		all = append(all, message{c.topic(cam.ID, "state"), c.state(cam, history[0], viewers[cam.ID])})
		if jpeg := c.picture(cam, history[0], now); len(jpeg) > 0 {
			all = append(all, message{c.topic(cam.ID, "snapshot"), jpeg})
		}
	}
	maps.DeleteFunc(c.pictures, func(id string, _ picture) bool { return !there[id] })
	return all
}

func (c *Client) state(cam notify.Camera, now camera.Change, viewers int) []byte {
	return write(state{
		Version: schema, Site: c.opts.Site, Camera: cam.ID, Title: cam.Title,
		State: now.State, Reason: now.Reason, ReasonText: now.Reason.Text(), Detail: now.Detail, Since: now.Since.UTC().Truncate(time.Millisecond),
		Trouble: c.watcher.InTrouble(cam.ID), Viewers: viewers,
	})
}

// write is v as JSON.
func write(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and times always can be written
	}
	return b
}

// picture returns the camera's newest picture, taken anew when it is time, and when the state has changed: what is shown of a
// camera that was switched off, or is gone, must say so.
func (c *Client) picture(cam notify.Camera, now camera.Change, at time.Time) []byte {
	if c.opts.Snapshots == 0 {
		return nil
	}
	p := c.pictures[cam.ID]
	if at.Sub(p.taken) >= c.opts.Snapshots-notify.Interval/2 || !p.of.Equal(now.Since) {
		p = picture{at, now.Since, cam.Picture()}
		c.pictures[cam.ID] = p
	}
	return p.jpeg
}

// begin makes a new connection known, and that it is not known what the broker holds.
func (c *Client) begin(ctx context.Context, conn *autopaho.ConnectionManager) {
	c.held = map[string][]byte{}
	if c.opts.Snapshots == 0 { // there may be old ones
		for _, cam := range c.opts.Cameras() {
			c.held[c.topic(cam.ID, "snapshot")] = nil
		}
	}
	subscriptions := []paho.SubscribeOptions{{Topic: c.topic("+", "state"), QoS: 1, NoLocal: true}}
	if c.opts.Switch != nil {
		subscriptions = append(subscriptions, paho.SubscribeOptions{Topic: c.topic("+", "set"), QoS: 1})
	}
	if _, err := conn.Subscribe(ctx, &paho.Subscribe{Subscriptions: subscriptions}); err != nil && ctx.Err() == nil {
		c.log.Warn("mqtt subscription", zap.Error(err))
	}
}

// publish makes the broker hold what is wanted, and nothing else of what it was told.
func (c *Client) publish(ctx context.Context, conn *autopaho.ConnectionManager, want []message, largest uint32) {
	c.mu.Lock()
	found := c.found
	c.found = nil
	c.mu.Unlock()
	for _, id := range found {
		if !c.has(id) {
			for _, topic := range c.topics(id) {
				c.held[topic] = nil
			}
		}
	}
	topics := map[string]bool{}
	for _, m := range want {
		topics[m.topic] = true
	}
	for _, topic := range slices.Sorted(maps.Keys(c.held)) {
		if !topics[topic] {
			want = append(want, message{topic, nil})
		}
	}
	for _, m := range want {
		if held := c.held[m.topic]; held != nil && bytes.Equal(held, m.payload) {
			continue
		}
		if !c.send(ctx, conn, m, largest) {
			return
		}
		c.held[m.topic] = m.payload
		if m.payload == nil {
			delete(c.held, m.topic)
		}
	}
}

// send publishes a message, and reports whether the broker has dealt with it.
func (c *Client) send(ctx context.Context, conn *autopaho.ConnectionManager, m message, largest uint32) bool {
	const overhead = 32 // of a packet, beside topic and payload
	if largest > 0 && len(m.topic)+len(m.payload)+overhead > int(largest) {
		c.refused(m, "larger than the broker takes")
		return true
	}
	answer, err := conn.Publish(ctx, &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: 1, Retain: true})
	switch {
	case err == nil:
		c.opts.Count(Delivered)
		return true
	case answer != nil: // the broker's own word: it will say the same again
		c.refused(m, err.Error())
		return true
	case ctx.Err() == nil && !errors.Is(err, autopaho.ConnectionDownError):
		c.opts.Count(Failed)
		c.log.Warn("mqtt message not sent", zap.String("topic", m.topic), zap.Error(err))
	}
	return false
}

func (c *Client) refused(m message, problem string) {
	c.opts.Count(Failed)
	c.log.Warn("mqtt message refused", zap.String("topic", m.topic), zap.Int("bytes", len(m.payload)), zap.String("problem", clip(problem)))
}
