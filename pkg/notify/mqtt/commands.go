package mqtt

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"
)

// maxCommands may wait; whoever sends more at once is not heard.
const maxCommands = 16

// maxRetained cameras are taken away from the broker in one go. A broker may name any number.
const maxRetained = 1024

// command is what somebody at the broker wants.
type command struct {
	camera string
	on     bool
}

// handleMessage takes note of a message. It is called by the connection's goroutine and must not wait.
func (c *Client) handleMessage(r paho.PublishReceived) (bool, error) {
	p := r.Packet
	name, _ := strings.CutPrefix(p.Topic, c.opts.Prefix+"/")
	id, kind, _ := strings.Cut(name, "/")
	switch {
	case kind == "state" && p.Retain:
		c.noteRetained(id, p.Payload)
	case kind == "set" && p.Retain: // retained: an old command
	case kind == "set" && (string(p.Payload) == "ON" || string(p.Payload) == "OFF"):
		select {
		case c.commands <- command{id, string(p.Payload) == "ON"}:
		default:
			c.log.Warn("too many commands", zap.String("camera", truncate(c.redact(id))))
		}
	case kind == "set":
		c.log.Warn("command not understood", zap.String("topic", truncate(c.redact(p.Topic))), zap.String("want", "ON or OFF"))
	}
	return true, nil
}

// noteRetained notes a camera of which the broker holds something that this camd has published, now or long ago.
func (c *Client) noteRetained(id string, payload []byte) {
	var s state
	if json.Unmarshal(payload, &s) != nil || s.Site != c.opts.Site || s.Camera != id {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.retainedCameras) < maxRetained && len(id) <= maxLogText {
		c.retainedCameras = append(c.retainedCameras, id)
	}
}

// handleCommands switches cameras as commanded, one command at a time.
func (c *Client) handleCommands(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case cmd := <-c.commands:
			if !c.hasCamera(cmd.camera) {
				c.log.Warn("command for no camera")
				continue
			}
			c.switchCamera(ctx, cmd)
		}
	}
}

func (c *Client) hasCamera(id string) bool {
	for _, cam := range c.opts.Cameras() {
		if cam.ID == id {
			return true
		}
	}
	return false
}

func (c *Client) switchCamera(ctx context.Context, cmd command) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	if err := c.opts.Switch(ctx, cmd.camera, cmd.on); err != nil {
		c.log.Warn("command not done", zap.String("camera", cmd.camera), zap.Bool("on", cmd.on), zap.Error(err))
		return
	}
	c.log.Info("camera switched", zap.String("camera", cmd.camera), zap.Bool("on", cmd.on), zap.Duration("took", time.Since(began)))
}
