package systemd

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// showTimeout limits a query of the service manager.
const showTimeout = 5 * time.Second

// Account is the user of a service, with what its rights to files depend on.
type Account struct {
	UID     int    // -1 for a user that exists only while the service runs and owns no file
	GIDs    []int  // of all its known groups
	Sharing string // the name of a group of GIDs with which files can be shared; empty if there is none
}

// ServiceAccount returns the account of a unit. found is false without a service manager, without the unit, or if the unit runs as root.
func ServiceAccount(ctx context.Context, unit string) (a Account, found bool) {
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "show", unit, "--property=LoadState,User,Group,DynamicUser,SupplementaryGroups").Output()
	if err != nil {
		return Account{}, false
	}
	return accountOf(string(out), strings.TrimSuffix(unit, ".service"))
}

// accountOf returns the account that the properties of a unit describe. name is the user of a unit with DynamicUser= and without User=.
func accountOf(properties, name string) (a Account, found bool) {
	values := map[string]string{}
	for line := range strings.Lines(properties) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	isDynamic := values["DynamicUser"] == "yes"
	switch {
	case values["LoadState"] != "loaded":
		return Account{}, false
	case values["User"] != "":
		name = values["User"]
	case !isDynamic:
		return Account{}, false
	}
	a.UID = -1
	if u, err := user.Lookup(name); err == nil {
		a.UID, _ = strconv.Atoi(u.Uid)
		groups, _ := u.GroupIds() // systemd gives the service all groups of its user, like a login
		for _, group := range append(groups, u.Gid) {
			if gid, err := strconv.Atoi(group); err == nil {
				a.GIDs = append(a.GIDs, gid)
			}
		}
	} else if !isDynamic {
		return Account{}, false
	}
	for _, group := range append(strings.Fields(values["SupplementaryGroups"]), values["Group"]) {
		number := group // a unit may give the number
		if g, err := user.LookupGroup(group); err == nil {
			number = g.Gid
		}
		gid, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		a.GIDs = append(a.GIDs, gid)
		if a.Sharing == "" {
			a.Sharing = group
		}
	}
	return a, a.UID != 0
}

// CheckRead returns an error with a remedy if the account cannot read a file. It checks the modes of the file and of the folders above it.
func (a Account) CheckRead(path string) error {
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		resolved, err = filepath.Abs(resolved)
	}
	if err != nil {
		return err
	}
	for dir := filepath.Dir(resolved); ; dir = filepath.Dir(dir) {
		if may, err := a.may(dir, 0o1); err != nil || !may {
			return fmt.Errorf("the user of the service cannot enter %s, where %s is; give one of its groups access to that folder, or move the file", dir, path)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if may, err := a.may(resolved, 0o4); err != nil || may {
		return err
	}
	remedy := "let systemd pass the file to the service (LoadCredential= in the unit)"
	if a.Sharing != "" {
		remedy = fmt.Sprintf("run chgrp %s %s && chmod 640 %[2]s", a.Sharing, path)
	}
	return fmt.Errorf("the user of the service cannot read %s; %s", path, remedy)
}

// may reports whether the account has a right, given as the bit for others.
func (a Account) may(path string, right fs.FileMode) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if n, err := unix.Getxattr(path, "system.posix_acl_access", nil); err == nil && n > 0 {
		return true, nil // with an ACL the mode does not say who has the right
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return true, nil
	case int(owner.Uid) == a.UID:
		right <<= 6
	case slices.Contains(a.GIDs, int(owner.Gid)):
		right <<= 3
	}
	return info.Mode()&right != 0, nil
}
