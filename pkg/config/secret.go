package config

import "fmt"

// Secret is a text that must not be shown. Printed or marshalled, it appears as "***".
type Secret string

const redacted = "***"

// Format prints what stands for the secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// String returns "***", or an empty text for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// MarshalText returns String, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format prints the struct and not the pointer. For a verb that does not fit a pointer, such as %s, fmt would print the fields without
// calling Format of the secrets in them.
func (m *MQTT) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", *m) }

// Format prints the struct, as above.
func (a *Auth) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", *a) }

// Format prints the struct, as above.
func (b *Bus) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", *b) }
