package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/access"
)

// canaryConfig is a configuration with a canary in every place for a secret, and with the addresses of peers: some accept the passwords,
// some refuse them, and some repeat them.
type canaryConfig struct {
	dir, text string // dir has the files that text names
	user      *syscall.Credential
	broker    *testpeer.MQTT
	key       string // a line of the server's private key
	spki      string // the SPKI hash of its certificate
	env       []string
	hashes    []string // of the credentials that clients send
}

// secrets returns the texts that no output may contain, in all their encodings.
func (c canaryConfig) secrets() []string {
	return append(c.hashes, "canary", "Y2FuYXJ5", base64.StdEncoding.EncodeToString([]byte("viewer:canary"))[:16], "63616e617279", "ca4a21ca4a21", c.key)
}

func newCanaryConfig(t *testing.T) canaryConfig {
	const password = "canary-pass/word%"
	p := canaryConfig{broker: testpeer.ServeMQTT(t, "camd", "canary-broker", "")}
	rtsp := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip, User: "viewer", Password: password})
	locked := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip, User: "viewer", Password: "another"})
	mux := http.NewServeMux()
	mux.Handle("/", serveWrongContent(servePictureTimes(readFile(t, truncateFirstPicture(t, mjpegClip.Make(t), 1)), 10000)))
	mux.HandleFunc("/echo", serveEcho)
	web := strings.TrimPrefix(serveHTTP(t, mux), "http://")
	dead := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))

	p.dir, p.user = programsForNobody(t)
	source := filepath.Join("..", "..", "pkg", "config", "testdata", "secrets")
	if err := os.CopyFS(p.dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	i := testpeer.Certificate{}.Make(t)
	for name, from := range map[string]string{"cert.pem": i.File, "key.pem": i.Key} {
		makeReadable(t, write(t, p.dir, name, string(readFile(t, from))))
	}
	p.spki = i.SPKIHash
	p.key = strings.Split(string(readFile(t, i.Key)), "\n")[1]
	state := filepath.Join(p.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if p.user != nil {
		if err := os.Chown(state, nobodyID, nobodyID); err != nil {
			t.Fatal(err)
		}
	}
	p.text = strings.NewReplacer("{{STATE}}", state, "{{CERTIFICATE}}", "cert.pem", "{{KEY}}", "key.pem", "{{RTSP}}", rtsp.URL(), "{{RTSP_HOST}}", rtsp.Address,
		"{{LOCKED_HOST}}", locked.Address, "{{DEAD_HOST}}", dead, "{{ECHO_HOST}}", testpeer.ServeRaw(t, serveEchoRTSP), "{{WEB_HOST}}", web, "{{BROKER_HOST}}", p.broker.Address,
		"{{BUS}}", "user: camd, password_file: bus.password",
	).Replace(string(readFile(t, filepath.Join(p.dir, "camd.yaml"))))
	p.addCredentials(t)
	p.env = []string{"CANARY_PASSWORD=" + password, "CANARY_HOOK=http://" + dead + "/canary-hook-env", "CANARY_SECRET=canarycanarycanarycanarycanarycanarycana"}
	return p
}

// addCredentials adds a user and a token whose secrets the test knows.
func (c *canaryConfig) addCredentials(t *testing.T) {
	sum, err := access.HashToken(loginToken)
	if err != nil {
		t.Fatal(err)
	}
	hash := access.HashPassword(loginPassword)
	c.text = strings.NewReplacer(
		"\n  users:\n", "\n  users:\n    carla: {role: control, cameras: [good, in-address], hash: '"+hash+"'}\n",
		"\n  tokens:\n", "\n  tokens:\n    driver: {role: admin, hash: '"+sum.String()+"'}\n",
	).Replace(c.text)
	c.hashes = []string{hash[strings.LastIndex(hash, "$")+1:], strings.TrimPrefix(sum.String(), "sha256:")}
}

// makeReadable allows every user to read a file.
func makeReadable(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serveEcho asks for a password, and then answers only with what it was sent.
func serveEcho(w http.ResponseWriter, r *http.Request) {
	said := r.Header.Get("Authorization")
	if said == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="echo"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, password, _ := r.BasicAuth()
	w.Header().Set("Content-Type", "text/"+password)
	w.Header().Set("ETag", said)
	_, _ = fmt.Fprintln(w, said, r.URL)
}

// serveEchoRTSP is an RTSP server that asks for a password and refuses it. It repeats what it was sent wherever it can.
func serveEchoRTSP(c net.Conn) {
	in := textproto.NewReader(bufio.NewReader(c))
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		header, err := in.ReadMIMEHeader()
		if err != nil {
			return
		}
		said := header.Get("Authorization")
		answer := fmt.Sprintf("RTSP/1.0 401 %s %s\r\nCSeq: %s\r\nServer: %s\r\nWWW-Authenticate: Basic realm=\"%s\"\r\n\r\n", line, said, header.Get("CSeq"), said, said)
		if strings.HasPrefix(line, "OPTIONS ") {
			answer = fmt.Sprintf("RTSP/1.0 200 %s\r\nCSeq: %s\r\nPublic: DESCRIBE\r\n\r\n", said, header.Get("CSeq"))
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}
