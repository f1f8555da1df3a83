package main

import (
	"fmt"
	"strings"

	"camd/internal/systemd"
	"camd/pkg/camera"
	"camd/pkg/httpapi"
	"camd/pkg/source"
)

// condition says in a line, for people, how it goes: 7 of 8 cameras live (yard is offline), 23 viewers.
func condition(cameras []*source.Camera, viewers int) string {
	const named = 3 // more would fill the line
	live, others := 0, []string(nil)
	for _, c := range cameras {
		if s := c.Status(); s.State == camera.Live {
			live++
		} else {
			others = append(others, fmt.Sprintf("%s is %s", s.ID, s.State))
		}
	}
	line := fmt.Sprintf("%d of %s live", live, count(len(cameras), "camera"))
	if more := len(others) - named; more > 0 {
		others = append(others[:named], fmt.Sprintf("and %d more", more))
	}
	if len(others) > 0 {
		line += " (" + strings.Join(others, ", ") + ")"
	}
	return line + ", " + count(viewers, "viewer")
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// living lists what must make progress for camd to be of use.
func living(cameras []*source.Camera, server *httpapi.Server) []systemd.Living {
	all := []systemd.Living{server}
	for _, c := range cameras {
		all = append(all, c)
	}
	return all
}
