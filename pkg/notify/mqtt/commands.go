package mqtt

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"
)

// maxCommands bounds the commands that wait. More are dropped.
const maxCommands = 16

// maxRetained bounds the retained cameras that are kept until the next publish, because a broker may name any number.
const maxRetained = 1024

// command is a request from the broker to turn a camera off or on.
type command struct {
	camera string
	on     bool
}

// handleMessage handles a received message. The connection's goroutine calls it, so it must not block.
func (c *Client) handleMessage(r paho.PublishReceived) (bool, error) {
	p := r.Packet
	name, _ := strings.CutPrefix(p.Topic, c.opts.Prefix+"/")
	id, kind, _ := strings.Cut(name, "/")
	switch {
	case kind == "state" && p.Retain:
		c.noteRetained(id, p.Payload)
	case kind == "set" && p.Retain: // a retained command is old
	case kind == "set" && (string(p.Payload) == "ON" || string(p.Payload) == "OFF"):
		select {
		case c.commands <- command{id, string(p.Payload) == "ON"}:
		default:
			c.log.Warn("too many commands", zap.String("camera", truncate(c.redact(id))))
		}
	case kind == "set":
		c.log.Warn("command not understood", zap.String("topic", truncate(c.redact(p.Topic))), zap.String("expected", "ON or OFF"))
	}
	return true, nil
}

// noteRetained records a camera whose retained state comes from this camd, maybe from an earlier run.
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

// handleCommands carries out commands, one at a time, until ctx ends.
func (c *Client) handleCommands(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case cmd := <-c.commands:
			if !c.hasCamera(cmd.camera) {
				c.log.Warn("command for unknown camera")
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
		c.log.Warn("command failed", zap.String("camera", cmd.camera), zap.Bool("on", cmd.on), zap.Error(err))
		return
	}
	c.log.Info("camera switched", zap.String("camera", cmd.camera), zap.Bool("on", cmd.on), zap.Duration("took", time.Since(began)))
}
