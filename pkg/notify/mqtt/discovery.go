package mqtt

import (
	"strings"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

func (c *Client) statusTopic() string                { return c.opts.Prefix + "/status" }
func (c *Client) cameraTopic(id, what string) string { return c.opts.Prefix + "/" + id + "/" + what }

// deviceID returns the id of a camera's device in Home Assistant.
func (c *Client) deviceID(id string) string { return sanitizeID(c.opts.Prefix + "_" + id) }

func (c *Client) discoveryTopic(id string) string {
	return c.opts.Discovery + "/device/" + c.deviceID(id) + "/config"
}

// cameraTopics lists the topics of a camera's retained messages.
func (c *Client) cameraTopics(id string) []string {
	all := []string{c.cameraTopic(id, "state"), c.cameraTopic(id, "snapshot")}
	if c.opts.Discovery != "" {
		all = append(all, c.discoveryTopic(id))
	}
	return all
}

// sanitizeID replaces the characters that Home Assistant does not accept in an identifier.
func sanitizeID(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

type entity map[string]any

// discoveryPayload returns the message from which Home Assistant (2024.11 or later) makes a device with its entities:
// https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
func (c *Client) discoveryPayload(cam notify.Camera) []byte {
	device := entity{"identifiers": []string{c.deviceID(cam.ID)}, "name": cam.Title, "manufacturer": "camd", "model": "camera", "sw_version": c.opts.Version}
	if c.opts.Dashboard != "" {
		device["configuration_url"] = c.opts.Dashboard + "/cameras/" + cam.ID
	}
	return marshal(entity{
		"device": device, "origin": entity{"name": "camd", "sw_version": c.opts.Version},
		"availability_topic": c.statusTopic(), "payload_available": online, "payload_not_available": offline,
		"components": c.entities(cam.ID),
	})
}

func (c *Client) entities(id string) entity {
	state := c.cameraTopic(id, "state")
	all := entity{
		"live": entity{
			"platform": "binary_sensor", "name": "Live", "device_class": "connectivity", "state_topic": state,
			"value_template": "{{ 'ON' if value_json.state == 'live' else 'OFF' }}",
		},
		"trouble": entity{
			"platform": "binary_sensor", "name": "Problem", "device_class": "problem", "state_topic": state,
			"value_template": "{{ 'ON' if value_json.trouble else 'OFF' }}",
		},
		"state": entity{
			"platform": "sensor", "name": "State", "device_class": "enum", "options": camera.States, "state_topic": state,
			"value_template": "{{ value_json.state }}", "json_attributes_topic": state,
			"json_attributes_template": "{{ {'reason': value_json.reason, 'reason_text': value_json.reason_text, 'detail': value_json.detail, 'since': value_json.since} | tojson }}",
		},
		"viewers": entity{
			"platform": "sensor", "name": "Viewers", "state_class": "measurement", "icon": "mdi:eye", "state_topic": state,
			"value_template": "{{ value_json.viewers }}",
		},
		// If an entity has only its platform, Home Assistant removes the one of an earlier message.
		"snapshot": entity{"platform": "image"},
		"switch":   entity{"platform": "switch"},
	}
	if c.opts.Snapshots > 0 {
		all["snapshot"] = entity{"platform": "image", "name": "Snapshot", "image_topic": c.cameraTopic(id, "snapshot"), "content_type": "image/jpeg"}
	}
	if c.opts.Switch != nil {
		all["switch"] = entity{
			"platform": "switch", "name": "Enabled", "icon": "mdi:cctv", "command_topic": c.cameraTopic(id, "set"), "state_topic": state,
			"value_template": "{{ 'OFF' if value_json.state == 'paused' else 'ON' }}",
		}
	}
	for name, e := range all {
		if e := e.(entity); len(e) > 1 {
			e["unique_id"] = c.deviceID(id) + "_" + name
		}
	}
	return all
}
