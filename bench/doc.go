// Command bench measures what serving viewers costs: camd, beside the least that it can cost and beside what people copy
// from tutorials, in one run and as ratios, since a machine's own speed means nothing elsewhere.
//
//	go run ./bench [--quick] [--json FILE] [--svg FILE] [--only camd,floor]
//
// # Servers
//
//   - floor: c/floor.c, one thread around epoll and send. It parses, limits and counts nothing.
//   - camd: the real pkg/httpapi server with one synthetic camera.
//   - tutorial: a channel for each viewer, part headers by fmt.Fprintf, a copy of each frame for each viewer.
//   - floor-lowat: the floor with TCP_NOTSENT_LOWAT; only by --only.
//   - before: the camd of another build of this program; only by --against.
//
// Each runs in a process of its own, publishes frames of one size on an absolute schedule, and copies each frame once
// out of a template: a frame comes from somewhere. Its capture time, where the schedule wants it, is in the picture, so a
// server that comes late delivers old frames.
//
// # Viewers
//
// All viewers are one process, c/client.c, which discards pictures inside the kernel. Viewers may be throttled (a small
// receive buffer, reads by the clock) or stalled. The slow links are also measured through network namespaces and a
// token bucket, where that is allowed.
//
// # Figures
//
// CPU is the server process's time on a processor, user and system, within the measuring window, as the client reads it
// from the kernel's clock of that process, to the nanosecond. Loopback does the
// receiver's share of TCP in the sender's time, for every server alike. Ages are those of complete pictures on arrival.
// The servers take turns within each round, and ratios are made within a round; the table has the median of the rounds.
// Nothing is pinned to a processor: tried with the server and the client on one each, figures scattered more, not less,
// and a Go server that may use only one processor is not the one that people run.
package main
