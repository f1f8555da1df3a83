package h26x

// class says what happens to a NAL unit.
type class byte

const (
	other   class = iota // goes through: SEI, prefixes, extensions
	dropped              // delimiters, filler, ends of sequences, what no decoder reads
	set                  // a parameter set
	slice                // of a picture
)

// unitHeader is what the header of a NAL unit says.
type unitHeader struct {
	class        class
	isKey        bool
	isLeading    bool // RASL
	isReference  bool // other frames may refer to it
	layer        byte // H.265: TemporalId
	hasSliceHead bool // readSliceHead can read it
}

// sliceHead is the beginning of a slice header.
type sliceHead struct {
	pps uint32 // pic_parameter_set_id
	isB bool   // a B slice; H.264 only
}

// syntax is what differs between the codecs.
type syntax interface {
	// header reads the header of a NAL unit, which has at least one byte. It returns false if a decoder must not get it.
	header(nalu []byte) (unitHeader, bool)
	// parameterSet parses a NAL unit of class set. It keeps no reference to it.
	parameterSet(nalu []byte) (parameterSet, error)
	// readSliceHead reads the beginning of a slice. It returns false if the slice is too short.
	readSliceHead(nalu []byte) (sliceHead, bool)
}

// sliceHeadBytes is enough for three Exp-Golomb codes after the header of a NAL unit.
const sliceHeadBytes = 16

// readSliceBits returns a reader of the beginning of a slice behind the n bytes of its NAL unit's header. scratch is its memory.
func readSliceBits(scratch *[sliceHeadBytes]byte, nalu []byte, n int) bitReader {
	return bitReader{b: unescape(scratch[:0], nalu[n:min(len(nalu), n+sliceHeadBytes)])}
}
