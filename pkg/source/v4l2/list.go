package v4l2

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"camd/pkg/camera"
)

// List returns every /dev/videoN, ordered by number, also those that are no capture devices. A device that cannot be used is in
// the list with its problem. List returns an error only if it cannot read /dev.
func List() ([]Device, error) {
	return scanner{dev: "/dev", sys: "/sys/class/video4linux", proc: "/proc", open: openDriver}.list()
}

// scanner finds devices below three directories.
type scanner struct {
	dev, sys, proc string
	open           func(path string) (driver, error)
}

var nodeName = regexp.MustCompile(`^video([0-9]{1,6})$`)

func (s scanner) list() ([]Device, error) {
	entries, err := os.ReadDir(s.dev)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		if m := nodeName.FindStringSubmatch(e.Name()); m != nil && !e.IsDir() {
			n, _ := strconv.Atoi(m[1])
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	slices.Sort(numbers)
	stable, holders := s.stableNames(), s.holders()
	devices := make([]Device, len(numbers))
	for i, n := range numbers {
		path := filepath.Join(s.dev, "video"+strconv.Itoa(n))
		d := Device{Path: path, Stable: stable[path], Holders: holders[path]}
		s.examine(&d)
		devices[i] = d
	}
	return devices, nil
}

// examine opens the device and fills in what the driver says about it.
func (s scanner) examine(d *Device) {
	drv, err := s.open(d.Path)
	if err != nil {
		s.describeUnopened(d, err)
		return
	}
	defer drv.Close()
	c, err := drv.capability()
	if err != nil {
		s.describeUnopened(d, err)
		return
	}
	d.Driver, d.Card, d.Bus = cString(c.Driver[:]), cString(c.Card[:]), cString(c.Bus[:])
	kind, role := c.role()
	if kind == 0 {
		d.Role, d.Problem = role, camera.NotACamera
		if strings.Contains(d.Driver, "loopback") {
			d.Remedy = "start a program that writes video to it: a loopback device is a camera only then"
		}
		return
	}
	d.Capture = true
	d.Formats = listFormats(drv, kind)
	if slices.Contains(busyCheckDrivers, d.Driver) {
		if err := drv.busy(kind); err != nil {
			d.setProblem(err)
		}
	}
}

// busyCheckDrivers lists the drivers that are asked whether another program captures. The question is safe for drivers that use
// videobuf2, which checks the owner first. v4l2loopback would take the buffers away from the program that reads.
var busyCheckDrivers = []string{"uvcvideo", "vivid"}

// describeUnopened describes a device that cannot be opened or queried, by its files in /sys.
func (s scanner) describeUnopened(d *Device, err error) {
	dir := filepath.Join(s.sys, filepath.Base(d.Path))
	d.Card = cString(readFile(filepath.Join(dir, "name")))
	if link, err := os.Readlink(filepath.Join(dir, "device", "driver")); err == nil {
		d.Driver = filepath.Base(link)
	}
	// The first node of a camera is the one with the pictures.
	index := strings.TrimSpace(string(readFile(filepath.Join(dir, "index"))))
	d.Capture = index == "0" || index == ""
	d.setProblem(err)
	switch {
	case d.Problem == camera.NotACamera:
		d.Capture, d.Role = false, "not a V4L2 device"
	case !d.Capture:
		d.Role = "probably metadata"
	}
}

// stableNames maps each node to its best link: that in by-id, else that in by-path.
func (s scanner) stableNames() map[string]string {
	best := map[string]string{}
	for _, by := range []string{"by-id", "by-path"} {
		dir := filepath.Join(s.dev, "v4l", by)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // no udev, or nothing plugged in
		}
		for _, e := range entries { // sorted by name
			link := filepath.Join(dir, e.Name())
			to, err := os.Readlink(link)
			if err != nil {
				continue
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(dir, to)
			}
			if best[to] == "" {
				best[to] = link
			}
		}
	}
	return best
}

// holders maps each node to the processes that have it open. Only root sees processes of other users.
func (s scanner) holders() map[string][]Holder {
	found := map[string][]Holder{}
	links, _ := filepath.Glob(filepath.Join(s.proc, "[0-9]*", "fd", "*")) // the pattern is a constant and right
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || filepath.Dir(to) != s.dev || !nodeName.MatchString(filepath.Base(to)) {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil || pid == os.Getpid() {
			continue
		}
		h := Holder{PID: pid, Name: cString(readFile(filepath.Join(process, "comm")))}
		if !slices.Contains(found[to], h) {
			found[to] = append(found[to], h)
		}
	}
	for _, hs := range found {
		slices.SortFunc(hs, func(a, b Holder) int { return cmp.Compare(a.PID, b.PID) })
	}
	return found
}

// readFile returns the content of a small file, or nil if it cannot be read.
func readFile(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return b
}
