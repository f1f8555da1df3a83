package v4l2

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// maxQueries bounds the queries to one device. Some drivers have lists without an end.
const maxQueries = 4096

// enumerator reads the lists of a driver.
type enumerator struct {
	drv  driver
	left int // queries that are left
}

// takeQuery counts a query, and reports whether it is allowed.
func (e *enumerator) takeQuery() bool {
	e.left--
	return e.left >= 0
}

// listFormats returns the formats of a device for a kind of buffers. An error of the driver ends a list: that is how lists end in V4L2.
func listFormats(drv driver, kind uint32) []Format {
	e := &enumerator{drv, maxQueries}
	var all []Format
	for i := uint32(0); i < 64 && e.takeQuery(); i++ {
		f, err := drv.format(i, kind)
		if err != nil {
			break
		}
		all = append(all, Format{
			FourCC: fourCC(f.PixelFormat), Description: cString(f.Description[:]),
			Compressed: f.Flags&flagCompressed != 0, Emulated: f.Flags&flagEmulated != 0,
			Sizes: e.sizes(f.PixelFormat),
		})
	}
	return all
}

func (e *enumerator) sizes(pixels uint32) []Size {
	var all []Size
	for i := uint32(0); i < 256 && e.takeQuery(); i++ {
		f, err := e.drv.frameSize(i, pixels)
		if err != nil {
			break
		}
		if f.Type == discrete {
			s := Size{Width: int(f.U[0]), Height: int(f.U[1])}
			e.rates(&s, pixels)
			all = append(all, s)
			continue
		}
		// min, max and step of the width, then of the height
		s := Size{Width: int(f.U[1]), Height: int(f.U[4])}
		s.Range = &Range{MinWidth: int(f.U[0]), MinHeight: int(f.U[3]), StepWidth: int(f.U[2]), StepHeight: int(f.U[5])}
		e.rates(&s, pixels)
		return append(all, s) // a range is a whole list
	}
	slices.SortStableFunc(all, func(a, b Size) int { return cmp.Compare(b.Width*b.Height, a.Width*a.Height) })
	return all
}

// rates sets the rates of a size.
func (e *enumerator) rates(s *Size, pixels uint32) {
	for i := uint32(0); i < 64 && e.takeQuery(); i++ {
		f, err := e.drv.interval(i, pixels, uint32(s.Width), uint32(s.Height))
		if err != nil {
			break
		}
		// A fraction of a second between frames; a range has the shortest first and the longest second.
		s.addRate(f.U[0], f.U[1])
		if f.Type != discrete {
			s.addRate(f.U[2], f.U[3])
			s.Between = true
			break
		}
	}
	slices.SortFunc(s.Rates, func(a, b float64) int { return cmp.Compare(b, a) })
	s.Rates = slices.Compact(s.Rates)
}

func (s *Size) addRate(numerator, denominator uint32) {
	if numerator > 0 && denominator > 0 {
		s.Rates = append(s.Rates, float64(denominator)/float64(numerator))
	}
}

// fourCC returns the characters of a pixel format.
func fourCC(code uint32) string {
	s := cString([]byte{byte(code), byte(code >> 8), byte(code >> 16), byte(code>>24) & 0x7f})
	if code>>31 != 0 {
		s += "-BE"
	}
	return s
}

func formatName(fourCC string) string {
	switch fourCC {
	case "MJPG", "JPEG":
		return "mjpeg"
	}
	return strings.ToLower(fourCC)
}

// cString returns a C string. It replaces characters that cannot be printed, because the texts of devices are shown on terminals.
func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s))
}
