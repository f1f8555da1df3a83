package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"camd/internal/testpeer"
	"camd/pkg/source/sourceurl"
)

// secretsDir is a configuration with a canary in every place where a secret can stand, which the end-to-end tests drive, too.
const secretsDir = "testdata/secrets"

// busIdentities are the kinds of credentials for the bus. A configuration has one of them.
var busIdentities = []string{"user: camd, password_file: bus.password", "token_file: bus.token", "nkey_file: bus.nkey"}

// parseSecretsConfig parses it with one of identities, and returns it with its text.
func parseSecretsConfig(t *testing.T, identity string) (*Config, string) {
	t.Helper()
	dir, i := t.TempDir(), testpeer.Certificate{}.Make(t)
	if err := os.CopyFS(dir, os.DirFS(secretsDir)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "camd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("{{CERTIFICATE}}", i.File, "{{KEY}}", i.Key, "{{STATE}}", dir, "{{RTSP}}", "rtsp://127.0.0.1/cam", "{{BUS}}", identity).Replace(string(text))
	filled = regexp.MustCompile(`\{\{\w+_HOST\}\}`).ReplaceAllString(filled, "127.0.0.1:1")
	cfg, err := Parse(filepath.Join(dir, "camd.yaml"), []byte(filled), func(name string) (string, bool) {
		return map[string]string{
			"CANARY_PASSWORD": "canary-from-env", "CANARY_HOOK": "https://h.example/canary-hook-env", "CANARY_SECRET": "canarycanarycanarycanarycanarycanarycana",
		}[name], strings.HasPrefix(name, "CANARY_")
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg, string(text)
}

// A key whose name says that it is a secret, or has one behind it, is in the configuration with canaries.
func TestEverySecretKeyHasCanary(t *testing.T) {
	_, text := parseSecretsConfig(t, busIdentities[0])
	text += "{" + strings.Join(busIdentities, ", ") + "}"
	telling := regexp.MustCompile(`^(source|substream|url|user|users|tokens|key)$|password|secret|token_|hash|key_|users_`)
	for _, p := range keyGroups() {
		for _, key := range p.keys() {
			if telling.MatchString(key) && !regexp.MustCompile(`(?m)(^|[{, ])`+key+`:`).MatchString(text) {
				t.Errorf("%q, which is %s, is not in %s/camd.yaml; put it there with a canary", key, p.location, secretsDir)
			}
		}
	}
}

// redactedTypes are the types that show nothing of themselves.
var redactedTypes = []reflect.Type{reflect.TypeFor[Secret](), reflect.TypeFor[sourceurl.Source]()}

// fileNameFields are fields that are named like secrets and are none.
var fileNameFields = []string{".TLS.Key", ".Auth.LinkKeyFile.Path", ".Bus.NKeyFile", ".Bus.Key"} // files' names

// secretFields returns the paths of what holds a secret below a type, and complains of what might and shows itself.
func secretFields(t *testing.T, at reflect.Type, path string) (paths []string) {
	switch {
	case slices.Contains(redactedTypes, at):
		return []string{path}
	case at.Kind() == reflect.Pointer || at.Kind() == reflect.Slice || at.Kind() == reflect.Map:
		return secretFields(t, at.Elem(), path)
	case at.Kind() == reflect.Bool:
		return nil
	case at.Kind() != reflect.Struct:
		if telling := regexp.MustCompile(`(?i)(password|secret|token|hash|key)\w*$`); telling.MatchString(path) && !slices.Contains(fileNameFields, path) {
			t.Errorf("%s is a %v, which can be printed; make it a Secret", path, at)
		}
		return nil
	}
	for i := range at.NumField() {
		if f := at.Field(i); f.IsExported() || f.Anonymous {
			paths = append(paths, secretFields(t, f.Type, path+"."+f.Name)...)
		}
	}
	return paths
}

// valuesAt returns what is at a path, in every item of its lists.
func valuesAt(v reflect.Value, path []string) (all []reflect.Value) {
	switch {
	case slices.Contains(redactedTypes, v.Type()):
		return []reflect.Value{v}
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return valuesAt(v.Elem(), path)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = append(all, valuesAt(v.Index(i), path)...)
		}
		return all
	}
	return valuesAt(v.FieldByName(path[0]), path[1:])
}

// isCanary reports whether a secret is a canary, of whatever type.
func isCanary(v reflect.Value) bool {
	switch s := v.Interface().(type) {
	case Secret:
		return strings.Contains(string(s), "canary") || strings.Contains(string(s), "ca4a21") || strings.Contains(base64.StdEncoding.EncodeToString([]byte(s)), "canary")
	case sourceurl.Source:
		return strings.Contains(s.WithCredentials(), "canary")
	}
	return false
}

// isCanaryEverywhere reports whether a secret is a canary in every place of its path that has one, and there is at least one.
func isCanaryEverywhere(cfg *Config, path string) bool {
	all := slices.DeleteFunc(valuesAt(reflect.ValueOf(cfg), strings.Split(path, ".")[1:]), reflect.Value.IsZero)
	return len(all) > 0 && !slices.ContainsFunc(all, func(v reflect.Value) bool { return !isCanary(v) })
}

// Every field that holds a secret has a type that hides it, and has a canary in that configuration. No way of printing shows a canary.
func TestEverySecretFieldHasCanary(t *testing.T) {
	var all []*Config
	for _, identity := range busIdentities {
		cfg, _ := parseSecretsConfig(t, identity)
		all = append(all, cfg)
	}
	paths := secretFields(t, reflect.TypeFor[Config](), "")
	if len(paths) < 7 {
		t.Errorf("only %v are found", paths)
	}
	for _, path := range paths {
		if !slices.ContainsFunc(all, func(cfg *Config) bool { return isCanaryEverywhere(cfg, path) }) {
			t.Errorf("%s: not everywhere planted in %s/camd.yaml", path, secretsDir)
		}
	}
	var shown []string
	for _, cfg := range all {
		asJSON, _ := json.Marshal(cfg)
		asYAML, _ := yaml.Marshal(cfg)
		shown = append(shown, string(asJSON), string(asYAML))
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			shown = append(shown, fmt.Sprintf(verb, *cfg), fmt.Sprintf(verb, *cfg.Auth), fmt.Sprintf(verb, *cfg.MQTT), fmt.Sprintf(verb, *cfg.Bus))
		}
	}
	for _, s := range shown {
		for _, secret := range []string{"canary", fmt.Sprintf("%x", "canary"), "Y2FuYXJ5"} {
			if i := strings.Index(s, secret); i >= 0 && !strings.HasPrefix(s[i:], "canary-in-path") {
				t.Errorf("%q is in …%s…", secret, s[max(0, i-200):min(len(s), i+80)])
			}
		}
	}
}
