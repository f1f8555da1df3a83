package config

import (
	"reflect"
	"slices"
	"testing"
)

func TestChangedKeysNamesWhatDiffers(t *testing.T) {
	const before = `
listen: 127.0.0.1:80
cameras:
  - {id: a, source: "test://"}
  - {id: b, source: "test://", title: B}
log: {level: info}
`
	for _, c := range []struct {
		after string
		want  []string
	}{
		{before, nil},
		{before + "public_url: http://x.example\nwrite_timeout: 9s\n", []string{"write_timeout", "public_url"}},
		{"listen: 127.0.0.1:80\ncameras:\n  - {id: b, source: 'test://', title: B}\n  - {id: a, source: 'test://'}\n", []string{"cameras"}},
		{"listen: 127.0.0.1:81\ncameras:\n  - {id: b, source: 'test://', title: C}\n  - {id: c, source: 'test://'}\nlog: {audit_addresses: none}\nlimits: {viewers_per_address: 3}\n",
			[]string{"listen", "cameras.a", "cameras.b", "cameras.c", "limits.viewers_per_address", "log.audit_addresses"}},
	} {
		if got := ChangedKeys(parseText(t, before), parseText(t, c.after)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.after, got, c.want)
		}
	}
}

func parseText(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("camd.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each field of a Config has the name of its key. Otherwise ChangedKeys would name keys that do not exist.
func TestConfigFieldsAreNamedAsKeys(t *testing.T) {
	for i := range reflect.TypeFor[Config]().NumField() {
		f := reflect.TypeFor[Config]().Field(i)
		name := keyOfField(f.Name)
		if f.IsExported() && declaration().Properties.get(name) == nil {
			t.Errorf("%q is no key of the file; the keys are %q", name, declaration().Properties.keys())
		}
	}
}
