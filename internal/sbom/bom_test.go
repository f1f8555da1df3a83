package sbom

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// builtProgram returns one of the two built programs.
func builtProgram(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("CAMD_BIN")
	if dir == "" {
		dir = "../../bin"
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run make build", err)
	}
	return path
}

func writeTestBOM(t *testing.T) []byte {
	t.Helper()
	programs, err := ReadPrograms(builtProgram(t, "camd"), builtProgram(t, "camd-capture"))
	if err != nil {
		t.Fatal(err)
	}
	debian, err := LinkedPackages("/", programs)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteBOM(&b, Product{Name: "camd", Version: "1.2.3+git1", Programs: programs, Debian: debian}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The bill of materials of the built programs is valid CycloneDX, always has the same bytes, and names every module and library.
func TestBOMNamesEveryModuleAndLibrary(t *testing.T) {
	text := writeTestBOM(t)
	if !bytes.Equal(text, writeTestBOM(t)) {
		t.Error("the second text differs from the first")
	}
	validateSchema(t, text)
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	have, versions := map[string]bool{}, map[string]string{}
	for _, c := range *bom.Components {
		if have[c.BOMRef] {
			t.Errorf("%s is listed twice", c.BOMRef)
		}
		have[c.BOMRef], versions[c.Name] = true, c.Version
	}
	want := modulesOf(t, "camd/cmd/camd", "camd/cmd/camd-capture")
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if versions[path] != want[path].Version {
			t.Errorf("%s: got %q, want %s", path, versions[path], want[path].Version)
		}
	}
	for _, name := range []string{"camd", "camd-capture", "std", "uPlot", "libc6"} {
		if versions[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	checkDependencies(t, bom, have)
}

// checkDependencies checks that dependencies name components, and that something needs each component.
func checkDependencies(t *testing.T, bom cdx.BOM, have map[string]bool) {
	t.Helper()
	top := bom.Metadata.Component.BOMRef
	needed := map[string]bool{}
	opencv := 0
	for _, d := range *bom.Dependencies {
		if !have[d.Ref] && d.Ref != top {
			t.Errorf("%s has dependencies and is not listed", d.Ref)
		}
		if d.Dependencies == nil {
			continue
		}
		for _, ref := range *d.Dependencies {
			needed[ref] = true
			if !have[ref] {
				t.Errorf("%s needs %s, which is not listed", d.Ref, ref)
			}
			if strings.HasSuffix(d.Ref, "#cmd/camd-capture") && strings.Contains(ref, "/libopencv-") {
				opencv++
			}
		}
	}
	for ref := range have {
		if !needed[ref] {
			t.Errorf("nothing needs %s", ref)
		}
	}
	if opencv != 4 {
		t.Errorf("camd-capture needs %d of OpenCV's libraries, want 4", opencv)
	}
}

// validateSchema validates text with the schema of CycloneDX.
func validateSchema(t *testing.T, text []byte) {
	t.Helper()
	out, err := commandOutput("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go")
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for name, file := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		f, err := os.Open(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		schema, err := jsonschema.UnmarshalJSON(f)
		if err == nil {
			err = compiler.AddResource("http://cyclonedx.org/schema/"+name, schema)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) error {
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return schema.Validate(instance)
	}
	if err := check(text); err != nil {
		t.Error(err)
	}
	var spoiled map[string]any
	if err := json.Unmarshal(text, &spoiled); err != nil {
		t.Fatal(err)
	}
	spoiled["specVersion"] = 1.6
	if wrong, err := json.Marshal(spoiled); err != nil || check(wrong) == nil {
		t.Errorf("the schema accepts a text that is not a bill of materials (%v)", err)
	}
}
