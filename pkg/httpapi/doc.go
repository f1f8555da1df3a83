// Package httpapi serves cameras over HTTP: its router mounts one package per kind of delivery, and it has the JSON API, access
// checks, health and Prometheus metrics itself.
//
//   - mjpeg: streams
//   - snapshot: single pictures
//   - wall: the dashboard's WebSocket
//   - compat: the addresses of mjpg-streamer and ustreamer
//   - web: pages, scripts and styles
//
// They share packages request (who asks, for which camera, and how it is answered) and viewers (who watches, within which limits).
// None of them imports this package.
//
// [New] takes the cameras as an interface and knows nothing of where their pictures come from. Streams end when the context given to
// [Server.Serve] does, when their viewer leaves, or when their topic ends, and never because a camera fails.
//
// The configuration can change at any time: [Server.SetConfig] replaces a [Config] that each request reads once.
package httpapi
