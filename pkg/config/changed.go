package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Changed returns the keys at the left edge of the file whose values differ, with what other files hold of them, in the file's
// order. Of cameras it names those that differ, came or went: cameras.yard.
func Changed(before, now *Config) (keys []string) {
	a, b := reflect.ValueOf(*before), reflect.ValueOf(*now)
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		switch {
		case reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
		case name == "Cameras":
			keys = append(keys, changedCameras(before.Cameras, now.Cameras)...)
		default:
			keys = append(keys, keyOf(name))
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
