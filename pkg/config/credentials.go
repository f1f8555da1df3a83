package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSecretSize bounds a password file, so that a wrong path is an error.
const maxSecretSize = 4 << 10

// mergeCredentials merges user and password into the source. Each may be given in one place only.
func (d *decoder) mergeCredentials(e *cameraEntry) {
	password := d.passwordKey(e.given)
	src := &e.Source
	if !src.IsNetwork() {
		return // checkSourceKind has reported it
	}
	if at := e.given["user"]; at != nil && src.User != "" {
		d.errorf(at, "user: the source has one already; keep one")
	}
	if password != nil && src.Password != "" {
		d.errorf(password, "%s: the source has a password already; keep one", password.Value)
	}
	if password != nil && src.User == "" && e.given["user"] == nil {
		d.errorf(password, "%s: there is no user to it; add user", password.Value)
	}
	if e.user != "" {
		src.User = e.user
	}
	if e.password != "" {
		src.Password = e.password
	}
}

// passwordKey returns the key that gives the password, or nil. It reports a section that has both keys.
func (d *decoder) passwordKey(given map[string]*yaml.Node) *yaml.Node {
	password, file := given["password"], given["password_file"]
	switch {
	case file == nil:
		return password
	case password != nil:
		d.errorf(laterNode(password, file), "password and password_file are both given; keep one")
	}
	return file
}

func laterNode(a, b *yaml.Node) *yaml.Node {
	if a.Line > b.Line || a.Line == b.Line && a.Column > b.Column {
		return a
	}
	return b
}

func readCameraUser(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	d.secret(key, n, &to.user)
}

func readCameraPassword(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	d.secret(key, n, &to.password)
}

// secret reads a text that no message repeats.
func (d *decoder) secret(key string, n *yaml.Node, to *string) {
	if s, ok := d.singleLine(key, n, "a text"); ok {
		*to = s
	}
}

func readCameraPasswordFile(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	d.secretFile(key, n, &to.password)
}

// secretFile reads a file with a text that no message repeats.
func (d *decoder) secretFile(key string, n *yaml.Node, to *string) {
	path, ok := d.text(key, n, "a path")
	if !ok {
		return
	}
	if path == "" {
		d.errorf(n, "%s: is empty", key)
		return
	}
	path = d.resolvePath(path)
	d.nameFile(key, n, path)
	s, err := ReadSecret(path)
	if err != nil {
		d.errorf(n, "%s: %v", key, err)
		return
	}
	*to = s
}

// ReadSecret reads a password file: one line, at most 4 KiB.
func ReadSecret(path string) (string, error) {
	b, err := readRegularFile(path, maxSecretSize)
	if err != nil {
		return "", err
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSecretSize:
		return "", errors.New(path + " is larger than 4 KiB; it should hold one password")
	case s == "":
		return "", errors.New(path + " is empty")
	case hasControl(s):
		return "", errors.New(path + " has more than one line or a control character in it")
	}
	return s, nil
}

// missingFileError returns the error for a missing file. Users sometimes write the password itself where the name of its file belongs.
func missingFileError(path string, err error) error {
	dir := filepath.Dir(path)
	for info, e := os.Stat(dir); (e != nil || !info.IsDir()) && dir != filepath.Dir(dir); info, e = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	return fmt.Errorf("%w, below %s", err, dir)
}

// permissionError tells what to do about a file that camd may not read. Root, who writes the file, sees nothing wrong with it.
func permissionError(err error) error {
	return fmt.Errorf("%w: the user that camd runs as must be able to read it, or systemd hand it over (LoadCredential= in the unit)", err)
}

// writableError says that every user may change a file. All files that the configuration names for secrets, users and CAs say who is
// trusted.
type writableError struct{ path string }

func (e *writableError) Error() string {
	return fmt.Sprintf("every user of this machine may change %s; run chmod o-w %[1]s", e.path)
}

func isWritableError(err error) bool {
	_, is := errors.AsType[*writableError](err)
	return is
}

// readRegularFile reads a regular file up to limit bytes, and one byte more if it is larger.
func readRegularFile(path string, limit int64) ([]byte, error) {
	// Before opening: a pipe that nobody writes to would hold up the daemon's start.
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, permissionError(err)
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return nil, missingFileError(path, e.Err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Mode()&0o002 != 0 {
		return nil, &writableError{path}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, permissionError(err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}
