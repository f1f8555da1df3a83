package configfile

import (
	"fmt"
	"path/filepath"

	"camd/pkg/config"
)

// missingAuthFormat is the error of a file that has lost its section auth. Its arguments are the file and which configuration has the section.
const missingAuthFormat = `%s: the section "auth" is missing, but %s it; put it back, or say who has access: ` +
	`"auth: {anonymous: admin}" gives everybody full access, "auth: {anonymous: view}" shows everybody all cameras`

// CheckAuthKept refuses a reload whose file has no section auth although the one in force has it. Without the section everybody who
// reaches camd has full access. A file that was cut short looks the same as one from which a user removed the section.
func CheckAuthKept(before, next Loaded) error {
	if !before.HasAuth || next.HasAuth {
		return nil
	}
	return fmt.Errorf(missingAuthFormat, next.Path, "the configuration in force has")
}

// checkAuthKeptSinceLastGood refuses to start with a file that has lost its section auth since it was last in force, as a reload does. If
// no last good configuration of the file can be read, it refuses nothing.
func checkAuthKeptSinceLastGood(l Loaded) error {
	if l.Path == "" || l.Auth != nil {
		return nil
	}
	path, err := filepath.Abs(l.Path)
	if err != nil {
		return err
	}
	kept, err := FindLastGood(path, l.Text)
	if err != nil || !config.HasAuth(kept.Text) {
		return nil
	}
	return fmt.Errorf(missingAuthFormat, l.Path, "the last good configuration had")
}
