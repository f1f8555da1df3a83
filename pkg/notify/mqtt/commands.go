package mqtt

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"
)

// mostCommands may wait; whoever sends more at once is not heard.
const mostCommands = 16

// mostFound cameras are taken away from the broker in one go. A broker may name any number.
const mostFound = 1024

// command is what somebody at the broker wants.
type command struct {
	camera string
	on     bool
}

// received takes note of a message. It is called by the connection's goroutine and must not wait.
func (c *Client) received(r paho.PublishReceived) (bool, error) {
	p := r.Packet
	rest, _ := strings.CutPrefix(p.Topic, c.opts.Prefix+"/")
	id, kind, _ := strings.Cut(rest, "/")
	switch {
	case kind == "state" && p.Retain:
		c.find(id, p.Payload)
	case kind == "set" && p.Retain: // somebody's wish of long ago
	case kind == "set" && (string(p.Payload) == "ON" || string(p.Payload) == "OFF"):
		select {
		case c.commands <- command{id, string(p.Payload) == "ON"}:
		default:
			c.log.Warn("too many commands", zap.String("camera", clip(c.hide(id))))
		}
	case kind == "set":
		c.log.Warn("command not understood", zap.String("topic", clip(c.hide(p.Topic))), zap.String("want", "ON or OFF"))
	}
	return true, nil
}

// find notes a camera of which the broker holds something that this camd has published, now or long ago.
func (c *Client) find(id string, payload []byte) {
	var s state
	if json.Unmarshal(payload, &s) != nil || s.Site != c.opts.Site || s.Camera != id {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.found) < mostFound && len(id) <= longestText {
		c.found = append(c.found, id)
	}
}

// obey does what is asked for, one command at a time.
func (c *Client) obey(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case cmd := <-c.commands:
			if !c.has(cmd.camera) {
				c.log.Warn("command for no camera")
				continue
			}
			c.turn(ctx, cmd)
		}
	}
}

func (c *Client) has(id string) bool {
	for _, cam := range c.opts.Cameras() {
		if cam.ID == id {
			return true
		}
	}
	return false
}

func (c *Client) turn(ctx context.Context, cmd command) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	if err := c.opts.Switch(ctx, cmd.camera, cmd.on); err != nil {
		c.log.Warn("command not done", zap.String("camera", cmd.camera), zap.Bool("on", cmd.on), zap.Error(err))
		return
	}
	c.log.Info("camera switched", zap.String("camera", cmd.camera), zap.Bool("on", cmd.on), zap.Duration("took", time.Since(began)))
}
