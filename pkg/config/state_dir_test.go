package config

import "testing"

func TestFindStateDirReadsFileWithMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"state_dir: state\ncameras: [{id: a}]\n":               "/etc/camd/state",
		"\ufeffstate_dir: /var/lib/camd # here\nlisten: {{{\n": "/var/lib/camd",
		"cameras:\n\t- broken\nstate_dir: \"with space\"\r\n":  "/etc/camd/with space",
		"": "", "cameras: []\n": "", "state_dir:\n  state\n": "", "log: {state_dir: x}\n": "", "  state_dir: x\n": "", "state_dir: [x]\n": "",
	} {
		if got := FindStateDir("/etc/camd/camd.yaml", []byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
