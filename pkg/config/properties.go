package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// property is a key and its schema.
type property struct {
	key string
	*schema
}

// properties keep the order of the file.
type properties []property

func (p *properties) UnmarshalJSON(data []byte) error {
	*p = nil
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var s schema
		if err := d.Decode(&s); err != nil {
			return err
		}
		*p = append(*p, property{fmt.Sprint(key), &s})
	}
	return nil
}

// MarshalJSON writes them in their order.
func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range p {
		text, err := json.Marshal(one.schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s%q:%s", []string{"{", ","}[min(i, 1)], one.key, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (p properties) keys() []string {
	keys := make([]string, len(p))
	for i, one := range p {
		keys[i] = one.key
	}
	return keys
}

// get returns the schema of a key; nil if there is none.
func (p properties) get(key string) *schema {
	if i := slices.IndexFunc(p, func(one property) bool { return one.key == key }); i >= 0 {
		return p[i].schema
	}
	return nil
}

// additional is the schema of all other keys, or false.
type additional struct{ *schema }

func (a *additional) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		return nil
	}
	a.schema = &schema{}
	return json.Unmarshal(data, a.schema)
}

// MarshalJSON writes the schema or false.
func (a additional) MarshalJSON() ([]byte, error) {
	if a.schema == nil {
		return []byte("false"), nil
	}
	return json.Marshal(a.schema)
}

// named returns the schema of the values of a mapping whose keys are the user's own names; nil if s is no such mapping.
func (s *schema) named() *schema {
	if s.AdditionalProperties == nil {
		return nil
	}
	return s.AdditionalProperties.schema
}
