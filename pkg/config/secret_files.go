package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecretSize bounds a password file, so that a wrong path is an error.
const maxSecretSize = 4 << 10

// password returns the password of a section, and the key that has it.
func (d *decoder) password(section *value) (Secret, *value) {
	return d.secret(section, "password", "password_file")
}

// secret returns the secret that is in a key or in the file of another key, and the key that has it. It reports a section with both.
func (d *decoder) secret(section *value, key, fileKey string) (Secret, *value) {
	at, file := section.get(key), section.get(fileKey)
	if at != nil && file != nil {
		d.bothGiven(at, file)
	}
	if file != nil {
		return d.secretFile(file), file
	}
	return Secret(section.text(key)), at
}

// secretFile returns the content of a file that v names; nothing if v is nil or the file cannot be read, which it reports.
func (d *decoder) secretFile(v *value) Secret {
	if v == nil || v.bad {
		return ""
	}
	s, err := ReadSecret(v.data.(string))
	if err != nil {
		d.report(v, err.Error())
	}
	return Secret(s)
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
		return "", errors.New(path + " is larger than 4 KiB; it must contain only one line with the secret")
	case s == "":
		return "", errors.New(path + " is empty; it must contain one line with the secret")
	case hasControl(s):
		return "", errors.New(path + " has more than one line or a control character in it; it must contain only one line with the secret")
	}
	return s, nil
}

// checkFile records that v names a file, and reports a file that camd cannot or must not use. The list of files leaves out credentials of
// systemd, which hands over copies that camd can read.
func (d *decoder) checkFile(v *value) {
	path, _ := v.data.(string)
	if !strings.Contains(v.node.Value, "${CREDENTIALS_DIRECTORY}") {
		d.files = append(d.files, namedFile{Problem{d.file, v.node.Line, v.node.Column, v.name}, path})
	}
	err := checkRegularFile(path)
	if err == nil {
		return
	}
	v.bad = true
	if v.name == "users_file" && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; camd hash-password prints its lines", err)
	}
	d.errorf(v.node, "%s: %v", v.name, err)
}

// checkRegularFile returns an error for a file that is missing, is no regular file, or may be changed by every user. The files that a
// configuration names decide which servers and users camd trusts.
func checkRegularFile(path string) error {
	info, err := os.Stat(path)
	switch e, isPathError := errors.AsType[*os.PathError](err); {
	case errors.Is(err, fs.ErrPermission):
		return permissionError(err)
	case isPathError:
		return missingFileError(path, e.Err)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case info.Mode()&0o002 != 0:
		return fmt.Errorf("every user of this machine may change %s; run chmod o-w %[1]s", path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return permissionError(err)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// missingFileError returns the error for a missing file. It names the folder and not the file, because users sometimes write the password
// itself where the name of its file belongs.
func missingFileError(path string, err error) error {
	dir := filepath.Dir(path)
	for info, e := os.Stat(dir); (e != nil || !info.IsDir()) && dir != filepath.Dir(dir); info, e = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	return fmt.Errorf("%w, below %s", err, dir)
}

// permissionError says what to do about a file that camd may not read. Root, who writes the file, sees nothing wrong with it.
func permissionError(err error) error {
	return fmt.Errorf("%w: the user that camd runs as must be able to read it, or systemd must pass it (LoadCredential= in the unit)", err)
}

// ReadNamedFile reads a file that the configuration names, up to 1 MiB.
func ReadNamedFile(path string) ([]byte, error) { return readRegularFile(path, MaxFileSize) }

// readRegularFile reads a regular file up to limit bytes, and one byte more if it is larger.
func readRegularFile(path string, limit int64) ([]byte, error) {
	// Before opening: a pipe that nobody writes to would block the start of the daemon.
	if err := checkRegularFile(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}
