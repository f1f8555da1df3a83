package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/v4l2"
)

// tryRead returns an error if this process cannot read a file or device.
func tryRead(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// resolveDevice returns the device that a path leads to.
func resolveDevice(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return path
}

// checkCameras checks the devices and files of configured cameras, and lists the other capture devices.
func checkCameras(devices []v4l2.Device, configured []options.Camera, open func(string) error) (all []Finding) {
	used := map[string]bool{}
	for _, c := range configured {
		switch c.Source.Kind {
		case sourceurl.Device:
			path := resolveDevice(c.Source.Path)
			used[path] = true
			all = append(all, checkDevice(c, path, devices))
		case sourceurl.File:
			all = append(all, checkFile(c, open(c.Source.Path)))
		}
	}
	for _, d := range devices {
		if d.Capture && !used[d.Path] {
			all = append(all, checkUnconfigured(d))
		}
	}
	if len(devices) == 0 && len(used) == 0 {
		all = append(all, ok("device", "no capture devices on this machine, and none configured"))
	}
	return all
}

// checkDevice checks the device of one camera.
func checkDevice(c options.Camera, path string, devices []v4l2.Device) Finding {
	i := slices.IndexFunc(devices, func(d v4l2.Device) bool { return d.Path == path })
	if _, err := os.Stat(path); i < 0 && err == nil {
		return fail("device", "choose another device; `camd devices` lists those that deliver pictures", "camera %s: %s delivers no pictures", c.ID, c.Source.Path)
	} else if i < 0 {
		return fail("device", "plug it in; `camd devices` lists the devices with their stable names",
			"camera %s: %s does not exist", c.ID, c.Source.Path)
	}
	d := devices[i]
	what := fmt.Sprintf("camera %s: %s", c.ID, deviceName(d))
	switch {
	case d.Usable():
		return checkPermission(what, d)
	case d.Problem == camera.Busy && isHeldByCamd(d.Holders):
		return ok("device", "%s, in use by camd", what)
	case d.Problem == camera.Permission:
		return fail("device", d.Remedy, "%s: %s is not allowed to use it (%s)", what, currentUser(), d.Detail)
	}
	return fail("device", d.Remedy, "%s: %s (%s)", what, d.Problem.Text(), d.Detail)
}

// checkUnconfigured reports a capture device that no camera uses.
func checkUnconfigured(d v4l2.Device) Finding {
	if d.Usable() {
		return checkPermission(deviceName(d)+", not configured", d)
	}
	return warn("device", d.Remedy, "%s, not configured: %s", deviceName(d), d.Problem.Text())
}

// checkPermission returns the finding about a usable device, by the permissions of this user. If that is root, it
// checks the group of the service instead.
func checkPermission(what string, d v4l2.Device) Finding {
	info, err := os.Stat(d.Path)
	if err != nil || os.Geteuid() != 0 {
		return ok("device", "%s, usable by %s", what, currentUser())
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	group := ""
	if g, err := user.LookupGroupId(fmt.Sprint(st.Gid)); err == nil {
		group = g.Name
	}
	if group == "video" && info.Mode()&0o060 == 0o060 || info.Mode()&0o006 == 0o006 {
		return ok("device", "%s, usable by root and by the group video, which the service is in", what)
	}
	return warn("device", fmt.Sprintf("run sudo chgrp video %s && sudo chmod 660 %[1]s, or add a udev rule that does so, or set SupplementaryGroups= in the unit", d.Path),
		"%s: root may use it, but the group video, which the service is in, may not", what)
}

func deviceName(d v4l2.Device) string {
	if d.Card == "" {
		return d.Path
	}
	return d.Path + " (" + d.Card + ")"
}

// isHeldByCamd reports whether camd has a device open.
func isHeldByCamd(holders []v4l2.Holder) bool {
	return slices.ContainsFunc(holders, func(h v4l2.Holder) bool { return h.Name == "camd-capture" })
}

// currentUser returns the user of this process, with the groups that matter for devices.
func currentUser() string {
	me, err := user.Current()
	if err != nil {
		return fmt.Sprintf("user %d", os.Geteuid())
	}
	groups := []string{}
	ids, _ := os.Getgroups() // those of this process: /etc/group may have changed since it started
	for _, id := range ids {
		if g, err := user.LookupGroupId(fmt.Sprint(id)); err == nil && !slices.Contains(groups, g.Name) {
			groups = append(groups, g.Name)
		}
	}
	return fmt.Sprintf("%s (groups: %s)", me.Username, strings.Join(groups, ", "))
}

func checkFile(c options.Camera, err error) Finding {
	what := fmt.Sprintf("camera %s: %s", c.ID, c.Source.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("file", "copy the file there, or correct the key source", "%s does not exist", what)
	case err != nil:
		return fail("file", "run chmod a+r "+c.Source.Path+", and chmod a+x for its folders; the systemd unit hides /home, so do not keep the file there", "%s cannot be read by %s", what, currentUser())
	}
	return ok("file", "%s can be read", what)
}
