package capture

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"
	"unicode"

	"camd/pkg/source/serverrules"
	"camd/pkg/source/sourceurl"
)

// scriptedConn is a connection to a server with fixed answers. The client reads input, and what it writes goes to output.
type scriptedConn struct {
	net.Conn
	input  io.Reader
	output bytes.Buffer
}

func (s *scriptedConn) Read(b []byte) (int, error)  { return s.input.Read(b) }
func (s *scriptedConn) Write(b []byte) (int, error) { return s.output.Write(b) }

// Whatever an RTSP server answers, the password is sent only as the answer to a challenge, and by Digest if the server offers it. No text
// of the server becomes a header of the request.
func FuzzRTSPResponse(f *testing.F) {
	for _, s := range []string{
		"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"Streaming Server\", nonce=\"abc\", qop=\"auth,auth-int\", algorithm=SHA-256\r\n\r\n",
		"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a, digest b\", Digest realm=x,nonce=y\r\nWWW-Authenticate: Digest realm=\"z\", nonce=\"\\\"\"\r\n\r\n",
		"RTSP/1.0 401 \r\nwww-authenticate:\tdigest REALM = \"r\" , , nonce=n\n\n", "RTSP/1.0 401 Basic dmlld2VyOnBhc3M=\r\nWWW-Authenticate: Negotiate, NTLM\r\n\r\n",
		"RTSP/1.0 454 Session Not Found\r\n\r\n", "RTSP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nv=0\r\n", "RTSP/1.0 99999999999999999999\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
		"RTSP/1.0 401\r\nWWW-Authenticate: Digest realm=\"\x01\x7f\x00\", nonce=\"\r\n Injected: yes\"\r\n\r\n", "\r\n", "", "RTSP/1.0 401 x\r\n: y\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	const password = "c4nary-Pa55w0rd"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("viewer:"+password))
	src, err := sourceurl.Parse("rtsp://viewer:" + password + "@10.0.0.7/stream1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		conn := &scriptedConn{input: bytes.NewReader(in)}
		status, header, err := sendDescribe(conn, newHeaderReader(conn), src, 1, "")
		if strings.Contains(conn.output.String(), password) {
			t.Fatalf("the password is sent without a challenge: %s", &conn.output)
		}
		if err != nil {
			if failed := connectFailure(src, err); failed.detail == "" || len(failed.detail) > 100 {
				t.Errorf("%v is explained as %q", err, failed.detail)
			}
			return
		}
		if f := serverrules.StatusError(src, status); f != nil && (len(f.Detail) > 100 || strings.Contains(f.Detail, "\n")) {
			t.Errorf("%d is explained as %q", status, f.Detail)
		}
		c := serverrules.NewCredentials(src)
		offered := strings.ToLower(strings.Join(header["Www-Authenticate"], ","))
		accepted := c.AcceptChallenges(header["Www-Authenticate"])
		authorization := c.Authorization("DESCRIBE", src.URL.String())
		switch scheme, _, _ := strings.Cut(authorization, " "); {
		case accepted != (authorization != ""):
			t.Errorf("accepted %v, answer %q", accepted, authorization)
		case strings.ContainsFunc(authorization, unicode.IsControl):
			t.Errorf("header %q", authorization)
		case !strings.Contains(offered, strings.ToLower(scheme)):
			t.Errorf("%q in answer to %q", authorization, offered)
		case authorization != basic && (strings.Contains(authorization, password) || strings.Contains(authorization, strings.TrimPrefix(basic, "Basic "))):
			t.Errorf("the password is in %q", authorization)
		}
	})
}

// endlessHeader is a header that never ends.
type endlessHeader struct{}

func (endlessHeader) Read(b []byte) (int, error) { return copy(b, "X-Filler: 0123456789\r\n"), nil }

func TestEndlessRTSPHeaderIsRefused(t *testing.T) {
	conn := &scriptedConn{input: io.MultiReader(strings.NewReader("RTSP/1.0 200 OK\r\n"), endlessHeader{})}
	if status, _, err := sendDescribe(conn, newHeaderReader(conn), sourceurl.Source{}, 1, ""); err == nil {
		t.Errorf("it was taken, as %d", status)
	}
}
