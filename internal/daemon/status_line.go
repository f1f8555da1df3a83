package daemon

import (
	"fmt"
	"strings"

	"camd/pkg/camera"
)

// statusLine summarizes the state for people, such as: 7 of 8 cameras live (yard is offline), 23 viewers.
func statusLine(cameras []camera.Status, viewers int) string {
	const maxNamed = 3 // more would fill the line
	live, notLive := 0, []string(nil)
	for _, s := range cameras {
		if s.State == camera.Live {
			live++
		} else {
			notLive = append(notLive, fmt.Sprintf("%s is %s", s.ID, s.State))
		}
	}
	line := fmt.Sprintf("%d of %s live", live, pluralize(len(cameras), "camera"))
	if more := len(notLive) - maxNamed; more > 0 {
		notLive = append(notLive[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	if len(notLive) > 0 {
		line += " (" + strings.Join(notLive, ", ") + ")"
	}
	return line + ", " + pluralize(viewers, "viewer")
}

func pluralize(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
