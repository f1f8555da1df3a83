package capture

import (
	"strings"

	"gocv.io/x/gocv"
)

// Versions says, in a line for people and `camd doctor`, which OpenCV this is and what it can read cameras with.
func Versions() string {
	var names []string
	for _, api := range gocv.VideoRegistry.GetBackends() {
		names = append(names, gocv.VideoRegistry.GetBackendName(api))
	}
	return "OpenCV " + gocv.OpenCVVersion() + ": " + strings.Join(names, ", ")
}
