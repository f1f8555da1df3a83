// Package httpmjpeg takes the JPEGs out of an HTTP body of the type multipart/x-mixed-replace, as cameras really send it.
//
// The standard library's mime/multipart reads what the standard describes, and cameras do not: they announce boundaries
// that they do not send, with the dashes doubled or missing, end lines with LF alone, put garbage between the parts, and
// give lengths that are wrong or none. mime/multipart returns an error at the first of these, keeps a part until the
// boundary behind it has come, which is a picture late, and knows no limit; FFmpeg's demuxer is no more patient.
//
// So the frame around the pictures is not read at all. A JPEG says itself where it begins and ends: its segments have
// lengths, and in the data between them no byte FF stands alone (ITU-T T.81, B.1.1). [Reader] follows that structure,
// passes over everything outside of it, and hands a picture on with its last byte. What does not follow the structure is
// damaged: it is left out and counted, and the search for the next picture goes on behind it. A picture of more bytes than
// the limit is read to its end and left out too. Every byte is looked at once, whatever a server sends, and no more of them are
// kept than the limit on a picture allows.
package httpmjpeg
