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
	notify.CameraState
	Trouble bool `json:"trouble"`
	Viewers int  `json:"viewers"`
}

// snapshot is a camera's, as it was taken for the broker.
type snapshot struct {
	taken      time.Time
	stateSince time.Time // the state that it belongs to
	jpeg       []byte
}

// desired returns what the broker should hold now.
func (c *Client) desired(now time.Time) []message {
	_, cameras := c.watcher.Poll(now)
	viewers := c.opts.Viewers()
	all := []message{{c.statusTopic(), []byte(online)}}
	present := map[string]bool{}
	for _, cam := range cameras {
		present[cam.ID] = true
		if c.opts.Discovery != "" {
			all = append(all, message{c.discoveryTopic(cam.ID), c.discoveryPayload(cam)})
		}
		history := cam.History()
		if len(history) == 0 {
			continue // it has not begun
		}
		all = append(all, message{c.cameraTopic(cam.ID, "state"), c.statePayload(cam, history[0], viewers[cam.ID])})
		if jpeg := c.snapshot(cam, history[0], now); len(jpeg) > 0 {
			all = append(all, message{c.cameraTopic(cam.ID, "snapshot"), jpeg})
		}
	}
	maps.DeleteFunc(c.snapshots, func(id string, _ snapshot) bool { return !present[id] })
	return all
}

func (c *Client) statePayload(cam notify.Camera, now camera.StateChange, viewers int) []byte {
	return marshal(state{
		CameraState: notify.NewCameraState(c.opts.Site, cam.ID, cam.Title, now, now.Since),
		Trouble:     c.watcher.InTrouble(cam.ID), Viewers: viewers,
	})
}

// marshal is v as JSON.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and times always can be written
	}
	return b
}

// snapshot returns the camera's newest picture, taken anew when it is time, and when the state has changed: what is shown of a
// camera that was switched off, or is gone, must say so.
func (c *Client) snapshot(cam notify.Camera, now camera.StateChange, at time.Time) []byte {
	if c.opts.Snapshots == 0 {
		return nil
	}
	p := c.snapshots[cam.ID]
	if at.Sub(p.taken) >= c.opts.Snapshots-notify.PollInterval/2 || !p.stateSince.Equal(now.Since) {
		p = snapshot{at, now.Since, cam.Picture()}
		c.snapshots[cam.ID] = p
	}
	return p.jpeg
}

// resubscribe makes a new connection known, and that it is not known what the broker holds.
func (c *Client) resubscribe(ctx context.Context, conn *autopaho.ConnectionManager) {
	c.published = map[string][]byte{}
	if c.opts.Snapshots == 0 { // there may be old ones
		for _, cam := range c.opts.Cameras() {
			c.published[c.cameraTopic(cam.ID, "snapshot")] = nil
		}
	}
	subscriptions := []paho.SubscribeOptions{{Topic: c.cameraTopic("+", "state"), QoS: 1, NoLocal: true}}
	if c.opts.Switch != nil {
		subscriptions = append(subscriptions, paho.SubscribeOptions{Topic: c.cameraTopic("+", "set"), QoS: 1})
	}
	if _, err := conn.Subscribe(ctx, &paho.Subscribe{Subscriptions: subscriptions}); err != nil && ctx.Err() == nil {
		c.log.Warn("mqtt subscription", zap.Error(err))
	}
}

// publish makes the broker hold what is wanted, and nothing else of what it was told.
func (c *Client) publish(ctx context.Context, conn *autopaho.ConnectionManager, messages []message, maxPacket uint32) {
	c.mu.Lock()
	retained := c.retainedCameras
	c.retainedCameras = nil
	c.mu.Unlock()
	for _, id := range retained {
		if !c.hasCamera(id) {
			for _, topic := range c.cameraTopics(id) {
				c.published[topic] = nil
			}
		}
	}
	topics := map[string]bool{}
	for _, m := range messages {
		topics[m.topic] = true
	}
	for _, topic := range slices.Sorted(maps.Keys(c.published)) {
		if !topics[topic] {
			messages = append(messages, message{topic, nil})
		}
	}
	for _, m := range messages {
		if held := c.published[m.topic]; held != nil && bytes.Equal(held, m.payload) {
			continue
		}
		if !c.send(ctx, conn, m, maxPacket) {
			return
		}
		c.published[m.topic] = m.payload
		if m.payload == nil {
			delete(c.published, m.topic)
		}
	}
}

// send publishes a message, and reports whether the broker has dealt with it.
func (c *Client) send(ctx context.Context, conn *autopaho.ConnectionManager, m message, maxPacket uint32) bool {
	const overhead = 32 // of a packet, beside topic and payload
	if maxPacket > 0 && len(m.topic)+len(m.payload)+overhead > int(maxPacket) {
		c.messageRefused(m, "larger than the broker takes")
		return true
	}
	response, err := conn.Publish(ctx, &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: 1, Retain: true})
	switch {
	case err == nil:
		c.opts.Count(Delivered)
		return true
	case response != nil: // the broker's own word: it will say the same again
		c.messageRefused(m, err.Error())
		return true
	case ctx.Err() == nil && !errors.Is(err, autopaho.ConnectionDownError):
		c.opts.Count(Failed)
		c.log.Warn("mqtt message not sent", zap.String("topic", m.topic), zap.Error(err))
	}
	return false
}

func (c *Client) messageRefused(m message, problem string) {
	c.opts.Count(Failed)
	c.log.Warn("mqtt message refused", zap.String("topic", m.topic), zap.Int("bytes", len(m.payload)), zap.String("problem", truncate(problem)))
}
