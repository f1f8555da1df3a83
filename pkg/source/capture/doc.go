// Package capture implements camd-capture. It opens one source, reads it, and sends its pictures as JPEGs or its video to camd in the protocol
// of package wire. It is the only package of the module that imports gocv, and OpenCV reads all its sources. Packages httpreader and rtsp
// read network cameras without it.
//
// # Goroutines
//
// The reader goroutine opens, reads and closes the source. It owns all objects of OpenCV that belong to the source, so none is
// closed during a call. The sender is the goroutine that called [Run]. It encodes pictures and writes to camd.
//
// Between them is a slot of three frames, which keeps the newest. The reader never waits for the encoder or for camd, and frames
// are reused. The sender keeps its newest frame, to make a rendition that becomes wanted before the next picture of a slow
// camera.
//
// The control worker is a goroutine for image controls. It opens the device again for each request, so a driver that hangs does not block
// pictures.
//
// # Decoding for camd
//
// With Start.Decode, no source is opened. The goroutine that reads commands puts camd's frames into a queue, which the reader goroutine takes
// from. JPEGs go the way of a source's JPEGs. H.264 and H.265 go through a pipe to FFmpeg, in Matroska; package matroska says why. Another
// goroutine writes to the pipe, because OpenCV waits there for a picture. Each frame is padded to the size of the pipe, so FFmpeg never
// has more than a few frames that it has not decoded.
//
// The time of a frame in Matroska is its number. FFmpeg hands it on to the picture, and decoded.c reads it there. So a picture has the Captured
// and Count of its own frame, whatever the order of display is and whatever cannot be decoded. FFmpeg's decoder has one thread in this
// mode, and returns each picture before the next frame comes.
//
// A frame that waits too long is left out, with all frames up to a keyframe. A picture in which FFmpeg has found damage is left out, with all
// pictures up to a keyframe. FFmpeg 5.1 finds damage in H.264 only.
//
// Another size or codec opens another pipe. So does a keyframe whose Count does not follow that of the frame before: each decoder gets frames
// that continue each other, so the pictures are those of the camera. The pipe also ends after a frame with Last, because FFmpeg
// then returns the pictures that it holds back for reordering. A keyframe alone would otherwise wait for two more frames. Opening a
// pipe takes about 10 ms of CPU time at 1080p.
//
// A Hidden frame is decoded, and its picture is not converted to BGR: that, scaling and encoding are half of the work.
//
// Video is undecodable if the process got no picture at all from two different keyframes, and the decoder had enough frames for one: 50 frames,
// or the end of its pipe. FFmpeg returns most damaged pictures. It returns none of a profile that it does not know.
//
// # Encoding
//
// JPEGs of the source are forwarded without decoding (V4L2 MJPG, and MJPEG over HTTP, over RTSP or from a file). All other pictures are
// decoded and encoded once for each rendition. Without demand, only one picture a second is encoded, and the others are not even
// converted to BGR.
//
// # Video
//
// H.264 and H.265 of files and of addresses other than RTSP are forwarded without decoding, and no JPEGs are made. OpenCV hands out the packets,
// package h26x parses them, and each frame is sent as a fragment. A videoStream gives them times that go on when a file begins again
// or a source sets its clock. It leaves out frames that cannot be decoded, up to the next keyframe. The reader passes each frame to the sender
// and waits for it. Video whose packets cannot be parsed, that has no times, or has no keyframe at its beginning is decoded.
//
// OpenCV does not pass on the times of packets. The program therefore defines its own av_read_frame (packet_times.c).
//
// # Damaged pictures
//
// Of the JPEGs that are forwarded, the first one and then a sample are decoded to find damage. That takes half a percent of a
// CPU. After a damaged picture it takes up to five percent, and only pictures that were decoded are sent, until three in a row
// were good. See package damagecheck.
//
// # Connections
//
// A camera may redirect to any host, and a playlist may name any address. Package httpreader and FFmpeg follow the same
// serverrules.Rules: they may use the source's own host, and the hosts that the configuration names. FFmpeg has no option for that, and
// its RTSP and HLS readers do not pass TLS options on. The program therefore defines its own getaddrinfo and gnutls_handshake,
// which precede those of the libraries (connect.c). The first refuses hosts. The second verifies certificates in the connection
// that FFmpeg uses. FFmpeg's protocol_whitelist limits the protocols.
//
// # Ending
//
// A call that is blocked inside OpenCV cannot be cancelled. If Run must stop during such a call, it sends its last message and
// returns soon without waiting for the call. The process should then exit.
//
// # Processes
//
// OpenCV and FFmpeg read settings from the environment, so two sources with different settings need two processes. FFmpeg decodes
// with one thread for each CPU. OpenCV 4.6 has no setting for that.
package capture
