package capture

import (
	"bytes"
	"image"
	"slices"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/media"
)

// defaultQuality is the JPEG quality if none is configured.
const defaultQuality = 80

// encoder makes the renditions of one frame after the other. It belongs to the sender.
type encoder struct {
	passthrough bool         // the source's frames are JPEGs in the Mat
	scheduler   *scheduler   // has the definitions of the renditions
	limits      media.Limits // on a picture that is decoded, which takes memory for all pixels in its header
	frame       *frame       // the present frame; nil for none

	decoded gocv.Mat // of a JPEG of the source
	halved  gocv.Mat
	scaled  gocv.Mat
	buffer  *gocv.NativeByteBuffer // memory of the newest JPEG that encode has made
}

func newEncoder(d *scheduler, limits media.Limits) *encoder {
	return &encoder{scheduler: d, limits: limits, decoded: gocv.NewMat(), halved: gocv.NewMat(), scaled: gocv.NewMat()}
}

func (e *encoder) close() {
	e.setFrame(nil)
	e.decoded.Close()
	e.halved.Close()
	e.scaled.Close()
}

// setFrame sets the frame to encode.
func (e *encoder) setFrame(p *frame) {
	e.frame = p
	if e.buffer != nil {
		e.buffer.Close()
		e.buffer = nil
	}
}

// encodeRendition returns the frame's picture in a rendition, and how long encoding took. The picture is valid until the encoder is used
// again. It is nil if there is no such rendition any more, or if the picture is damaged and the rendition is not 0.
func (e *encoder) encodeRendition(rendition int) ([]byte, time.Duration, error) {
	r, ok := e.scheduler.rendition(rendition)
	if !ok {
		return nil, 0, nil
	}
	began := time.Now()
	pixels, exif := &e.frame.mat, []byte(nil)
	if e.isPassthrough() {
		whole, err := e.original()
		if err != nil || rendition == 0 {
			return whole, 0, err
		}
		// Decoding a damaged picture would hide the damage. camd must refuse it in every rendition, as it does in main.
		checked, err := media.Normalize(bytes.Clone(whole), e.limits)
		if err != nil {
			return nil, 0, nil
		}
		if r.Width == 0 || checked.Width <= r.Width { // nothing is made larger
			return whole, 0, nil
		}
		if pixels = e.decodeReduced(checked.JPEG, checked.Width/r.Width); pixels == nil {
			return nil, 0, nil
		}
		exif = checked.Exif
	}
	if r.Width > 0 && pixels.Cols() > r.Width {
		pixels = e.scale(pixels, r.Width)
	}
	jpeg, err := e.encode(pixels, r.Quality)
	if len(exif) > 0 && err == nil {
		jpeg = slices.Insert(bytes.Clone(jpeg), 2, exif...) // behind the start marker
	}
	return jpeg, time.Since(began), err
}

// isPassthrough reports whether the picture is the source's own JPEG.
func (e *encoder) isPassthrough() bool { return e.passthrough || e.frame.jpeg != nil }

// original returns the JPEG that passes through.
func (e *encoder) original() ([]byte, error) {
	if e.frame.jpeg != nil {
		return e.frame.jpeg, nil
	}
	b, err := e.frame.mat.DataPtrUint8()
	if err != nil {
		return nil, newFailure(camera.BadStream, "picture: %v", err)
	}
	return b, nil
}

// decodeReduced decodes a JPEG at 1/8, 1/4, 1/2 or full size: the smallest that is at least 1/ratio. That takes a fraction of the
// work. It ignores the Exif orientation, which the rendition keeps for the viewer. It returns nil if decoding fails.
func (e *encoder) decodeReduced(jpeg []byte, ratio int) *gocv.Mat {
	flag := gocv.IMReadColor
	switch {
	case ratio >= 8:
		flag = gocv.IMReadReducedColor8
	case ratio >= 4:
		flag = gocv.IMReadReducedColor4
	case ratio >= 2:
		flag = gocv.IMReadReducedColor2
	}
	if err := gocv.IMDecodeIntoMat(jpeg, flag|gocv.IMReadIgnoreOrientation, &e.decoded); err != nil || e.decoded.Empty() {
		return nil
	}
	return &e.decoded
}

// scale returns a picture reduced to a width. Each pixel is the mean of the pixels that it replaces. OpenCV has fast code only for half the
// size. So a picture that is reduced to a quarter or a sixth is halved first, which takes about half the time. Rounding twice
// changes a pixel by 1 at most.
func (e *encoder) scale(from *gocv.Mat, width int) *gocv.Mat {
	width, height := camera.Rendition{Width: width}.Size(from.Cols(), from.Rows())
	if half := image.Pt(from.Cols()/2, from.Rows()/2); half.X > width && from.Cols()%(2*width) == 0 && from.Rows()%(2*height) == 0 {
		if err := gocv.Resize(*from, &e.halved, half, 0, 0, gocv.InterpolationArea); err == nil {
			from = &e.halved
		}
	}
	if err := gocv.Resize(*from, &e.scaled, image.Pt(width, height), 0, 0, gocv.InterpolationArea); err != nil {
		return from
	}
	return &e.scaled
}

func (e *encoder) encode(pixels *gocv.Mat, quality int) ([]byte, error) {
	if e.buffer != nil {
		e.buffer.Close()
		e.buffer = nil
	}
	buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, *pixels, []int{gocv.IMWriteJpegQuality, min(max(quality, 1), 100)})
	if err != nil {
		buf.Close()
		return nil, newFailure(camera.BadStream, "encode: %v", err)
	}
	e.buffer = buf
	return buf.GetBytes(), nil
}
