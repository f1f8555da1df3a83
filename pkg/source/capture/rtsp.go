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

	"camd/pkg/source/spec"
)

// errNotRTSP is an answer in another language.
var errNotRTSP = errors.New("not an RTSP answer")

// longestHeads bounds what a server may say in all its answers' heads: the reader below would take them without end.
const longestHeads = 64 << 10

// heads reads answers' heads from a connection.
func heads(conn io.Reader) *textproto.Reader {
	return textproto.NewReader(bufio.NewReader(io.LimitReader(conn, longestHeads)))
}

// askRTSP asks the server to describe the stream and returns the status of its answer.
func askRTSP(ctx context.Context, rules *serverRules) (status int, err error) {
	src := rules.source
	conn, err := rules.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	answers := heads(conn)
	status, header, err := describe(conn, answers, src, 1, "")
	c := credentials{src: src}
	if err == nil && status == 401 && c.learn(header["Www-Authenticate"]) {
		status, _, err = describe(conn, answers, src, 2, c.answer("DESCRIBE", src.URL.String()))
	}
	return status, err
}

// describe sends one DESCRIBE and reads the head of its answer. A refusal has no body worth skipping.
func describe(conn net.Conn, answers *textproto.Reader, src spec.Source, seq int, authorization string) (int, textproto.MIMEHeader, error) {
	request := fmt.Sprintf("DESCRIBE %s RTSP/1.0\r\nCSeq: %d\r\nAccept: application/sdp\r\n", src.URL.String(), seq)
	if authorization != "" {
		request += "Authorization: " + authorization + "\r\n"
	}
	if _, err := conn.Write([]byte(request + "\r\n")); err != nil {
		return 0, nil, err
	}
	line, err := answers.ReadLine()
	if err != nil {
		return 0, nil, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(version, "RTSP/") {
		return 0, nil, errNotRTSP
	}
	header, err := answers.ReadMIMEHeader()
	return status, header, err
}
