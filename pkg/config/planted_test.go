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

	"camd/internal/peer"
	"camd/pkg/access"
	"camd/pkg/source/spec"
)

// planted is a configuration with a canary in every place where a secret can stand, which the end-to-end tests drive, too.
const planted = "testdata/secrets"

// identities are the ways in which a camd says to the bus who it is, of which a configuration has one.
var identities = []string{"user: camd, password_file: bus.password", "token_file: bus.token", "nkey_file: bus.nkey"}

// plant parses it with one of identities, and returns it with its text.
func plant(t *testing.T, identity string) (*Config, string) {
	t.Helper()
	dir, i := t.TempDir(), peer.Certificate{}.Make(t)
	if err := os.CopyFS(dir, os.DirFS(planted)); err != nil {
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

// A key whose name says that it is a secret, or has one behind it, is in the planted configuration.
func TestEverySecretKeyIsPlanted(t *testing.T) {
	_, text := plant(t, identities[0])
	text += "{" + strings.Join(identities, ", ") + "}"
	telling := regexp.MustCompile(`^(source|url|user|users|tokens|key)$|password|secret|token_|hash|key_|users_`)
	for _, p := range places() {
		for _, key := range p.keys {
			if telling.MatchString(key) && !regexp.MustCompile(`(?m)(^|[{, ])`+key+`:`).MatchString(text) {
				t.Errorf("%q, which is %s, is not in %s/camd.yaml; put it there with a canary", key, p.where, planted)
			}
		}
	}
}

// concealing are the types that show nothing of themselves.
var concealing = []reflect.Type{reflect.TypeFor[Secret](), reflect.TypeFor[access.Hash](), reflect.TypeFor[access.LinkKey](), reflect.TypeFor[access.TokenSum](), reflect.TypeFor[spec.Source]()}

// plain are fields that are named like secrets and are none.
var plain = []string{".TLS.Files.Key", ".Auth.LinkKeyFile", ".Bus.NKey", ".Bus.Client.Key"} // files' names

// secretFields returns the paths of what holds a secret below a type, and complains of what might and shows itself.
func secretFields(t *testing.T, at reflect.Type, path string) (paths []string) {
	switch {
	case slices.Contains(concealing, at):
		return []string{path}
	case at.Kind() == reflect.Pointer || at.Kind() == reflect.Slice || at.Kind() == reflect.Map:
		return secretFields(t, at.Elem(), path)
	case at.Kind() != reflect.Struct:
		if telling := regexp.MustCompile(`(?i)(password|secret|token|hash|key)\w*$`); telling.MatchString(path) && !slices.Contains(plain, path) {
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

// holdings returns what is at a path, in every item of its lists.
func holdings(v reflect.Value, path []string) (all []reflect.Value) {
	switch {
	case slices.Contains(concealing, v.Type()):
		return []reflect.Value{v}
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return holdings(v.Elem(), path)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = append(all, holdings(v.Index(i), path)...)
		}
		return all
	}
	return holdings(v.FieldByName(path[0]), path[1:])
}

// holds reports whether a secret is a canary, of whatever type.
func holds(v reflect.Value) bool {
	switch s := v.Interface().(type) {
	case Secret:
		return strings.Contains(string(s), "canary") || strings.Contains(base64.StdEncoding.EncodeToString([]byte(s)), "canary")
	case access.LinkKey:
		return strings.Contains(base64.StdEncoding.EncodeToString(s), "canary")
	case access.TokenSum:
		return s != access.TokenSum{}
	case access.Hash:
		return strings.Contains(v.FieldByName("text").String(), "canary")
	case spec.Source:
		return strings.Contains(s.Address(), "canary")
	}
	return false
}

// isPlanted reports whether a secret is a canary in every place of its path, of which there is one at least.
func isPlanted(cfg *Config, path string) bool {
	all := holdings(reflect.ValueOf(cfg), strings.Split(path, ".")[1:])
	return len(all) > 0 && !slices.ContainsFunc(all, func(v reflect.Value) bool { return !holds(v) })
}

// Every field that holds a secret is of a type that shows nothing, and has a canary in the planted configuration, of which no
// printing shows any.
func TestEverySecretFieldIsPlanted(t *testing.T) {
	var all []*Config
	for _, identity := range identities {
		cfg, _ := plant(t, identity)
		all = append(all, cfg)
	}
	paths := secretFields(t, reflect.TypeFor[Config](), "")
	if len(paths) < 7 {
		t.Errorf("only %v are found", paths)
	}
	for _, path := range paths {
		if !slices.ContainsFunc(all, func(cfg *Config) bool { return isPlanted(cfg, path) }) {
			t.Errorf("%s: not everywhere planted in %s/camd.yaml", path, planted)
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
