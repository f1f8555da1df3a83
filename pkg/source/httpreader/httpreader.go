package httpreader

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/serverrules"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// Options say what to read and how. Source and OnFrame are required; a zero value of the others is the default.
type Options struct {
	Source        sourceurl.Source  // http://, https://, http+poll:// or https+poll://
	TLS           tlsverify.Options // https://: how the server's certificate is verified
	RedirectHosts []string          // other hosts to which redirects may lead

	MaxBytes int     // limit on the bytes of a picture; 0 means the one of media.DefaultLimits, 8 MiB
	FPS      float64 // polling: requests a second at most; 0 means 1

	OpenTimeout time.Duration // from the begin to the first picture; 0 means 10 s
	ReadTimeout time.Duration // without a picture; 0 means 10 s

	// The callbacks come from Read's goroutine. Nothing is read meanwhile.
	OnOpened func(Info)                     // the first picture has arrived; may be nil
	OnFrame  func(*Frame)                   // the frame and its JPEG are valid until the callback returns
	OnDrop   func(cause string, size int64) // a picture was left out for one of media.Causes; size is in bytes for media.TooLarge, else 0; may be nil
}

// Info describes a source that has sent its first picture. The codec is always MJPEG.
type Info struct {
	Width, Height int     // of the first picture in pixels; 0 if its header cannot be parsed
	FPS           float64 // the rate of polling; 0 for a stream
}

// Frame is one picture.
type Frame struct {
	JPEG     []byte    // from the start marker to the end marker
	Captured time.Time // when its first byte arrived, with a monotonic reading
	Arrived  time.Time // when its last byte arrived, with a monotonic reading
}

// Error says why a source cannot be opened, or why it ended.
type Error struct {
	Reason      camera.Reason
	Detail      string // for people; without secrets
	Unsupported bool   // the server answers, but sends neither MJPEG nor a JPEG: OpenCV may be able to read it. Never set for TLS and logins
}

func (e *Error) Error() string { return e.Detail }

const defaultTimeout = 10 * time.Second

// defaultPollRate is how many pictures a second are fetched if no rate is configured.
const defaultPollRate = 1

func (o Options) withDefaults() Options {
	o.MaxBytes = cmp.Or(o.MaxBytes, media.DefaultLimits.Bytes)
	o.FPS = cmp.Or(o.FPS, defaultPollRate)
	o.OpenTimeout = cmp.Or(o.OpenTimeout, defaultTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, defaultTimeout)
	if o.OnOpened == nil {
		o.OnOpened = func(Info) {}
	}
	if o.OnDrop == nil {
		o.OnDrop = func(string, int64) {}
	}
	return o
}

// Read reads a source until it ends or ctx does. Its error is ctx.Err() if ctx has ended, else an *Error. It is never nil.
func Read(ctx context.Context, o Options) error {
	err := read(ctx, o.withDefaults())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		failed := serverrules.ConnectError(o.Source, true, err)
		e = &Error{Reason: failed.Reason, Detail: failed.Detail}
	}
	e.Detail = sourceurl.NewRedactor(o.Source).Redact(e.Detail)
	return e
}

// read does what Read does. Its error may also be a *serverrules.Error.
func read(ctx context.Context, o Options) error {
	rules, err := serverrules.New(o.Source, o.TLS, o.RedirectHosts)
	if err != nil {
		return err
	}
	c := newClient(rules)
	defer c.close()
	if o.Source.Kind == sourceurl.Poll {
		return newPoller(c, o).run(ctx)
	}
	s := newStream(ctx, c, o)
	defer s.close()
	if s.response, err = c.get(s, http.Header{}); err != nil { //nolint:bodyclose // s.close closes it
		return serverrules.ConnectError(o.Source, true, err)
	}
	if f := serverrules.StatusError(o.Source, s.response.StatusCode); f != nil {
		return f
	}
	switch contentType := MediaType(s.response); {
	case strings.HasPrefix(contentType, "multipart/"):
		return s.run(ctx)
	case isPicture(contentType):
		s.close()
		return newPoller(c, o).run(ctx)
	case o.TLS.Fingerprint != "":
		return serverrules.NewError(camera.Certificate, "FFmpeg reads this stream and cannot check a fingerprint: set ca_file instead")
	default:
		return unsupported(contentType)
	}
}

// unsupported returns the error for a source that sends neither MJPEG nor a JPEG.
func unsupported(contentType string) *Error {
	e := &Error{Reason: camera.BadStream, Detail: "the server sends neither MJPEG nor a JPEG: set reader to opencv", Unsupported: true}
	if IsNotVideo(contentType) {
		e.Detail = "the server sent " + SafeContentType(contentType) + ", not video"
	}
	return e
}

// reportSkipped calls OnDrop for a picture that package httpmjpeg has left out.
func (o Options) reportSkipped(skipped httpmjpeg.SkippedPicture) {
	cause := media.Damaged
	switch {
	case skipped.Size > 0:
		cause = media.TooLarge
	case skipped.Truncated:
		cause = media.Truncated
	}
	o.OnDrop(cause, skipped.Size)
}
