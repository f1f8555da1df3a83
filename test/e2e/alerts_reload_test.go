package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"
)

// A reload changes the receivers of notices and their cameras. It does not disturb receivers that stay.
func TestReloadChangesNoticeReceivers(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte("k"), 32)
	first, notices := serveWebhook(t, key)
	second, laterNotices := serveWebhook(t, key)
	secret := write(t, t.TempDir(), "hook", base64.StdEncoding.EncodeToString(key)+"\n")
	config := func(receiver string, cameras ...string) string {
		text := fmt.Sprintf("webhooks: [{url: %s, secret_file: %s, after: 0s}]\ncameras:\n  - {id: gate, source: 'test://?size=320x180&fps=5', stall_timeout: 2m}\n", receiver, secret)
		for _, id := range cameras {
			text += "  - {id: " + id + ", source: /dev/camd-has-no-such-device-" + id + "}\n"
		}
		return text
	}
	d := start(t, options{config: config(first)})
	d.waitForState("gate", "live")
	d.reloadWith(config(first, "yard")) // another camera, the same receiver
	d.waitForNotice(notices, "camera.trouble", "yard")
	d.reloadWith(config(second, "yard")) // for which everything is new
	d.waitForNotice(laterNotices, "camera.trouble", "yard")
	d.reloadWith(config(second, "yard", "shed"))
	d.waitForNotice(laterNotices, "camera.trouble", "shed")
	select {
	case n := <-notices:
		t.Errorf("a removed receiver got %+v", n)
	default:
	}
}
