package logging

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

// A time in a field may be on another day, such as the end of a certificate. The console then shows the date.
func TestConsoleShowsTheDateOfAnotherDay(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		until time.Time
		want  string
	}{
		{time.Date(2040, 3, 4, 12, 54, 33, 0, time.UTC), `"until": "2040-03-04T12:54:33Z"`},
		{now, `"until": "` + now.Format("15:04:05.000")},
	} {
		var out bytes.Buffer
		l, err := New(Options{Level: "info", Format: "console", Audit: "off"}, &out)
		if err != nil {
			t.Fatal(err)
		}
		l.Log.Info("serving certificate", zap.Time("until", c.until))
		if !strings.Contains(out.String(), c.want) || strings.Count(out.String(), "2040") > 1 {
			t.Errorf("got %s, want %s", out.String(), c.want)
		}
	}
}
