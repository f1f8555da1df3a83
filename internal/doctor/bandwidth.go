package doctor

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/v4l2"
)

// deviceSpeed returns the speed at which a device is connected, in Mbit/s; 0 if the kernel does not report it.
func deviceSpeed(node string) int {
	dir, err := filepath.EvalSymlinks(filepath.Join("/sys/class/video4linux", filepath.Base(node), "device"))
	if err != nil {
		return 0
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "speed")) // dir is an interface of the device, and the speed is the device's
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n
}

// usb2Capacity is the approximate number of picture bytes that a USB 2 bus carries per second. 80 % of its time can be reserved.
const usb2Capacity = 40e6

// checkBandwidth looks for cameras at the same USB controller that together need more than USB 2 carries. It counts only raw formats: their
// rate can be calculated, and they are the ones that fill a bus.
func checkBandwidth(devices []v4l2.Device, configured []options.Camera, speed func(string) int) (all []Finding) {
	demand, details := map[string]float64{}, map[string][]string{}
	for _, c := range configured {
		if c.Source.Kind != sourceurl.Device {
			continue
		}
		path := resolveDevice(c.Source.Path)
		i := slices.IndexFunc(devices, func(d v4l2.Device) bool { return d.Path == path })
		if i < 0 || speed(path) > 480 {
			continue
		}
		bus, rate := controller(devices[i].Bus), rawRate(c, devices[i])
		if bus == "" || rate == 0 {
			continue
		}
		demand[bus] += rate
		details[bus] = append(details[bus], fmt.Sprintf("%s %.0f MB/s", c.ID, rate/1e6))
	}
	for _, bus := range slices.Sorted(maps.Keys(demand)) {
		if demand[bus] > usb2Capacity {
			all = append(all, warn("usb", "set format: mjpeg if a camera supports it, set a smaller size: or fps:, or use a socket of another USB controller (`lsusb -t` lists them)",
				"%s: cameras send %.0f MB/s of raw pictures (%s); USB 2 carries about %.0f MB/s", bus, demand[bus]/1e6, strings.Join(details[bus], ", "), usb2Capacity/1e6))
			continue
		}
		all = append(all, ok("usb", "%s: cameras send %.0f MB/s of raw pictures (%s)", bus, demand[bus]/1e6, strings.Join(details[bus], ", ")))
	}
	return all
}

// controller returns the part of a bus name that all devices at one controller have in common. For usb-0000:00:14.0-1.2 it is
// usb-0000:00:14.0.
func controller(bus string) string {
	if !strings.HasPrefix(bus, "usb-") {
		return ""
	}
	return bus[:max(strings.LastIndex(bus, "-"), len("usb-"))]
}

// rawRate returns how many bytes per second a camera sends, 0 if it sends JPEG.
func rawRate(c options.Camera, d v4l2.Device) float64 {
	jpeg := slices.ContainsFunc(d.Formats, func(f v4l2.Format) bool { return f.Name() == "mjpeg" && !f.Emulated })
	if c.Format == "mjpeg" || c.Format == "auto" && jpeg {
		return 0
	}
	size, fps := c.Size, c.FPS
	if size.Width == 0 {
		size = sourceurl.Size{Width: 640, Height: 480} // the default of most drivers
	}
	if fps == 0 {
		fps = 30
	}
	return float64(size.Width*size.Height) * bytesPerPixel(c.Format) * fps
}

func bytesPerPixel(format string) float64 {
	switch format {
	case "nv12", "nv21", "yu12", "yv12":
		return 1.5
	case "rgb3", "bgr3":
		return 3
	case "grey":
		return 1
	}
	return 2
}
