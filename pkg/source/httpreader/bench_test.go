package httpreader

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/source/sourceurl"
)

// childVariable is the environment variable that makes the test program a child process: "read" or "discard". The source is in
// urlVariable.
const childVariable, urlVariable = "HTTPREADER_CHILD", "HTTPREADER_URL"

// runChild reads a stream until it ends: with Read, or with the shortest program that receives the same bytes.
func runChild(kind, url string) int {
	src, err := sourceurl.Parse(url)
	if err != nil {
		return 2
	}
	if kind == "read" {
		_ = Read(context.Background(), Options{Source: src, OnFrame: func(*Frame) {}})
		return 0
	}
	response, err := http.Get(url)
	if err != nil {
		return 1
	}
	defer response.Body.Close()
	b := make([]byte, 64<<10)
	for err == nil {
		_, err = response.Body.Read(b)
	}
	return 0
}

// benchJPEG returns a picture of about 100 KB.
func benchJPEG(b *testing.B) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	random := rand.New(rand.NewPCG(1, 0))
	for y := range 720 {
		for x := range 1280 {
			noise := uint8(random.UintN(6))
			m.SetRGBA(x, y, color.RGBA{uint8(x/5) + noise, uint8(y/4) + noise, uint8((x + y) / 2), 255})
		}
	}
	for quality := 20; ; quality += 2 {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: quality}); err != nil {
			b.Fatal(err)
		}
		if out.Len() >= 95_000 {
			return out.Bytes()
		}
	}
}

// serveCamera sends a picture 30 times a second to each client. It sends pieces of a size, as over a link of 100 Mbit/s.
func serveCamera(b *testing.B, picture []byte, piece int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go sendCamera(c, picture, piece)
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

func sendCamera(c net.Conn, picture []byte, piece int) {
	defer c.Close()
	if _, err := c.Read(make([]byte, 4096)); err != nil {
		return
	}
	_, err := io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n")
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for p := part(picture); err == nil; <-tick.C {
		for at := 0; at < len(p) && err == nil; at += piece {
			next := p[at:min(at+piece, len(p))]
			until := time.Now().Add(time.Duration(len(next)) * 80 * time.Nanosecond)
			_, err = c.Write(next)
			for piece < len(p) && time.Now().Before(until) { // sleeping is not exact enough
			}
		}
	}
}

// BenchmarkRead measures the CPU that reading 30 pictures of 100 KB a second takes, in a process of its own, and compares it with the
// shortest program that receives the same bytes. An operation is a second.
func BenchmarkRead(b *testing.B) {
	picture := benchJPEG(b)
	for name, piece := range map[string]int{"whole": 1 << 20, "packets": 1600} {
		b.Run(name, func(b *testing.B) {
			url := serveCamera(b, picture, piece)
			seconds := time.Duration(min(max(b.N, 3), 20)) * time.Second
			discard, read := measureChild(b, "discard", url, seconds), measureChild(b, "read", url, seconds)
			b.ReportMetric(float64(len(picture)), "bytes/picture")
			b.ReportMetric(read, "core")
			b.ReportMetric(discard, "core-discard")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// measureChild returns the share of a CPU that a child process takes.
func measureChild(b *testing.B, kind, url string, length time.Duration) float64 {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+kind, urlVariable+"="+url)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	time.Sleep(time.Second) // until it has started
	cpu, at := processCPU(b, cmd.Process.Pid), time.Now()
	time.Sleep(length)
	return float64(processCPU(b, cmd.Process.Pid)-cpu) / float64(time.Since(at))
}

// processCPU reads another process's CPU clock, whose number is made of its id (see clock_getcpuclockid(3)).
func processCPU(b *testing.B, pid int) time.Duration {
	b.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		b.Fatal(fmt.Errorf("the child has ended: %w", err))
	}
	return time.Duration(ts.Nano())
}
