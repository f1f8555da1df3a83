package capture

import (
	"fmt"

	"camd/pkg/camera"
)

// failure is the error of a source that cannot be opened or read.
type failure struct {
	reason      camera.Reason
	detail      string
	unsupported bool // of wire.Ended
}

func (f *failure) Error() string { return f.detail }

func newFailure(reason camera.Reason, format string, args ...any) *failure {
	return &failure{reason: reason, detail: fmt.Sprintf(format, args...)}
}
