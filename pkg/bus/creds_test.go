package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"camd/internal/peer"
	"camd/pkg/camera"
)

// operated is a server that believes its operator's JWTs, and an account there.
type operated struct {
	server  *server.Server
	account nkeys.KeyPair
}

func newOperated(t *testing.T) operated {
	t.Helper()
	operator, account := pairOf(t, nkeys.CreateOperator), pairOf(t, nkeys.CreateAccount)
	signed, err := jwt.NewAccountClaims(publicOf(t, account)).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	known := &server.MemAccResolver{}
	if err := known.Store(publicOf(t, account), signed); err != nil {
		t.Fatal(err)
	}
	return operated{account: account, server: engine(t, func(o *server.Options) {
		o.TrustedKeys, o.AccountResolver = []string{publicOf(t, operator)}, known
	})}
}

func pairOf(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	k, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicOf(t *testing.T, k nkeys.KeyPair) string {
	t.Helper()
	public, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// user writes a .creds file of a user who may publish and subscribe to these, as docs/relay.md has it, and no other.
func (o operated) user(t *testing.T, publishes, subscribes string) (path, public string) {
	t.Helper()
	key := pairOf(t, nkeys.CreateUser)
	claims := jwt.NewUserClaims(publicOf(t, key))
	claims.Pub.Allow.Add(strings.Split(publishes, ",")...)
	claims.Sub.Allow.Add(strings.Split(subscribes, ",")...)
	signed, err := claims.Encode(o.account)
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
	return path, publicOf(t, key)
}

// Users by JWT, with the permissions of docs/relay.md, and not as another site; one whose JWT is revoked is told so and tries on.
func TestCredentials(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	url := o.server.ClientURL()
	by := func(path string) Options { return Options{URLs: []string{url}, Account: Account{Credentials: path}} }
	north, public := o.user(t, "camd,camd.north,camd.north.>", "camd,camd.north,camd.north.ask,camd.north.want")
	reader, _ := o.user(t, "camd,camd.*.ask,camd.*.want", "camd.*,camd.*.*.*")

	asSite := by(north)
	asSite.Site = "north"
	yard := newLocal("yard")
	site, _ := start(t, asSite)
	site.Offer([]Source{yard})
	asRelay := by(reader)
	asRelay.Relay = true
	relay, _ := start(t, asRelay)
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	yard.publish(1000)
	v.next(false)
	if p := site.State().Problem + relay.State().Problem; p != "" {
		t.Errorf("%q with what the documentation permits", p)
	}

	forged := by(north)
	forged.Site = "south"
	other, _ := start(t, forged)
	other.Offer([]Source{yard})
	peer.Until(t, "the permissions", func() bool { return strings.Contains(other.State().Problem, "camd.south") })

	account, err := o.server.LookupAccount(publicOf(t, o.account))
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.NewAccountClaims(publicOf(t, o.account))
	claims.Revoke(public)
	o.server.UpdateAccountClaims(account, claims)
	peer.Until(t, "the revocation", func() bool {
		s := site.State()
		return !s.Connected && strings.Contains(s.Problem, "refuses this user")
	})
	find(t, relay, "north.yard", camera.Offline)
}
