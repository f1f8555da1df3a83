// Package httpapi serves cameras over HTTP. Its router mounts one package for each kind of delivery:
//
//   - mjpeg: streams
//   - snapshot: single pictures
//   - wall: the dashboard's WebSocket
//   - compat: the addresses of mjpg-streamer and ustreamer
//   - web: pages, scripts and styles
//
// The package itself has the JSON API, access checks, health and Prometheus metrics. The packages below share request (the requester, the
// camera and the answer) and viewers (the running streams and their limits). None of them imports this package.
//
// [New] takes the cameras as an interface and does not know where their pictures come from. A stream ends when the context of
// [Server.Serve] ends, when its viewer leaves, or when its topic ends. It does not end because a camera fails.
//
// The configuration can change at any time. [Server.SetConfig] replaces a [Config] that each request reads once.
package httpapi
