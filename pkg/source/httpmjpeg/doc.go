// Package httpmjpeg reads JPEGs from an HTTP body of the type multipart/x-mixed-replace, as cameras really send it.
//
// Cameras do not follow the standard of multipart bodies. They announce one boundary and send another, double or omit its dashes,
// end lines with LF alone, put garbage between the parts, and send wrong lengths or none. The standard library's mime/multipart
// fails on all of this. It also returns a part only when the next boundary has come, which is a picture late, and has no limit on
// the size of a part. FFmpeg's demuxer fails on such bodies, too.
//
// [Reader] therefore ignores the multipart structure. A JPEG itself shows where it begins and ends: its segments have lengths, and in the
// data between them no byte FF stands alone (ITU-T T.81, B.1.1). Reader follows that structure, skips everything outside of it,
// and returns a picture as soon as its last byte has come.
//
// A picture that does not follow the structure is damaged. Reader skips and counts it, and searches for the next picture behind
// it. (If a picture ends where the server has announced it, and so did the one before, Reader does not search its scans for damage.) It also skips a picture of more bytes than the limit, after reading it to its end. Reader processes every byte once,
// whatever a server sends, and keeps no more bytes than the limit on a picture.
package httpmjpeg
