package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

// jwtServer is a server that accepts its operator's JWTs, with one account.
type jwtServer struct {
	server  *server.Server
	account nkeys.KeyPair
}

func newJWTServer(t *testing.T) jwtServer {
	t.Helper()
	operator, account := newKeyPair(t, nkeys.CreateOperator), newKeyPair(t, nkeys.CreateAccount)
	signed, err := jwt.NewAccountClaims(publicKey(t, account)).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	known := &server.MemAccResolver{}
	if err := known.Store(publicKey(t, account), signed); err != nil {
		t.Fatal(err)
	}
	return jwtServer{account: account, server: startServer(t, func(o *server.Options) {
		o.TrustedKeys, o.AccountResolver = []string{publicKey(t, operator)}, known
	})}
}

func newKeyPair(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	k, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicKey(t *testing.T, k nkeys.KeyPair) string {
	t.Helper()
	public, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// writeCredentials writes a .creds file of a user with only these permissions, as docs/relay.md makes them.
func (j jwtServer) writeCredentials(t *testing.T, publishes, subscribes string) (path, public string) {
	t.Helper()
	key := newKeyPair(t, nkeys.CreateUser)
	claims := jwt.NewUserClaims(publicKey(t, key))
	claims.Pub.Allow.Add(strings.Split(publishes, ",")...)
	claims.Sub.Allow.Add(strings.Split(subscribes, ",")...)
	signed, err := claims.Encode(j.account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(signed, seed)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, publicKey(t, key)
}

// Users with the JWTs and permissions of docs/relay.md can run a site and a relay, and cannot publish as another site. A user whose
// JWT is revoked gets a clear problem and keeps trying.
func TestDocumentedPermissionsSuffice(t *testing.T) {
	t.Parallel()
	o := newJWTServer(t)
	url := o.server.ClientURL()
	by := func(path string) Options { return Options{URLs: []string{url}, Account: Account{Credentials: path}} }
	north, public := o.writeCredentials(t, "camd,camd.north,camd.north.>", "camd,camd.north,camd.north.ask,camd.north.want")
	reader, _ := o.writeCredentials(t, "camd,camd.*.ask,camd.*.want", "camd.*,camd.*.*.*")

	asSite := by(north)
	asSite.Site = "north"
	yard := newFakeCamera("yard")
	site, _ := startBus(t, asSite)
	site.SetLocalCameras([]LocalCamera{yard})
	asRelay := by(reader)
	asRelay.Relay = true
	relay, _ := startBus(t, asRelay)
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	yard.publish(1000)
	v.next(false)
	if p := site.State().Problem + relay.State().Problem; p != "" {
		t.Errorf("problem %q with the documented permissions", p)
	}

	forged := by(north)
	forged.Site = "south"
	other, _ := startBus(t, forged)
	other.SetLocalCameras([]LocalCamera{yard})
	testrun.WaitFor(t, "the permissions", func() bool { return strings.Contains(other.State().Problem, "camd.south") })

	account, err := o.server.LookupAccount(publicKey(t, o.account))
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.NewAccountClaims(publicKey(t, o.account))
	claims.Revoke(public)
	o.server.UpdateAccountClaims(account, claims)
	testrun.WaitFor(t, "the revocation", func() bool {
		s := site.State()
		return !s.Connected && strings.Contains(s.Problem, "refuses the credentials")
	})
	waitCamera(t, relay, "north.yard", camera.Offline)
}
