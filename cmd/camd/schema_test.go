package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestSchemaIsPrinted(t *testing.T) {
	var out, errors bytes.Buffer
	if code := run(t.Context(), []string{"schema"}, &out, &errors); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &errors)
	}
	var schema struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal(out.Bytes(), &schema); err != nil || schema.Properties["listen"].Description == "" {
		t.Errorf("%v in %.200s", err, &out)
	}
}

// The first line of the example and the Debian package name the same file.
func TestExampleNamesInstalledSchema(t *testing.T) {
	for _, path := range []string{"../../deploy/camd.example.yaml", "../../deploy/deb/camd.yaml"} {
		if text := readFile(t, "", path); !strings.HasPrefix(text, "# yaml-language-server: $schema="+schemaPath+"\n") {
			t.Errorf("%s begins with %.80q", path, text)
		}
	}
	for _, path := range []string{"../../deploy/deb/build", "../../Dockerfile"} {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), schemaPath) {
			t.Errorf("%s does not install %s (%v)", path, schemaPath, err)
		}
	}
}
