package capture

import (
	"strings"

	"gocv.io/x/gocv"
)

// Versions returns the version of OpenCV and its video backends in one line, for people and `camd doctor`.
func Versions() string {
	var names []string
	for _, api := range gocv.VideoRegistry.GetBackends() {
		names = append(names, gocv.VideoRegistry.GetBackendName(api))
	}
	return "OpenCV " + gocv.OpenCVVersion() + ": " + strings.Join(names, ", ")
}
