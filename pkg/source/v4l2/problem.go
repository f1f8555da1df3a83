package v4l2

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"camd/pkg/camera"
)

// setProblem sets why the device cannot be used, and what would help.
func (d *Device) setProblem(err error) {
	d.Detail = err.Error()
	switch {
	case errors.Is(err, syscall.EACCES):
		d.Problem, d.Remedy = camera.Permission, permissionRemedy(d.Path)
	case errors.Is(err, syscall.EPERM):
		// The mode of the file allows it, but the container or the service does not.
		d.Problem = camera.Permission
		d.Remedy = fmt.Sprintf("give camd access: docker run --device %s, or DeviceAllow=%s rw in the systemd unit", d.Path, d.Path)
	case errors.Is(err, syscall.EBUSY):
		d.Problem, d.Remedy = camera.Busy, busyRemedy(d.Holders)
	case errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOTSUP):
		d.Problem = camera.NotACamera
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		d.Problem, d.Remedy = camera.NoDevice, "plug it in again, or load its driver"
	default:
		d.Problem, d.Remedy = camera.Disconnected, "unplug it and plug it in again, and read dmesg"
	}
}

func permissionRemedy(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	group := strconv.Itoa(int(st.Gid))
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	if info.Mode().Perm()&0o060 != 0o060 {
		return fmt.Sprintf("give its group access: sudo chgrp video %s && sudo chmod 660 %s, or a udev rule that does the same", path, path)
	}
	return fmt.Sprintf("sudo usermod -aG %s $USER, then log in again, or set SupplementaryGroups=%s in the systemd unit", group, group)
}

func busyRemedy(holders []Holder) string {
	if len(holders) == 0 {
		return "close the program that uses it (run as root to see which)"
	}
	names := make([]string, len(holders))
	for i, h := range holders {
		names[i] = fmt.Sprintf("%s (process %d)", h.Name, h.PID)
	}
	return "close " + strings.Join(names, " or ") + ", which uses the device"
}
