package connlimit

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// A reader that waits as told reads at the rate, and hardly faster, at any size of reads. No wait is long.
func TestReadLimiterHoldsTheRate(t *testing.T) {
	start := time.Unix(1e9, 0)
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		var p readLimiter
		now, read, written := start, 0, 0
		for now.Before(start.Add(time.Minute)) {
			if random.IntN(3) == 0 {
				n := random.IntN(100_000)
				p.creditWrite(n)
				written += n
			}
			n := random.IntN(maxReadSize + 1)
			read += n
			wait := p.delayAfterRead(n, now)
			if wait > maxReadSize*timePerByte {
				t.Fatalf("seed %d: waits for %v", seed, wait)
			}
			now = now.Add(max(0, wait))
		}
		most := readBurst + int(now.Sub(start)/timePerByte) + written/writtenPerReadByte
		if read > most || read < most-readBurst { // credit of writes is lost while the reader is below its limit
			t.Errorf("seed %d: %d bytes in %v, with %d sent, want at most %d", seed, read, now.Sub(start), written, most)
		}
	}
}

// A client below the rate never waits; after a silence it has no more than the burst.
func TestReadLimiterNeverDelaysModestClients(t *testing.T) {
	var p readLimiter
	now := time.Unix(1e9, 0)
	for range 10_000 {
		now = now.Add(time.Second / 100)
		if wait := p.delayAfterRead(readBytesPerSecond/100, now); wait > 0 {
			t.Fatalf("waits for %v", wait)
		}
		p.creditWrite(1 << 20)
	}
	now = now.Add(time.Hour)
	if wait := p.delayAfterRead(readBurst, now); wait > 0 {
		t.Errorf("waits for %v", wait)
	}
	if wait := p.delayAfterRead(readBytesPerSecond, now); wait != readBytesPerSecond*timePerByte {
		t.Errorf("waits for %v, want %v", wait, readBytesPerSecond*timePerByte)
	}
}

// A delayed read loses no data, and written bytes raise the limit.
func TestConnDelaysReadsAndLosesNothing(t *testing.T) {
	g := newTestListener(t, "tcp", "127.0.0.1:0", false, Limits{})
	client, server := g.connect("")
	sent := bytes.Repeat([]byte("flood"), (readBurst+2*maxReadSize)/5)
	go func(sent []byte) { _, _ = client.Write(sent) }(sent)
	began := time.Now()
	if n, err := server.Read(make([]byte, 1<<20)); n > maxReadSize || err != nil {
		t.Errorf("%d at a time, %v", n, err)
	} else {
		sent = sent[n:]
	}
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got another event, or %v", err)
	}
	if took, least := time.Since(began), maxReadSize*timePerByte; took < least { // a slow machine can only take longer
		t.Errorf("it took %v, want %v at least", took, least)
	}
	p := &server.(*conn).reads
	before := p.paidUntil
	if _, err := server.Write(make([]byte, 800)); err != nil || !p.paidUntil.Equal(before.Add(-100*timePerByte)) {
		t.Errorf("%v after writing, want %v", p.paidUntil.Sub(before), -100*timePerByte)
	}
}
