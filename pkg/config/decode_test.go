package config

import (
	"reflect"
	"slices"
	"testing"

	"camd/pkg/camera"
	"camd/pkg/source/options"
)

// decodedTypes are the structs for the groups of keys.
var decodedTypes = map[string]reflect.Type{
	"": reflect.TypeFor[Config](), "cameras": reflect.TypeFor[options.Camera](), "cameras.renditions": reflect.TypeFor[camera.Rendition](),
	"limits": reflect.TypeFor[Limits](), "tls": reflect.TypeFor[TLS](), "tls.acme": reflect.TypeFor[ACME](), "auth": reflect.TypeFor[Auth](),
	"auth.anonymous": reflect.TypeFor[Permission](), "auth.users": reflect.TypeFor[User](), "auth.tokens": reflect.TypeFor[Token](),
	"auth.session": reflect.TypeFor[Session](), "auth.forward_auth": reflect.TypeFor[ForwardAuth](), "webhooks": reflect.TypeFor[Webhook](),
	"mqtt": reflect.TypeFor[MQTT](), "bus": reflect.TypeFor[Bus](), "log": reflect.TypeFor[Log](),
}

// readByCode are the keys that have no field of their name: the function of their section reads them.
var readByCode = map[string][]string{
	"cameras":  {"user", "password", "password_file", "ca_file", "fingerprint", "tls_verify", "loop"},
	"webhooks": {"secret", "secret_file"}, "mqtt": {"password_file"}, "bus": {"password_file", "token_file"},
}

// A key that nothing reads would be accepted and have no effect.
func TestEveryKeyIsRead(t *testing.T) {
	for _, g := range keyGroups() {
		decoded := decodedTypes[g.path]
		if decoded == nil {
			t.Errorf("%s: decodedTypes has no struct for it", g.path)
			continue
		}
		for _, key := range g.keys() {
			_, has := decoded.FieldByNameFunc(func(name string) bool { return keyOfField(name) == key })
			if has == slices.Contains(readByCode[g.path], key) {
				t.Errorf("%s.%s: %v has a field for it: %v, and readByCode has it: %v", g.path, key, decoded, has, !has)
			}
		}
	}
}
