package capture

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"
	"unicode"

	"github.com/icholy/digest"

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
		if f := statusFailure(src, status); f != nil && (len(f.detail) > 100 || strings.Contains(f.detail, "\n")) {
			t.Errorf("%d is explained as %q", status, f.detail)
		}
		c := credentials{src: src}
		offered := strings.ToLower(strings.Join(header["Www-Authenticate"], ","))
		if c.acceptChallenges(header["Www-Authenticate"]) != (c.digest != nil || c.basic) || c.basic && !strings.Contains(offered, "basic") || c.digest != nil && !strings.Contains(offered, "digest") {
			t.Fatalf("from %q the client accepts %+v", header["Www-Authenticate"], c)
		}
		switch authorization := c.authorization("DESCRIBE", src.URL.String()); {
		case strings.ContainsFunc(authorization, unicode.IsControl):
			t.Errorf("header %q", authorization)
		case authorization == "" && (c.basic || c.digest != nil), authorization != "" && !c.basic && c.digest == nil, authorization == basic && !c.basic:
			t.Errorf("%q in answer to %+v", authorization, c)
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

// A challenge that the library writes is parsed, whatever precedes it.
func FuzzChallenge(f *testing.F) {
	f.Add("Streaming Server", "abc==", "5ccc", "auth,auth-int", "MD5", " Basic realm=\"x\",")
	f.Add("a, Digest b", "Basic c", "", "auth", "SHA-256", "")
	f.Add("", "0", "", "", "", "Negotiate,")
	f.Fuzz(func(t *testing.T, realm, nonce, opaque, qop, algorithm, before string) {
		for _, s := range []string{realm, nonce, opaque, qop, algorithm, before} {
			for _, part := range splitChallenges(s) { // the parts of any text are pieces of it
				if !strings.Contains(s, part) {
					t.Fatalf("%q is not in %q", part, s)
				}
			}
			if _ = parseDigestChallenge(s); strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
				return
			}
		}
		if strings.Trim(algorithm, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789") != "" || before != "" && before != "Negotiate," && before != `Basic realm="x",` {
			return
		}
		want := digest.Challenge{Realm: realm, Nonce: nonce, Opaque: opaque, Algorithm: algorithm}
		if qop = strings.Trim(qop, " ,"); qop != "" {
			want.QOP = []string{qop}
		}
		parts := splitChallenges(before + " " + want.String())
		if len(parts) == 0 {
			t.Fatalf("nothing in %s", want.String())
		}
		_, rest, _ := strings.Cut(parts[len(parts)-1], " ")
		got := parseDigestChallenge(rest)
		if got.Realm != realm || got.Nonce != nonce || got.Opaque != opaque || got.Algorithm != algorithm {
			t.Errorf("%s is read as %+v", want.String(), got)
		}
	})
}
