package capture

import (
	"context"
	"errors"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/httpreader"
	"camd/pkg/source/serverrules"
	"camd/pkg/source/sourceurl"
)

// diagnoseTimeout is how long diagnose may take.
const diagnoseTimeout = 3 * time.Second

// diagnose finds out why a network source does not open. OpenCV does not report that, so diagnose sends a request to the server.
// slow says that OpenCV's timeout had passed.
func diagnose(ctx context.Context, rules *serverRules, slow bool) *failure {
	currentChecker.Store(nil) // FFmpeg's connections have ended, and Go's own lookups must not be checked as if they were FFmpeg's
	ctx, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	contentType, err := probe(ctx, rules)
	switch {
	case err != nil:
		return connectFailure(rules.Source, err)
	case httpreader.IsNotVideo(contentType):
		return newFailure(camera.BadStream, "the server sent %s, not video", httpreader.SafeContentType(contentType))
	case slow:
		return errNoPictureInTime
	}
	return errNoVideo
}

// probe sends a request to a source's server. It returns the content type of an HTTP response, and "" for RTSP.
func probe(ctx context.Context, rules *serverRules) (contentType string, err error) {
	if rules.Source.Kind == sourceurl.HTTP {
		return httpreader.Probe(ctx, rules)
	}
	status, err := probeRTSP(ctx, rules)
	if err != nil {
		return "", err
	}
	if e := serverrules.StatusError(rules.Source, status); e != nil {
		return "", e
	}
	return "", nil
}

var (
	errNoPictureInTime = newFailure(camera.Timeout, "the server answered, but sent no picture in time")
	errNoVideo         = newFailure(camera.BadStream, "the server answered, but sent no video that OpenCV can read: choose H.264 at the camera")
)

// connectFailure returns the failure for a request that got no answer. It does not use the text of err, which may contain the
// whole address.
func connectFailure(src sourceurl.Source, err error) *failure {
	if errors.Is(err, errNotRTSP) {
		return newFailure(camera.BadStream, "%s did not answer in RTSP: check the port in source", src.URL.Host)
	}
	return rulesFailure(serverrules.ConnectError(src, false, err))
}

// rulesFailure returns the failure for an error of package serverrules.
func rulesFailure(e *serverrules.Error) *failure { return newFailure(e.Reason, "%s", e.Detail) }
