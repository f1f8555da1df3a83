// Package framenumber encodes frame numbers in camd's test pictures and reads them back from the pixels. A test
// can find out which picture it got through any chain of programs.
//
// A strip of [Cells] black and white cells of equal width runs along the bottom edge of the picture. The cells are 32 bits of the frame
// number, the highest first, and then 8 bits of checksum. White is 1. The strip survives JPEG at quality 50 and scaling to half the size.
// Small pictures have no strip, see [Strip].
//
// The package is pure Go and uses only the standard library. Its functions are safe for concurrent use.
package framenumber

import (
	"image"
	"image/color"
)

// Cells is the number of cells in the strip.
const Cells = 40

// The smallest picture with a strip: cells of 4 pixels, 6 pixels high.
const (
	minWidth  = 160
	minHeight = 96
)

// Strip returns where a picture of the given size has its strip. It is empty if the picture is too small for a strip.
func Strip(width, height int) image.Rectangle {
	if width < minWidth || height < minHeight {
		return image.Rectangle{}
	}
	return stripRect(width, height)
}

// Cell returns the pixels of cell i of a strip.
func Cell(strip image.Rectangle, i int) image.Rectangle {
	w := strip.Dx()
	return image.Rect(strip.Min.X+i*w/Cells, strip.Min.Y, strip.Min.X+(i+1)*w/Cells, strip.Max.Y)
}

// Encode returns the cells for a frame number; true is white.
func Encode(number uint32) (cells [Cells]bool) {
	bits := uint64(number)<<8 | uint64(checksum(number))
	for i := range cells {
		cells[i] = bits>>(Cells-1-i)&1 == 1
	}
	return cells
}

// Decode reads the frame number from a picture, which may have been scaled to half its size. ok is false if there is no strip or its
// checksum is wrong.
func Decode(img image.Image) (number uint32, ok bool) {
	b := img.Bounds()
	if b.Dx() < minWidth/2 || b.Dy() < minHeight/2 {
		return 0, false
	}
	s := stripRect(b.Dx(), b.Dy()).Add(b.Min)
	var bits uint64
	for i := range Cells {
		bits <<= 1
		if brightness(img, Cell(s, i)) >= 128 {
			bits |= 1
		}
	}
	number = uint32(bits >> 8)
	return number, byte(bits) == checksum(number)
}

func stripRect(width, height int) image.Rectangle {
	return image.Rect(0, height-height/16, width, height)
}

// brightness returns the mean brightness of the middle of a cell. JPEG and scaling blur its edges.
func brightness(img image.Image, cell image.Rectangle) int {
	in := cell.Inset(min(cell.Dx(), cell.Dy()) / 4)
	sum, n := 0, 0
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			sum += int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
			n++
		}
	}
	return sum / max(n, 1)
}

// checksum returns a CRC-8 (polynomial 7). Its start value makes an all-black and an all-white strip invalid.
func checksum(number uint32) byte {
	crc := byte(0xA5)
	for shift := 24; shift >= 0; shift -= 8 {
		crc ^= byte(number >> shift)
		for range 8 {
			if carry := crc & 0x80; carry != 0 {
				crc = crc<<1 ^ 7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
