package e2e

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
)

// tryInvalidConfigs reloads files with mistakes next to secrets, and requests the addresses that report mistakes.
func (e observedOutput) tryInvalidConfigs(t *testing.T, d *daemon, p canaryConfig) {
	t.Helper()
	for name, mistake := range configMistakes {
		d.reloadWith(mistake(p.text))
		for _, path := range []string{"/readyz", "/metrics", "/api/v1/cameras"} {
			e[path+" after "+name] = requestBeginning(t, http.MethodGet, d.URL+path)
		}
	}
}

// configMistakes are mistakes that people make in a configuration.
var configMistakes = map[string]func(string) string{
	"a typing error":    func(s string) string { return strings.ReplaceAll(s, "password:", "pasword:") },
	"a forgotten colon": func(s string) string { return strings.ReplaceAll(s, "password: ", "password:") },
	"a wrong place":     func(s string) string { return strings.Replace(s, "site: lab", "listen: http://u:canary@h/", 1) },
	"a wrong file":      func(s string) string { return strings.ReplaceAll(s, "_file: ", "_file: canary-") },
	"an unset variable": func(s string) string { return strings.ReplaceAll(s, "${CANARY_", "${NO_SUCH_") },
	"an open quote":     func(s string) string { return strings.Replace(s, `"${CANARY_PASSWORD}"`, `"canary`, 1) },
	"an alias":          func(s string) string { return strings.Replace(s, `"${CANARY_PASSWORD}"`, "*canary", 1) },
	"a short hash":      func(s string) string { return strings.ReplaceAll(s, "canaryca\"", "\"") },
	"a tab":             func(s string) string { return strings.Replace(s, "log: {", "\tcanary: {", 1) },
	"a password's group": func(s string) string {
		return strings.Replace(s, "password: canary-pass/word%", "password: {canary: canary}", 1)
	},
}

// readStateFiles reads the files of the state directory.
func (e observedOutput) readStateFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		if err == nil && !entry.IsDir() {
			e[path] = string(readFile(t, path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// runCommands runs every command with valid and invalid arguments.
func (e observedOutput) runCommands(t *testing.T, p canaryConfig) {
	t.Helper()
	good := write(t, p.dir, "good.yaml", p.text)
	all := [][]string{
		{"check", "-c", good}, {"doctor", "-c", good}, {"doctor", "-c", good, "--json"}, {"devices"}, {"version"}, {"healthcheck", "-c", good},
		{"healthcheck", "--url", "http://u:canary@127.0.0.1:9/canary?canary"}, {"healthcheck", "--url", "http://u:canary@[::1"}, {"rtsp://u:canary@h/"},
		{"probe", "rtsp://viewer:canary@127.0.0.1:9/?canary", "--log-level", "debug"}, {"probe", "ftp://viewer:canary@h/"},
		{"serve", "--listen", "http://u:canary@h"}, {"serve", "--password=canary"},
		{"share", "nowhere", "-c", good}, {"share", "good", "-c", good, "--for", "1000h"}, {"hash-password", "anna", "canary"}, {"hash-password", "--cameras", "["},
	}
	for _, command := range []string{"", "serve", "check", "doctor", "devices", "probe", "healthcheck", "version", "hash-password", "new-token", "share", "rotate-links"} {
		all = append(all, append(strings.Fields(command), "--help"))
	}
	for name, mistake := range configMistakes {
		path := write(t, p.dir, strings.ReplaceAll(name, " ", "-")+".yaml", mistake(p.text))
		if all = append(all, []string{"check", "-c", path}); name == "a wrong file" {
			all = append(all, []string{"serve", "-c", path}, []string{"doctor", "-c", path}, []string{"healthcheck", "-c", path})
		}
	}
	for _, args := range all {
		o := p.runCamd(t, "", args...)
		e["camd "+strings.ReplaceAll(strings.Join(args, " "), "canary", "CANARY")] = o.stdout + o.stderr
	}
}

// runCamd runs a command with the environment variables of the configuration.
func (c canaryConfig) runCamd(t *testing.T, input string, args ...string) commandResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, testrun.Program(t, "camd"), args...)
	cmd.Env, cmd.WaitDelay, cmd.Stdin = append(os.Environ(), c.env...), time.Second, strings.NewReader(input)
	return runCommand(t, cmd)
}
