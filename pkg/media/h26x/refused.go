package h26x

import "fmt"

// Causes for which access units are refused. The set is fixed, because a cause is a label of a metric.
const (
	TooLarge       = "too_large"        // has more bytes, NAL units or parameter sets than the options allow
	InvalidUnit    = "invalid_unit"     // has an empty NAL unit, one with forbidden_zero_bit, or bytes that are no Annex B stream
	InvalidSet     = "invalid_set"      // has a parameter set, or a configuration record, that cannot be parsed
	NoParameterSet = "no_parameter_set" // refers to a parameter set that has not arrived
	InvalidTime    = "invalid_time"     // has a PTS that is years from 0
)

// Causes lists all causes.
var Causes = []string{TooLarge, InvalidUnit, InvalidSet, NoParameterSet, InvalidTime}

// RefusedError says why an access unit is refused. The frame is lost: those that follow may refer to it, up to the next keyframe.
type RefusedError struct {
	Cause  string // one of Causes
	Detail string
}

func (e *RefusedError) Error() string { return "access unit " + e.Cause + ": " + e.Detail }

// refuse returns a *RefusedError.
func refuse(cause, format string, args ...any) error {
	return &RefusedError{cause, fmt.Sprintf(format, args...)}
}
