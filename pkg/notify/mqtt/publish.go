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

// The payloads of the status topic.
const (
	online  = "online"
	offline = "offline"
)

// message is a retained message that the broker should hold; a nil payload removes it.
type message struct {
	topic   string
	payload []byte
	isStale bool // leave what the broker holds, because a newer payload will follow soon
}

// state is the payload of a camera's state topic.
type state struct {
	notify.CameraState
	Trouble bool `json:"trouble"`
	Viewers int  `json:"viewers"`
}

// desired returns what the broker should hold now, without pictures, and the present cameras.
func (c *Client) desired(now time.Time) ([]message, []notify.Camera) {
	_, cameras := c.watcher.Poll(now)
	viewers := c.opts.Viewers()
	all := []message{{topic: c.statusTopic(), payload: []byte(online)}}
	for _, cam := range cameras {
		if c.opts.Discovery != "" {
			all = append(all, message{topic: c.discoveryTopic(cam.ID), payload: c.discoveryPayload(cam)})
		}
		history := cam.History()
		if len(history) == 0 {
			continue // the camera has not started
		}
		all = append(all, message{topic: c.cameraTopic(cam.ID, "state"), payload: c.statePayload(cam, history[0], viewers[cam.ID])})
	}
	return all, cameras
}

func (c *Client) statePayload(cam notify.Camera, now camera.StateChange, viewers int) []byte {
	return marshal(state{
		CameraState: notify.NewCameraState(c.opts.Site, cam.ID, cam.Title, now, now.Since),
		Trouble:     c.watcher.InTrouble(cam.ID), Viewers: viewers,
	})
}

// marshal returns v as JSON.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and times cannot fail
	}
	return b
}

// resubscribe subscribes on a new connection. It forgets what was published before, so that everything is published again.
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
		c.log.Warn("mqtt subscription failed", zap.Error(err))
	}
}

// publish publishes the messages that the broker does not hold, and removes all others of this camd. It stops at the first message
// that cannot be sent.
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
			messages = append(messages, message{topic: topic})
		}
	}
	for _, m := range messages {
		if held := c.published[m.topic]; m.isStale || held != nil && bytes.Equal(held, m.payload) {
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

// send publishes a message. It reports whether the broker has accepted or refused it, so that it need not be sent again.
func (c *Client) send(ctx context.Context, conn *autopaho.ConnectionManager, m message, maxPacket uint32) bool {
	const overhead = 32 // bytes of a packet without topic and payload
	if maxPacket > 0 && len(m.topic)+len(m.payload)+overhead > int(maxPacket) {
		c.messageRefused(m, "larger than the broker accepts")
		return true
	}
	response, err := conn.Publish(ctx, &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: 1, Retain: true})
	switch {
	case err == nil:
		c.opts.Count(Delivered)
		return true
	case response != nil: // the broker refused the message, and would refuse it again
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
