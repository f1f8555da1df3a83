package wall

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	maxDecodes     = 32 // codecs that a client may name
	maxDecodesText = 64 // bytes of each
)

// decodable is what a client can decode. The zero value is nothing.
type decodable struct{ codecs []codecLimit }

// parseDecodes reads the codecs that a client can decode. It ignores those that it does not know.
func parseDecodes(list []string) (decodable, error) {
	if len(list) > maxDecodes {
		return decodable{}, fmt.Errorf("decodes has %d codecs, more than the limit of %d", len(list), maxDecodes)
	}
	var d decodable
	for i, text := range list {
		if len(text) > maxDecodesText {
			return decodable{}, fmt.Errorf("codec %d of decodes has %d bytes, more than the limit of %d", i+1, len(text), maxDecodesText)
		}
		if c, ok := parseCodec(text); ok && !slices.Contains(d.codecs, c) {
			d.codecs = append(d.codecs, c)
		}
	}
	return d, nil
}

// covers reports whether the client can decode a stream, by the codec of its format.
func (d decodable) covers(codec string) bool {
	stream, ok := parseCodec(codec)
	return ok && slices.ContainsFunc(d.codecs, func(c codecLimit) bool { return c.includes(stream) })
}

// isEmpty reports whether the client can decode no video.
func (d decodable) isEmpty() bool { return len(d.codecs) == 0 }

// codecLimit is a profile and level of H.264 or H.265: what a stream needs, or the most that a decoder can decode.
type codecLimit struct {
	isH265      bool
	profile     uint8
	compatible  uint32 // H.265: bit n is set if decoders of profile n can decode it, too
	isHighTier  bool   // of H.265
	level       int    // in the unit of the standard, doubled: there is a level between two numbers, 1b
	constraints string // of H.265, as written
}

// includes reports whether a decoder for c can decode a stream.
func (c codecLimit) includes(stream codecLimit) bool {
	if c.isH265 != stream.isH265 || stream.level > c.level || stream.isHighTier && !c.isHighTier {
		return false
	}
	if !c.isH265 {
		return c.profile == stream.profile || slices.Contains(includedProfiles[c.profile], stream.profile)
	}
	switch {
	case c.profile >= firstConstrainedProfile: // its number alone does not say what is in such a stream
		return c.profile == stream.profile && c.constraints == stream.constraints
	case c.profile == stream.profile, c.profile == profileMain10 && stream.profile == profileMain:
		return true
	}
	return stream.compatible&(1<<c.profile) != 0
}

// Profiles of H.265 (ITU-T H.265, annex A). In those from 4 on, the constraint flags say what a stream has in it.
const (
	profileMain             = 1
	profileMain10           = 2
	firstConstrainedProfile = 4
	lastProfile             = 31
)

// includedProfiles lists the other profiles that a decoder of a profile of H.264 can decode (ITU-T H.264, annex A.2). Decoders of Main do
// not need to decode Baseline with flexible ordering of macroblocks. No camera uses it, and browsers do not tell the two apart.
var includedProfiles = map[uint8][]uint8{
	66:  nil,                         // Baseline
	77:  {66},                        // Main
	88:  {66},                        // Extended
	100: {66, 77},                    // High
	110: {66, 77, 100},               // High 10
	122: {66, 77, 100, 110},          // High 4:2:2
	244: {66, 77, 100, 110, 122, 44}, // High 4:4:4 Predictive
	44:  nil,                         // CAVLC 4:4:4 Intra
}

// parseCodec reads a codec as in RFC 6381, such as avc1.640028 or hvc1.1.6.L93.B0. It reports whether it knows the codec.
func parseCodec(text string) (codecLimit, bool) {
	name, rest, _ := strings.Cut(text, ".")
	switch name {
	case "avc1", "avc3":
		return parseH264(rest)
	case "hvc1", "hev1":
		return parseH265(rest)
	}
	return codecLimit{}, false
}

// parseH264 reads the profile, the constraint flags and the level of H.264, each of two hexadecimal digits.
func parseH264(digits string) (codecLimit, bool) {
	if len(digits) != 6 {
		return codecLimit{}, false
	}
	n, err := strconv.ParseUint(digits, 16, 24)
	if err != nil {
		return codecLimit{}, false
	}
	profile, flags, level := uint8(n>>16), uint8(n>>8), int(uint8(n))*2
	if _, isKnown := includedProfiles[profile]; !isKnown || level == 0 {
		return codecLimit{}, false
	}
	const constraintSet3 = 0x10
	isOld := profile == 66 || profile == 77 || profile == 88
	if level == 2*9 || level == 2*11 && isOld && flags&constraintSet3 != 0 { // level 1b, in either of its forms
		level = 2*10 + 1
	}
	return codecLimit{profile: profile, level: level}, true
}

// parseH265 reads what follows the name of H.265 (ISO/IEC 14496-15, section E.3): the profile, the compatibility flags in hexadecimal
// digits, the tier and level, and up to six bytes of constraint flags.
func parseH265(text string) (codecLimit, bool) {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) < 3 || len(parts[2]) < 2 {
		return codecLimit{}, false
	}
	profile, err1 := strconv.ParseUint(parts[0], 10, 8) // a letter for the profile space is an error: only space 0 is defined
	compatible, err2 := strconv.ParseUint(parts[1], 16, 32)
	tier := parts[2][0]
	level, err3 := strconv.ParseUint(parts[2][1:], 10, 8)
	if err1 != nil || err2 != nil || err3 != nil || profile == 0 || profile > lastProfile || level == 0 || tier != 'L' && tier != 'H' {
		return codecLimit{}, false
	}
	c := codecLimit{isH265: true, profile: uint8(profile), compatible: uint32(compatible), isHighTier: tier == 'H', level: 2 * int(level)}
	if len(parts) == 4 {
		c.constraints = strings.ToUpper(parts[3])
	}
	return c, true
}
