package turnstile

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// Whoever waits as long as asked gets through what it may, and hardly more, however it comes; and never waits long at a time.
func TestPace(t *testing.T) {
	begin := time.Unix(1e9, 0)
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		var p pace
		now, heard, told := begin, 0, 0
		for now.Before(begin.Add(time.Minute)) {
			if random.IntN(3) == 0 {
				n := random.IntN(100_000)
				p.told(n)
				told += n
			}
			n := random.IntN(mouthful + 1)
			heard += n
			wait := p.heard(n, now)
			if wait > mouthful*turn {
				t.Fatalf("seed %d: waits for %v", seed, wait)
			}
			now = now.Add(max(0, wait))
		}
		most := atFirst + int(now.Sub(begin)/turn) + told/answered
		if heard > most || heard < most-atFirst { // what it was sent while it was not in debt is forgotten
			t.Errorf("seed %d: %d bytes in %v, with %d sent, want at most %d", seed, heard, now.Sub(begin), told, most)
		}
	}
}

// Who keeps below what is free for good never waits; who has been silent has no more at once than at first.
func TestPaceOfTheModest(t *testing.T) {
	var p pace
	now := time.Unix(1e9, 0)
	for range 10_000 {
		now = now.Add(time.Second / 100)
		if wait := p.heard(eachTurn/100, now); wait > 0 {
			t.Fatalf("waits for %v", wait)
		}
		p.told(1 << 20)
	}
	now = now.Add(time.Hour)
	if wait := p.heard(atFirst, now); wait > 0 {
		t.Errorf("waits for %v", wait)
	}
	if wait := p.heard(eachTurn, now); wait != eachTurn*turn {
		t.Errorf("waits for %v, want %v", wait, eachTurn*turn)
	}
}

// Nothing is lost of what is heard late, and what is sent counts.
func TestPaceOfAConnection(t *testing.T) {
	g := newGuard(t, "tcp", "127.0.0.1:0", false, Limits{})
	client, server := g.enter("")
	said := bytes.Repeat([]byte("flood"), (atFirst+2*mouthful)/5)
	go func(said []byte) { _, _ = client.Write(said) }(said)
	began := time.Now()
	if n, err := server.Read(make([]byte, 1<<20)); n > mouthful || err != nil {
		t.Errorf("%d at a time, %v", n, err)
	} else {
		said = said[n:]
	}
	got := make([]byte, len(said))
	if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, said) {
		t.Errorf("something else was heard, or %v", err)
	}
	if took, least := time.Since(began), mouthful*turn; took < least { // the clock of a slow machine only shows more
		t.Errorf("it took %v, want %v at least", took, least)
	}
	p := &server.(*conn).pace
	before := p.paid
	if _, err := server.Write(make([]byte, 800)); err != nil || !p.paid.Equal(before.Add(-100*turn)) {
		t.Errorf("%v after writing, want %v", p.paid.Sub(before), -100*turn)
	}
}
