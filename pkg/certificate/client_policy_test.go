package certificate

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// The policy decides which clients can connect, with which certificates and TLS versions.
func TestClientPolicyDecidesWhoConnects(t *testing.T) {
	authority, otherCA, selfIssued := testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t)
	load := func(i testpeer.KeyPair) *tls.Certificate {
		pair, err := Files{i.File, i.Key}.Load()
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	pool, err := LoadCAs(authority.File)
	if err != nil {
		t.Fatal(err)
	}
	own, soon := load(selfIssued), time.Now().Add(time.Hour)
	anna := load(authority.IssueClient(t, "anna", soon))
	for _, c := range []struct {
		what    string
		terms   ClientPolicy
		shows   *tls.Certificate
		admits  bool
		version uint16 // at most
	}{
		{"nothing asked", ClientPolicy{}, anna, true, 0},
		{"vouched for", ClientPolicy{CAs: pool, Require: true}, anna, true, 0},
		{"vouched for, TLS 1.2", ClientPolicy{CAs: pool, Require: true}, anna, true, tls.VersionTLS12},
		{"vouched for, and need not be", ClientPolicy{CAs: pool}, anna, true, 0},
		{"none", ClientPolicy{CAs: pool, Require: true}, nil, false, 0},
		{"none needed", ClientPolicy{CAs: pool}, nil, true, 0},
		{"a stranger's", ClientPolicy{CAs: pool, Require: true}, load(otherCA.IssueClient(t, "anna", soon)), false, 0},
		{"a stranger's, and needs none", ClientPolicy{CAs: pool}, load(otherCA.IssueClient(t, "anna", soon)), false, 0},
		{"expired", ClientPolicy{CAs: pool, Require: true}, load(authority.IssueClient(t, "anna", time.Now().Add(-time.Hour))), false, 0},
		{"the house's own", ClientPolicy{CAs: pool, Require: true}, own, true, 0},
		{"too old", ClientPolicy{MinVersion: tls.VersionTLS13}, nil, false, tls.VersionTLS12},
	} {
		var store Store
		store.SetCertificate(own)
		server := store.Server()
		store.SetClientPolicy(c.terms)
		client := Client(own)
		client.MaxVersion = c.version
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c.shows == nil {
				return &tls.Certificate{}, nil
			}
			return c.shows, nil
		}
		near, far := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			conn := tls.Server(far, server)
			_, _ = conn.Write([]byte("x"))
			_ = conn.Close()
		}()
		conn := tls.Client(near, client)
		_, err := io.ReadFull(conn, make([]byte, 1)) // in TLS 1.3 the client gets the refusal only at its first read
		_ = near.Close()
		<-served
		if (err == nil) != c.admits {
			t.Errorf("%s: %v, want accepted: %v", c.what, err, c.admits)
		}
	}
}

// A connection of an ACME authority needs no client certificate. It gets the challenge certificate and never HTTP, even if it offers
// HTTP, too.
func TestChallengeNeedsNoClientCertificate(t *testing.T) {
	i := testpeer.Certificate{}.Make(t)
	pair, err := Files{i.File, i.Key}.Load()
	if err != nil {
		t.Fatal(err)
	}
	var store Store
	store.SetCertificate(pair)
	server := store.Server()
	store.SetClientPolicy(ClientPolicy{CAs: i.Pool, Require: true, ChallengeProtocols: []string{"acme-tls/1"}})
	for _, c := range []struct {
		offers []string
		speaks string // empty: refused
	}{{[]string{"acme-tls/1"}, "acme-tls/1"}, {[]string{"h2", "acme-tls/1", "http/1.1"}, "acme-tls/1"}, {[]string{"h2"}, ""}, {nil, ""}} {
		client := Client(pair)
		client.NextProtos, client.GetClientCertificate = c.offers, nil
		near, far := net.Pipe()
		served := make(chan error, 1)
		go func() {
			conn := tls.Server(far, server)
			served <- conn.Handshake()
			_ = conn.Close()
		}()
		conn := tls.Client(near, client)
		_, _ = conn.Read(make([]byte, 1))
		_ = near.Close()
		if err := <-served; (err == nil) != (c.speaks != "") || err == nil && conn.ConnectionState().NegotiatedProtocol != c.speaks {
			t.Errorf("%v: %v, %q", c.offers, err, conn.ConnectionState().NegotiatedProtocol)
		}
	}
}
