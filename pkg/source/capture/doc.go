// Package capture implements camd-capture. It opens one source, reads it, and sends its pictures as JPEGs to camd in the protocol
// of package wire. It is the only package of the module that imports gocv. OpenCV reads all sources. Package httpreader
// reads JPEGs over HTTP without it.
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
// # Encoding
//
// JPEGs of the source are forwarded without decoding (V4L2 MJPG, and MJPEG over HTTP, over RTSP or from a file). All other pictures are
// decoded and encoded once for each rendition. Without demand, only one picture a second is encoded, and the others are not even
// converted to BGR.
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
