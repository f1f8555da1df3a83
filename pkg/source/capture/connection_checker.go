package capture

// #include <libavutil/avutil.h>
// #include "connect.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"camd/pkg/camera"
	"camd/pkg/source/serverrules"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// serverRules are the rules of a network source.
type serverRules = serverrules.Rules

func newServerRules(src sourceurl.Source, start wire.Start) (*serverRules, error) {
	rules, err := serverrules.New(src, start.TLS, start.RedirectHosts)
	if e, ok := errors.AsType[*serverrules.Error](err); ok {
		return nil, rulesFailure(e)
	}
	return rules, err
}

// connectionChecker checks the connections that FFmpeg makes for one source.
type connectionChecker struct {
	rules *serverRules // nil: no connection is allowed

	mu        sync.Mutex
	addresses map[string]bool // of the hosts that were allowed
	connected bool            // the first one was allowed
	verified  int             // certificates
	failure   *failure        // why the last refused connection was refused
}

// currentChecker is the checker that the functions in connect.c use. It is nil before FFmpeg opens a source. A process opens only
// one such source at a time.
var currentChecker atomic.Pointer[connectionChecker]

// refusal returns why the last refused connection was refused, or nil if none was.
func (c *connectionChecker) refusal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		return nil
	}
	return c.failure
}

// checkVerified returns an error if the source must verify certificates and FFmpeg has verified none.
func (c *connectionChecker) checkVerified() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules != nil && c.rules.MustVerify() && c.verified == 0 {
		return errCannotVerify
	}
	return nil
}

var errCannotVerify = newFailure(camera.Certificate, "camd cannot verify certificates because this FFmpeg does not use GnuTLS: "+
	"use Debian's FFmpeg, or set tls_verify: false")

// canVerify reports whether FFmpeg calls the function in connect.c that verifies certificates.
func canVerify() bool {
	return strings.Contains(C.GoString(C.avutil_configuration()), "--enable-gnutls")
}

func (c *connectionChecker) hostAllowed(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.rules == nil:
		c.failure = newFailure(camera.Redirect, "the file refers to the host %q: camd reads only files in its folder", serverrules.Shorten(host))
		return false
	case c.connected && c.rules.Source.URL.Scheme == "rtsps": // perhaps to rtsp://
		c.failure = newFailure(camera.Redirect, "the camera redirects, and camd does not follow redirects of rtsps:// sources: set source to the new address")
		return false
	case c.addresses[host]: // where RTP comes from, over UDP
		return true
	case !c.rules.Allows(host):
		c.failure = rulesFailure(c.rules.HostError(host))
		return false
	}
	c.connected = true
	return true
}

func (c *connectionChecker) certificateAllowed(host string, chain [][]byte) bool {
	if c.rules == nil {
		return false
	}
	err := c.rules.VerifyDER(host, chain)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failure = connectFailure(c.rules.Source, err)
		return false
	}
	c.verified++
	return true
}

//export hostAllowed
func hostAllowed(host *C.char) C.int {
	c := currentChecker.Load()
	if c == nil { // a lookup of Go, not of FFmpeg
		return 1
	}
	return toCInt(c.hostAllowed(C.GoString(host)))
}

//export addressResolved
func addressResolved(address *C.char) {
	if c := currentChecker.Load(); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.addresses[C.GoString(address)] = true
	}
}

//export certificateAllowed
func certificateAllowed(host *C.char, chain *C.struct_datum, count C.uint) C.int {
	c := currentChecker.Load()
	if c == nil {
		return 0
	}
	var certificates [][]byte
	for _, d := range unsafe.Slice(chain, count) {
		certificates = append(certificates, C.GoBytes(unsafe.Pointer(d.data), C.int(d.size)))
	}
	return toCInt(c.certificateAllowed(C.GoString(host), certificates))
}

func toCInt(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// configureFFmpeg puts FFmpeg's options into the environment, where OpenCV reads them, with the protocols that the rules allow.
// It returns a checker that applies the rules to FFmpeg's connections from now on.
func configureFFmpeg(rules *serverRules, options string) (*connectionChecker, error) {
	if rules != nil && rules.MustVerify() && !canVerify() {
		return nil, errCannotVerify
	}
	if options != "" {
		options += "|"
	}
	options += "protocol_whitelist;" + strings.Join(allowedProtocols(rules), ",")
	if err := os.Setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", options); err != nil {
		return nil, fmt.Errorf("set FFmpeg's options: %w", err)
	}
	c := &connectionChecker{rules: rules, addresses: map[string]bool{}}
	currentChecker.Store(c)
	return c, nil
}

// allowedProtocols returns the protocols of FFmpeg that a source may use, also in a playlist or after a redirect. With nil rules, which are
// for files, it returns the protocols that read files.
func allowedProtocols(rules *serverRules) []string {
	if rules == nil {
		return []string{"file", "crypto", "data"}
	}
	var all []string
	switch scheme := rules.Source.URL.Scheme; {
	case scheme == "rtsps", scheme == "https":
		all = []string{"tcp", "tls"}
	case rules.Source.Kind == sourceurl.RTSP:
		all = []string{"tcp", "udp", "rtp"}
	default:
		all = []string{"http", "tcp"}
	}
	if rules.Source.Kind != sourceurl.RTSP {
		all = append(all, "crypto", "data")
	}
	if canVerify() || rules.TLS.SkipVerify {
		all = append(all, "tls", "https")
	}
	return all
}
