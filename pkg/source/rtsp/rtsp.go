package rtsp

import (
	"cmp"
	"context"
	"time"

	"camd/pkg/media/h26x"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// MJPEG is the codec of a stream of JPEGs. The other codecs are h26x.H264 and h26x.H265.
const MJPEG h26x.Codec = "mjpeg"

// Causes for which frames are left out, in addition to those of package h26x. The set is fixed, because a cause is a label of a metric.
const (
	Lost       = "lost"        // a packet of it, or of a frame before it, was lost
	Malformed  = "malformed"   // its packets, or those of a frame before it, do not follow the RTP format of the codec
	NoKeyframe = "no_keyframe" // it came before the first keyframe
)

// Causes lists all causes for which frames are left out.
var Causes = append([]string{Lost, Malformed, NoKeyframe}, h26x.Causes...)

// Options say what to read and how. Source, OnFrame are required; a zero value of the others is the default.
type Options struct {
	Source    sourceurl.Source  // rtsp:// or rtsps://
	Transport string            // "tcp" (default) or "udp"; rtsps:// is always read over TCP
	TLS       tlsverify.Options // rtsps://: how the server's certificate is verified
	Track     h26x.Options      // bounds; MaxBytes applies to JPEGs, too

	OpenTimeout time.Duration // from the begin to the server's answer to PLAY; 0 means 10 s
	ReadTimeout time.Duration // without a packet; 0 means 10 s

	// The callbacks come one at a time, from other goroutines than Read's, and only while Read runs. They must not wait: the connection is
	// not read meanwhile.
	OnOpened func(Info)         // the stream plays; may be nil
	OnFrame  func(*Frame)       // the frame is valid until the callback returns
	OnDrop   func(cause string) // a frame was left out for one of Causes; may be nil
}

// Info describes a stream that plays.
type Info struct {
	Codec     h26x.Codec
	Transport string // "tcp" or "udp"
}

// Frame is one frame of the stream. It has either a Unit or a JPEG. A JPEG is a keyframe.
type Frame struct {
	Captured time.Time        // when the picture was taken: never later than Arrived, and at most 5 s earlier
	Arrived  time.Time        // when its last packet arrived, with a monotonic reading
	PTS      time.Duration    // on the stream's clock, which begins at 0; that of Unit if there is one
	Unit     *h26x.AccessUnit // H.264 and H.265
	JPEG     []byte           // MJPEG, as RFC 2435 describes how to build it
}

// Defaults of Options.
const (
	defaultOpenTimeout = 10 * time.Second
	defaultReadTimeout = 10 * time.Second
	defaultMaxBytes    = 8 << 20
	defaultMaxInterval = 30 * time.Second // of keyframes
)

func (o Options) withDefaults() Options {
	o.OpenTimeout = cmp.Or(o.OpenTimeout, defaultOpenTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, defaultReadTimeout)
	o.Track.MaxBytes = cmp.Or(o.Track.MaxBytes, defaultMaxBytes)
	o.Track.MaxKeyframeInterval = cmp.Or(o.Track.MaxKeyframeInterval, defaultMaxInterval)
	if o.Transport != "udp" || o.Source.IsTLS() {
		o.Transport = "tcp"
	}
	if o.OnOpened == nil {
		o.OnOpened = func(Info) {}
	}
	if o.OnDrop == nil {
		o.OnDrop = func(string) {}
	}
	return o
}

// Read reads a stream until it ends or ctx does. Its error is ctx.Err() if ctx has ended, else an *Error. It is never nil.
func Read(ctx context.Context, o Options) error {
	s, err := newSession(o.withDefaults())
	if err != nil {
		return err
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.play(ctx)
}
