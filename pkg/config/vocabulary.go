package config

import (
	"fmt"
	"reflect"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/message"
)

// bounds is x-minimum and x-maximum of a schema, which its format reads.
type bounds struct {
	parse       func(string) (any, error)
	least, most int64
}

func compileBounds(_ *jsonschema.CompilerContext, keywords map[string]any) (jsonschema.SchemaExt, error) {
	least, ok := keywords["x-minimum"].(string)
	if !ok {
		return nil, nil
	}
	b := bounds{parse: formats[fmt.Sprint(keywords["format"])]}
	if b.parse == nil {
		return nil, fmt.Errorf("x-minimum needs a format, not %v", keywords["format"])
	}
	var err error
	if b.least, err = b.number(least); err == nil {
		b.most, err = b.number(fmt.Sprint(keywords["x-maximum"]))
	}
	return b, err
}

// number returns a value of the format in its smallest unit.
func (b bounds) number(s string) (int64, error) {
	v, err := b.parse(s)
	if err != nil {
		return 0, err
	}
	return reflect.ValueOf(v).Int(), nil
}

// Validate reports a value that is outside the bounds. off is not a number, and always inside.
func (b bounds) Validate(ctx *jsonschema.ValidatorContext, v any) {
	s, ok := v.(string)
	if !ok || s == "off" {
		return
	}
	if n, err := b.number(s); err == nil && (n < b.least || n > b.most) {
		ctx.AddError(outOfBounds{})
	}
}

// outOfBounds says that a value is outside x-minimum and x-maximum.
type outOfBounds struct{}

// KeywordPath returns one of the keywords.
func (outOfBounds) KeywordPath() []string { return []string{"x-minimum"} }

// LocalizedString is unused: report makes the messages.
func (outOfBounds) LocalizedString(*message.Printer) string { return "out of bounds" }

// names is propertyNames of a schema. The errors of the library have wrong places: in v6.0.3 objValidate does not clone their
// InstanceLocation, and later values overwrite it.
type names struct{ schema *jsonschema.Schema }

func compileNames(ctx *jsonschema.CompilerContext, keywords map[string]any) (jsonschema.SchemaExt, error) {
	if keywords["propertyNames"] == nil {
		return nil, nil
	}
	return names{ctx.Enqueue([]string{"propertyNames"})}, nil
}

// Validate reports each name that is not valid.
func (n names) Validate(ctx *jsonschema.ValidatorContext, v any) {
	group, _ := v.(map[string]any)
	for name := range group {
		if n.schema.Validate(name) != nil {
			ctx.AddError(badName(name))
		}
	}
}

// badName is a name that the user cannot give.
type badName string

// KeywordPath returns the keyword.
func (badName) KeywordPath() []string { return []string{"propertyNames"} }

// LocalizedString is unused, as above.
func (badName) LocalizedString(*message.Printer) string { return "not a valid name" }
