package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"camd/pkg/source/options"
)

// sectionsByKey are the sections whose keys ChangedKeys names one by one.
var sectionsByKey = []string{"Auth", "Limits", "Log"}

// ChangedKeys returns the keys whose values differ, in the order of the fields of Config: listen, log.level. The content of files that
// they name counts, too. It names each camera that was changed, added or removed: cameras.yard.
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

// changedFields returns the names of the exported fields that differ. name returns the name of a field.
func changedFields(a, b reflect.Value, name func(field string, a, b reflect.Value) []string) (keys []string) {
	for i := range a.NumField() {
		if f := a.Type().Field(i); f.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, name(f.Name, a.Field(i), b.Field(i))...)
		}
	}
	return keys
}

var camelBoundary = regexp.MustCompile(`([a-z])([A-Z])`)

// keyOfField returns the key of a field in the file: write_timeout for WriteTimeout. It keeps its results, because a file may have
// thousands of cameras.
func keyOfField(field string) string {
	if key, ok := keysOfFields.Load(field); ok {
		return key.(string)
	}
	key := strings.ToLower(camelBoundary.ReplaceAllString(field, "${1}_${2}"))
	keysOfFields.Store(field, key)
	return key
}

var keysOfFields sync.Map

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
