package viewers

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"camd/pkg/broker"
)

func TestTotalBytesLimitRefusesNewViewers(t *testing.T) {
	a := NewRegistry(Options{})
	a.SetLimits(Limits{Viewers: 500, TotalBytesPerSecond: 1000})
	connect := func() (*Viewer, error) {
		v := New(Key{Camera: "a"}, httptest.NewRequest(http.MethodGet, "http://localhost/", nil), false)
		return v, a.Add(v, broker.NewTopic("a", broker.Options{}))
	}
	v, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	v.Bytes.Add(5000)
	a.measured.at = time.Now().Add(-2 * time.Second) // as if it had measured nothing two seconds ago
	if _, err := connect(); err == nil {
		t.Error("admitted at 2500 bytes a second, limit 1000")
	}
	a.measured.at, a.measured.bytes = time.Now().Add(-10*time.Second), 5000
	late, err := connect()
	if err != nil {
		t.Errorf("refused although nothing is being sent: %v", err)
	}
	a.Remove(v, "")
	a.Remove(late, "")
	if len(a.perAddress)+len(a.perCamera) != 0 {
		t.Errorf("%v %v remembered", a.perAddress, a.perCamera)
	}
}
