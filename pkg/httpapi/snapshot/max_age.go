package snapshot

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// defaultMaxAge is how old a snapshot may be by default. A camera without viewers takes one picture a second.
const defaultMaxAge = 2 * time.Second

// oldestAllowed reads ?fresh= and ?max_age=. It returns the earliest capture time that a snapshot may have.
func oldestAllowed(r *http.Request, c request.Camera, rendition string, now time.Time) (time.Time, *request.Error) {
	switch fresh := r.FormValue("fresh"); fresh {
	case "1", "true":
		return now, nil
	case "", "0", "false":
	default:
		return now, request.Errorf(http.StatusBadRequest, "fresh=%q must be 1 or 0", fresh)
	}
	age := MaxAge(c.Status(), rendition)
	if value := r.FormValue("max_age"); value != "" {
		var err error
		if age, err = parseAge(value); err != nil {
			return now, request.Errorf(http.StatusBadRequest, "%s", err)
		}
	}
	return now.Add(-age), nil
}

// MaxAge returns how old the newest picture of a live stream may be by default: at least the time that a slow stream takes for three
// pictures.
func MaxAge(st camera.Status, rendition string) time.Duration {
	age := defaultMaxAge
	allowSlow := func(fps float64) {
		if fps > 0 {
			age = max(age, time.Duration(3/fps*float64(time.Second)))
		}
	}
	allowSlow(st.Format.FPS)
	for _, r := range st.Renditions {
		if r.Name == rendition {
			allowSlow(r.FPS)
		}
	}
	return age
}

// parseAge reads seconds, or a duration with its unit.
func parseAge(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if seconds, e := strconv.ParseFloat(value, 64); e == nil && seconds < 1e9 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("max_age=%q must be seconds or a duration, such as max_age=0.5 or max_age=500ms", value)
	}
	return d, nil
}
