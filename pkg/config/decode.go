package config

import (
	"reflect"
	"strings"

	"camd/pkg/source/sourceurl"
)

// decode stores the values of a group in the fields of the struct that to points to, by their names: write_timeout in WriteTimeout. A
// key that is missing or wrong has the default of the schema. It leaves keys without a field to the caller.
func decode(s *schema, v *value, to any) { decodeStruct(s, v, reflect.ValueOf(to).Elem()) }

func decodeStruct(s *schema, v *value, to reflect.Value) {
	for i := range to.NumField() {
		field := to.Type().Field(i)
		if field.Anonymous && field.Type.Kind() == reflect.Struct {
			decodeStruct(s, v, to.Field(i))
			continue
		}
		key := keyOfField(field.Name)
		if sub := s.Properties.get(key); sub != nil && field.IsExported() {
			decodeValue(sub, v.get(key), to.Field(i))
		}
	}
}

// decodeValue stores a value, or the default if v is nil or bad.
func decodeValue(s *schema, v *value, to reflect.Value) {
	if v != nil && v.bad {
		v = nil
	}
	kind := to.Kind()
	var data any
	if v != nil {
		data = v.data
	} else if s.Default != nil {
		data = readScalar(s, scalarFor(s, strings.Trim(string(s.Default), `"`)))
	}
	switch {
	case data != nil && reflect.TypeOf(data).ConvertibleTo(to.Type()) && kind != reflect.Slice && (kind != reflect.String || reflect.TypeOf(data).Kind() == reflect.String):
		to.Set(reflect.ValueOf(data).Convert(to.Type()))
	case kind == reflect.Pointer && v != nil && v.fields != nil:
		to.Set(reflect.New(to.Type().Elem()))
		decodeStruct(s, v, to.Elem())
	case kind == reflect.Struct && s.has("object"):
		decodeStruct(s, v, to)
	case kind == reflect.Slice && v != nil && s.Items != nil && !s.Items.has("object"): // lists of groups have functions of their own
		for _, item := range v.items {
			if item.bad {
				continue
			}
			one := reflect.New(to.Type().Elem()).Elem()
			decodeValue(s.Items, item, one)
			to.Set(reflect.Append(to, one))
		}
	}
}

// readScalar returns what the format of the schema makes of a valid scalar.
func readScalar(s *schema, data any) any {
	if text, ok := data.(string); ok && formats[s.Format] != nil {
		if read, err := formats[s.Format](text); err == nil {
			return read
		}
	}
	return data
}

// read replaces each valid scalar by what its format makes of it. Paths are relative to the folder of the file. It checks the files that
// are named.
func (d *decoder) read(root *value) {
	root.each("", func(_ string, v *value) {
		if v.bad || v.schema == nil || v.data == nil {
			return
		}
		v.data = readScalar(v.schema, v.data)
		switch data := v.data.(type) {
		case sourceurl.Source:
			if data.Kind == sourceurl.File {
				data.Path = d.resolvePath(data.Path)
				v.data = data
			}
		case string:
			switch v.schema.Format {
			case "path":
				v.data = d.resolvePath(data)
			case "file":
				v.data = d.resolvePath(data)
				d.checkFile(v)
			case "audit-target":
				if data != "on" && data != "off" {
					v.data = d.resolvePath(data)
				}
			}
		}
	})
}
