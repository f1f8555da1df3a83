package httpmjpeg

import (
	"bytes"
	"strconv"
)

// partLength is the length that the server announces for a part, in a header Content-Length. It is a hint: a picture that ends
// elsewhere is found as well. Cameras send wrong lengths, so a length counts only after the one before was right, and only if it leads to an
// end marker. Then the scans before that marker are not searched for damage. Package media checks every picture that camd publishes.
type partLength struct {
	announced int64 // of the picture that begins, or has begun; 0 if there is none
	isTrusted bool  // the length of the picture before was right
}

const (
	contentLength  = "Content-Length:"
	maxHeaderBytes = 1 << 10 // how far in front of a picture a header is searched
)

// parse parses what was skipped between two pictures, or a piece of it. It keeps the last length.
func (p *partLength) parse(skipped []byte) {
	for line := range bytes.Lines(skipped[max(len(skipped)-maxHeaderBytes, 0):]) {
		if len(line) < len(contentLength) || !bytes.EqualFold(line[:len(contentLength)], []byte(contentLength)) {
			continue
		}
		// A length that is no number or does not fit becomes 0, which is no length.
		p.announced, _ = strconv.ParseInt(string(bytes.TrimSpace(line[len(contentLength):])), 10, 64)
		p.announced = max(p.announced, 0)
	}
}

// endPicture says how many bytes the picture had.
func (p *partLength) endPicture(size int64) { *p = partLength{isTrusted: p.announced == size} }
