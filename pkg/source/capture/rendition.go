package capture

import (
	"bytes"
	"image"
	"slices"
	"time"

	"gocv.io/x/gocv"

	condition "camd/pkg/camera"
	"camd/pkg/mjpeg"
)

// defaultQuality is the JPEG quality where none is asked for.
const defaultQuality = 80

// maker makes renditions of one picture after the other. It belongs to the sender.
type maker struct {
	passthrough bool
	due         *due         // knows the renditions
	limits      mjpeg.Limits // of a picture; decoding takes memory for all pixels that its header has
	picture     *picture

	decoded gocv.Mat // of a JPEG that passes through
	scaled  gocv.Mat
	buffer  *gocv.NativeByteBuffer // what holds the newest JPEG made here
}

func newMaker(d *due, limits mjpeg.Limits) *maker {
	return &maker{due: d, limits: limits, decoded: gocv.NewMat(), scaled: gocv.NewMat()}
}

func (m *maker) close() {
	m.begin(nil)
	m.decoded.Close()
	m.scaled.Close()
}

// begin takes the next picture.
func (m *maker) begin(p *picture) {
	m.picture = p
	if m.buffer != nil {
		m.buffer.Close()
		m.buffer = nil
	}
}

// jpeg returns the picture in a rendition, for as long as the maker is left alone, and what encoding it took; nil if it is
// damaged, of any rendition but 0, or there is no such rendition any more.
func (m *maker) jpeg(rendition int) ([]byte, time.Duration, error) {
	r, ok := m.due.rendition(rendition)
	if !ok {
		return nil, 0, nil
	}
	began := time.Now()
	pixels, exif := &m.picture.mat, []byte(nil)
	if m.passesThrough() {
		whole, err := m.original()
		if err != nil || rendition == 0 {
			return whole, 0, err
		}
		// What is damaged must not become whole by being decoded: camd is to refuse it, as it does in main.
		checked, err := mjpeg.Normalize(bytes.Clone(whole), m.limits)
		if err != nil {
			return nil, 0, nil
		}
		if r.Width == 0 || checked.Width <= r.Width { // nothing is made larger
			return whole, 0, nil
		}
		if pixels = m.reduce(checked.JPEG, checked.Width/r.Width); pixels == nil {
			return nil, 0, nil
		}
		exif = checked.Exif
	}
	if r.Width > 0 && pixels.Cols() > r.Width {
		pixels = m.scale(pixels, r.Width)
	}
	jpeg, err := m.encode(pixels, r.Quality)
	if len(exif) > 0 && err == nil {
		jpeg = slices.Insert(bytes.Clone(jpeg), 2, exif...) // behind the start marker
	}
	return jpeg, time.Since(began), err
}

// passesThrough reports whether the picture is the source's own JPEG.
func (m *maker) passesThrough() bool { return m.passthrough || m.picture.jpeg != nil }

// original returns the JPEG that passes through.
func (m *maker) original() ([]byte, error) {
	if m.picture.jpeg != nil {
		return m.picture.jpeg, nil
	}
	b, err := m.picture.mat.DataPtrUint8()
	if err != nil {
		return nil, fail(condition.BadStream, "picture: %v", err)
	}
	return b, nil
}

// reduce decodes a JPEG at the smallest scale that is no less than one in ratio, which is a fraction of the work, or returns
// nil if it cannot be decoded. It is not turned as its Exif says, which stays with it for whoever shows it.
func (m *maker) reduce(jpeg []byte, ratio int) *gocv.Mat {
	flag := gocv.IMReadColor
	switch {
	case ratio >= 8:
		flag = gocv.IMReadReducedColor8
	case ratio >= 4:
		flag = gocv.IMReadReducedColor4
	case ratio >= 2:
		flag = gocv.IMReadReducedColor2
	}
	if err := gocv.IMDecodeIntoMat(jpeg, flag|gocv.IMReadIgnoreOrientation, &m.decoded); err != nil || m.decoded.Empty() {
		return nil
	}
	return &m.decoded
}

// scale makes a picture so many pixels wide. Its height stays even, as chroma has it.
func (m *maker) scale(from *gocv.Mat, width int) *gocv.Mat {
	height := max(2, (from.Rows()*width/from.Cols()+1)&^1)
	if err := gocv.Resize(*from, &m.scaled, image.Pt(width, height), 0, 0, gocv.InterpolationArea); err != nil {
		return from
	}
	return &m.scaled
}

func (m *maker) encode(pixels *gocv.Mat, quality int) ([]byte, error) {
	if m.buffer != nil {
		m.buffer.Close()
		m.buffer = nil
	}
	buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, *pixels, []int{gocv.IMWriteJpegQuality, min(max(quality, 1), 100)})
	if err != nil {
		buf.Close()
		return nil, fail(condition.BadStream, "encode: %v", err)
	}
	m.buffer = buf
	return buf.GetBytes(), nil
}
