package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"camd/pkg/source/options"
)

// sectionsByKey are the sections whose keys ChangedKeys names one by one.
var sectionsByKey = []string{"Auth", "Limits", "Log"}

// ChangedKeys returns the keys whose values differ, with what other files hold of them, in the order of Config: listen, log.level. Of
// cameras it names those that differ, came or went: cameras.yard.
func ChangedKeys(before, now *Config) (keys []string) {
	return changedFields(reflect.ValueOf(*before), reflect.ValueOf(*now), func(field string, a, b reflect.Value) []string {
		key := keyOfField(field)
		switch {
		case field == "Cameras":
			return changedCameras(before.Cameras, now.Cameras)
		case slices.Contains(sectionsByKey, field) && reflect.Indirect(a).IsValid() && reflect.Indirect(b).IsValid():
			return changedFields(reflect.Indirect(a), reflect.Indirect(b), func(within string, _, _ reflect.Value) []string {
				return []string{key + "." + keyOfField(within)}
			})
		}
		return []string{key}
	})
}

// changedFields returns what name says of the exported fields that differ.
func changedFields(a, b reflect.Value, name func(field string, a, b reflect.Value) []string) (keys []string) {
	for i := range a.NumField() {
		if f := a.Type().Field(i); f.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, name(f.Name, a.Field(i), b.Field(i))...)
		}
	}
	return keys
}

var camelBoundary = regexp.MustCompile(`([a-z])([A-Z])`)

// keyOfField is what a field of Config is called in the file.
func keyOfField(field string) string {
	return strings.ToLower(camelBoundary.ReplaceAllString(field, "${1}_${2}"))
}

func changedCameras(before, now []options.Camera) (keys []string) {
	find := func(all []options.Camera, id string) *options.Camera {
		if i := slices.IndexFunc(all, func(c options.Camera) bool { return c.ID == id }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	for _, c := range before {
		if other := find(now, c.ID); other == nil || !reflect.DeepEqual(c, *other) {
			keys = append(keys, "cameras."+c.ID)
		}
	}
	for _, c := range now {
		if find(before, c.ID) == nil {
			keys = append(keys, "cameras."+c.ID)
		}
	}
	if keys == nil { // their order
		keys = []string{"cameras"}
	}
	return keys
}
