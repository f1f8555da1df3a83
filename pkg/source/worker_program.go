package source

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// WorkerName is the capture program's file name.
const WorkerName = "camd-capture"

// FindWorker returns the path of the capture program. It looks beside this executable, then in /usr/lib/camd, then in PATH.
func FindWorker() (string, error) {
	tried := []string{filepath.Join("/usr/lib/camd", WorkerName)}
	if self, err := os.Executable(); err == nil {
		tried = append([]string{filepath.Join(filepath.Dir(self), WorkerName)}, tried...)
	}
	for _, path := range tried {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	if path, err := exec.LookPath(WorkerName); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s not found (looked for %s, and in PATH): install it beside camd, or build it with make build",
		WorkerName, strings.Join(tried, ", "))
}

// workerEnvironment returns the environment of a capture process. It takes only those variables from camd's own environment that OpenCV
// and FFmpeg need, because others may hold secrets.
func workerEnvironment() []string {
	// Go's preemption signal would interrupt OpenCV's select. OpenCV would treat that as a failed read.
	return append(passEnvironment("PATH", "HOME", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
		"LC_ALL=C.UTF-8", "OPENCV_LOG_LEVEL=WARNING", "GODEBUG=asyncpreemptoff=1")
}

// passEnvironment returns variables of camd's own environment, as far as they are set.
func passEnvironment(names ...string) (env []string) {
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// startErrorDetail returns the detail for a capture program at path that did not start. It names the path only once.
func startErrorDetail(path string, err error) string {
	var e *os.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Sprintf("start %s: %v", path, err)
}
