package httpreader

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// otherHost is a server at another address of this machine.
type otherHost struct {
	address     string // host:port
	connections atomic.Int64
}

// serveOther serves at 127.0.0.2.
func serveOther(t *testing.T, h http.HandlerFunc) *otherHost {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &otherHost{address: l.Addr().String()}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			o.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return o
}

func sendPicture(t *testing.T) http.HandlerFunc {
	picture := testpeer.GrayJPEG(t, 64)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(picture)
	}
}

func TestRedirectToAnotherHostNeedsRedirectHosts(t *testing.T) {
	for _, scheme := range []string{"http", "http+poll"} {
		t.Run(scheme, func(t *testing.T) {
			var leaked atomic.Bool
			picture := sendPicture(t)
			other := serveOther(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					leaked.Store(true)
				}
				picture(w, r)
			})
			home := serveHTTP(t, requireDigest("viewer", secret, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+other.address+"/picture.jpg", http.StatusFound)
			}))
			url := strings.Replace(home, "http", scheme, 1)
			o := Options{Source: sourceurl.Source{User: "viewer", Password: secret}, FPS: 20}
			startRead(t, url, o).expectFailure(camera.Redirect, `the camera redirects to the host "127.0.0.2": add it to redirect_hosts if you trust it`)
			if n := other.connections.Load(); n != 0 {
				t.Errorf("%d connections to the other host", n)
			}
			o.RedirectHosts = []string{"127.0.0.2"}
			startRead(t, url, o).frame()
			if leaked.Load() {
				t.Error("the other host got the password")
			}
		})
	}
}

func TestRedirectNeverLeavesHTTPS(t *testing.T) {
	c := testpeer.Certificate{}.Make(t)
	plain := strings.TrimPrefix(serveHTTP(t, sendPicture(t)), "http://")
	encrypted := testpeer.ServeTLS(t, plain, c).Address
	redirect := func(to string) string {
		return strings.TrimPrefix(serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }), "http://")
	}
	for _, test := range []struct {
		name, source string
		problem      string // "" means that pictures arrive
	}{
		{"another port", "http://" + redirect("http://"+plain), ""},
		{"http to https", "http://" + redirect("https://"+encrypted), ""},
		{"https to http", "https://" + testpeer.ServeTLS(t, redirect("http://"+plain), c).Address, "redirects from https:// to http://"},
		{"another scheme", "http://" + redirect("ftp://"+plain), `redirects to a "ftp" address`},
		{"itself", "http://" + redirect("/again"), "redirects more than 8 times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := startRead(t, test.source, Options{TLS: tlsverify.Options{CAFile: c.File}, FPS: 20})
			if test.problem == "" {
				d.frame()
				return
			}
			d.expectFailure(camera.Redirect, test.problem)
		})
	}
}
