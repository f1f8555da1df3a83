package config

import (
	"errors"
	"fmt"
	"strings"
)

// expandEnv replaces ${NAME} by environment variables.
func expandEnv(s string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			return b.String() + s, nil
		}
		b.WriteString(s[:i])
		s = s[i:]
		switch {
		case strings.HasPrefix(s, "$${"):
			b.WriteString("${")
			s = s[3:]
		case strings.HasPrefix(s, "${"):
			name, rest, ok := strings.Cut(s[2:], "}")
			// The message does not repeat it: it may be part of a password instead of a name.
			if !ok || !isEnvName(name) {
				return "", errors.New("${ must be followed by the name of an environment variable and }; for a plain ${ write $${")
			}
			v, ok := env(name)
			if !ok {
				return "", fmt.Errorf("environment variable %s is not set; for a plain ${ write $${", name)
			}
			b.WriteString(v)
			s = rest
		default:
			b.WriteByte('$')
			s = s[1:]
		}
	}
}

func isEnvName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
