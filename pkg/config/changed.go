package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// parted are the sections of which Changed names the keys within.
var parted = []string{"Auth", "Limits", "Log"}

// Changed returns the keys whose values differ, with what other files hold of them, in the order of Config: listen, log.level. Of
// cameras it names those that differ, came or went: cameras.yard.
func Changed(before, now *Config) (keys []string) {
	return changed(reflect.ValueOf(*before), reflect.ValueOf(*now), func(field string, a, b reflect.Value) []string {
		key := keyOf(field)
		switch {
		case field == "Cameras":
			return changedCameras(before.Cameras, now.Cameras)
		case slices.Contains(parted, field) && reflect.Indirect(a).IsValid() && reflect.Indirect(b).IsValid():
			return changed(reflect.Indirect(a), reflect.Indirect(b), func(within string, _, _ reflect.Value) []string {
				return []string{key + "." + keyOf(within)}
			})
		}
		return []string{key}
	})
}

// changed returns what name says of the exported fields that differ.
func changed(a, b reflect.Value, name func(field string, a, b reflect.Value) []string) (keys []string) {
	for i := range a.NumField() {
		if f := a.Type().Field(i); f.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, name(f.Name, a.Field(i), b.Field(i))...)
		}
	}
	return keys
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

// keyOf is what a field of Config is called in the file.
func keyOf(field string) string { return strings.ToLower(hump.ReplaceAllString(field, "${1}_${2}")) }

func changedCameras(before, now []Camera) (keys []string) {
	find := func(all []Camera, id string) *Camera {
		if i := slices.IndexFunc(all, func(c Camera) bool { return c.ID == id }); i >= 0 {
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
