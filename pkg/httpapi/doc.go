// Package httpapi serves cameras over HTTP: MJPEG streams, snapshots, state as JSON, a dashboard, health and Prometheus
// metrics.
//
// [New] takes the cameras as an interface and knows nothing of where their pictures come from. Every MJPEG viewer of a
// frame is served by one write of the same shared bytes; a viewer that cannot keep up skips frames and is never waited
// for. Streams end when the context given to [Server.Serve] does, when their viewer leaves, or when their topic ends, and never
// because a camera fails.
//
// What is served can change at any time: [Server.SetConfig] swaps a [Config] that each request reads once.
package httpapi
