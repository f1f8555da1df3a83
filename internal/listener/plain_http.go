package listener

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Limits of reading a request that came without TLS.
const (
	plainHeadTimeout = time.Second // to receive the rest of the head, and again to send the answer
	maxPlainHead     = 8 << 10
	maxPlainRest     = 64 << 10 // bytes that are discarded
)

// AnswerPlain returns a listener for a TLS server. Its connections answer a request without TLS with the https address. They redirect GET
// and HEAD. Other requests, and those with a login, get the address in an error, because a program must notice that it has sent its
// password unencrypted.
//
// net/http recognizes a request without TLS within its timeout for the handshake, and writes a fixed text to the connection. The connection
// replaces this text. It does not change TLS, whose records begin with a byte that no text begins with.
func (d Redirect) AnswerPlain(l net.Listener) net.Listener { return &plainListener{l, d} }

type plainListener struct {
	net.Listener
	redirect Redirect
}

func (l *plainListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if plain, ok := c.(duplex); ok && err == nil {
		return &plainConn{duplex: plain, redirect: l.redirect}, nil
	}
	return c, err
}

// duplex is what *net.TCPConn and *net.UnixConn have in common.
type duplex interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// plainConn is a connection of a plainListener. A server reads and writes it in one goroutine until the TLS handshake is done.
type plainConn struct {
	duplex
	redirect Redirect
	isTLS    bool
	head     []byte // what has been read of a request without TLS
}

// NetConn returns the underlying connection, like the method of tls.Conn.
func (c *plainConn) NetConn() net.Conn { return c.duplex }

// Read reads from the client, and keeps what looks like HTTP.
func (c *plainConn) Read(b []byte) (int, error) {
	n, err := c.duplex.Read(b)
	if c.isTLS || n == 0 {
		return n, err
	}
	if len(c.head) == 0 && !isLetter(b[0]) || len(c.head)+n > maxPlainHead {
		c.isTLS, c.head = true, nil
		return n, err
	}
	c.head = append(c.head, b[:n]...)
	return n, err
}

// Write writes to the client. It replaces the text of net/http for a request without TLS.
func (c *plainConn) Write(b []byte) (int, error) {
	if c.isTLS || len(c.head) == 0 || len(b) == 0 || !isLetter(b[0]) {
		return c.duplex.Write(b)
	}
	if err := c.answer(); err != nil {
		return 0, err
	}
	return len(b), nil
}

// answer reads the rest of the request's head and answers the request. If the head is not complete, the answer has no address.
func (c *plainConn) answer() error {
	rest := io.LimitReader(c.duplex, int64(maxPlainHead-len(c.head)))
	_ = c.duplex.SetDeadline(time.Now().Add(plainHeadTimeout))
	method, _, _ := strings.Cut(string(c.head), " ")
	answer := plainAnswer(method, http.StatusBadRequest, "")
	if r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(c.head), rest))); err == nil {
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.duplex.LocalAddr()))
		answer = c.redirect.answerPlainRequest(r)
	}
	_ = c.duplex.SetDeadline(time.Now().Add(plainHeadTimeout))
	if _, err := c.duplex.Write(answer); err != nil {
		return err
	}
	// A connection that is closed with unread bytes is reset, and the client may lose the answer.
	_ = c.duplex.CloseWrite()
	_, _ = io.CopyN(io.Discard, c.duplex, maxPlainRest)
	return nil
}

// answerPlainRequest returns the answer to a request without TLS at an address that speaks TLS.
func (d Redirect) answerPlainRequest(r *http.Request) []byte {
	host := d.sameHost(r)
	if host == "" {
		return plainAnswer(r.Method, http.StatusBadRequest, "")
	}
	isSafe := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Authorization") == ""
	if !isSafe || isProxied(r) {
		return plainAnswer(r.Method, http.StatusBadRequest, "https://"+host+"/")
	}
	return plainAnswer(r.Method, http.StatusPermanentRedirect, "https://"+host+pathAndQuery(r.URL))
}

// isProxied reports whether a proxy forwarded the request. It would forward a redirected request without TLS again.
func isProxied(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// sameHost returns the host and port of the public URL. Without a public URL it returns those of the request, because they lead to this
// listener. It returns "" if they are not this machine's.
func (d Redirect) sameHost(r *http.Request) string {
	if public := d.publicHost(); public != "" {
		return public
	}
	asked, err := url.Parse("http://" + r.Host)
	switch {
	case err != nil || !d.isOwnName(asked.Hostname(), r):
		return ""
	case asked.Port() == "":
		return net.JoinHostPort(asked.Hostname(), "80")
	}
	return asked.Host
}

// plainAnswer returns a response that ends the connection. address is the URL to use; empty if it is not known. The response to HEAD has the
// headers of the response to GET and no body (RFC 9110, section 9.3.2).
func plainAnswer(method string, status int, address string) []byte {
	var b bytes.Buffer
	text := "This port serves HTTPS. Use https:// in the address.\n"
	if address != "" {
		text = "This port serves HTTPS: " + address + "\n"
	}
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	if status == http.StatusPermanentRedirect {
		fmt.Fprintf(&b, "Location: %s\r\n", address)
	}
	fmt.Fprintf(&b, "Cache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", len(text))
	if method != http.MethodHead {
		b.WriteString(text)
	}
	return b.Bytes()
}

func isLetter(b byte) bool { return 'A' <= b && b <= 'Z' }
