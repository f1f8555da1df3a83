package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"

	"camd/pkg/camera"
)

// finding is one mistake that the validator has found.
type finding struct {
	at   *yaml.Node
	v    *value
	kind jsonschema.ErrorKind
	key  string // that is unknown, missing or not a valid name
}

// validate reports what the schema does not allow, in the order of the file.
func (d *decoder) validate(root *value) {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](compiled().Validate(root.json()))
	if !ok {
		return
	}
	found := findings(root, invalid, nil)
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Column, b.at.Column))
	})
	for _, f := range found {
		if _, wrong := f.kind.(badName); wrong {
			f.v.fields[f.key].bad = true // before any message repeats the name
		}
	}
	for _, f := range found {
		d.reportFinding(f)
	}
}

// findings returns the mistakes below an error of the validator.
func findings(root *value, e *jsonschema.ValidationError, all []finding) []finding {
	if _, wrong := e.ErrorKind.(*kind.PropertyNames); wrong {
		return all // badName has the place
	}
	v := root.find(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, key := range k.Properties {
			all = append(all, finding{v.fields[key].key, v, k, key})
		}
	case *kind.Required:
		at := v.node
		if v.isEntry {
			at = v.keyNode()
		}
		for _, key := range k.Missing {
			all = append(all, finding{at, v, k, key})
		}
	case badName:
		all = append(all, finding{v.fields[string(k)].key, v, k, string(k)})
	default:
		for _, cause := range e.Causes {
			all = findings(root, cause, all)
		}
		if len(e.Causes) == 0 {
			all = append(all, finding{v.node, v, k, ""})
		}
	}
	return all
}

func (d *decoder) reportFinding(f finding) {
	v := f.v
	switch f.kind.(type) {
	case *kind.AdditionalProperties:
		d.unknownKey(v, v.fields[f.key])
	case *kind.Required:
		if v.bad {
			return
		}
		d.errorf(f.at, "%s has no %s; it %s", describeGroup(v), f.key, v.schema.Properties.get(f.key).clause())
	case badName:
		d.reportName(v, f)
	default:
		if !v.bad {
			d.report(v, "")
		}
	}
}

// describeGroup names a group of keys in a message.
func describeGroup(v *value) string {
	if v.isEntry && v.key != nil {
		return fmt.Sprintf("%s: %q", v.name, truncate(v.key.Value))
	}
	if v.isEntry {
		return v.name + ": this entry"
	}
	return v.name + ": the section"
}

// reportName reports a name that the user cannot give.
func (d *decoder) reportName(v *value, f finding) {
	names := v.schema.PropertyNames
	switch {
	case f.key == camera.Main && names.Format == "camera-id":
		d.errorf(f.at, "%s: %q is the name of the camera's own pictures; choose another name", v.name, camera.Main)
	case camera.IsTrackName(f.key) && names.Format == "camera-id":
		d.errorf(f.at, "%s: %q is the name of a track, which is what the camera sends; choose another name", v.name, f.key)
	case names.WriteOnly:
		d.errorf(f.at, "%s: every name %s", v.name, names.clause())
	default:
		d.errorf(f.at, "%s: every name %s", v.name, withValue(names.clause(), suggestion(names.Format, f.at.Value), quoteValue(f.at)))
	}
}
