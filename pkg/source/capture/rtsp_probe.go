package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"camd/pkg/source/serverrules"
	"camd/pkg/source/sourceurl"
)

// errNotRTSP is the error for a response in another protocol.
var errNotRTSP = errors.New("not an RTSP answer")

// maxHeaderBytes bounds the headers of all responses of a server, which textproto.Reader does not bound.
const maxHeaderBytes = 64 << 10

// newHeaderReader returns a reader for the headers of responses.
func newHeaderReader(conn io.Reader) *textproto.Reader {
	return textproto.NewReader(bufio.NewReader(io.LimitReader(conn, maxHeaderBytes)))
}

// probeRTSP asks the server to describe the stream and returns the status of its answer.
func probeRTSP(ctx context.Context, rules *serverRules) (status int, err error) {
	src := rules.Source
	conn, err := rules.Dial(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	responses := newHeaderReader(conn)
	status, header, err := sendDescribe(conn, responses, src, 1, "")
	c := serverrules.NewCredentials(src)
	if err == nil && status == 401 && c.AcceptChallenges(header["Www-Authenticate"]) {
		status, _, err = sendDescribe(conn, responses, src, 2, c.Authorization("DESCRIBE", src.URL.String()))
	}
	return status, err
}

// sendDescribe sends a DESCRIBE and reads the status and header of the response. It does not skip a body, because a refusal has none.
func sendDescribe(conn net.Conn, responses *textproto.Reader, src sourceurl.Source, seq int, authorization string) (int, textproto.MIMEHeader, error) {
	request := fmt.Sprintf("DESCRIBE %s RTSP/1.0\r\nCSeq: %d\r\nAccept: application/sdp\r\n", src.URL.String(), seq)
	if authorization != "" {
		request += "Authorization: " + authorization + "\r\n"
	}
	if _, err := conn.Write([]byte(request + "\r\n")); err != nil {
		return 0, nil, err
	}
	line, err := responses.ReadLine()
	if err != nil {
		return 0, nil, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(version, "RTSP/") {
		return 0, nil, errNotRTSP
	}
	header, err := responses.ReadMIMEHeader()
	return status, header, err
}
