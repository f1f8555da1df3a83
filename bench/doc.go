// Command bench measures what it costs to serve viewers. It compares camd with a lower bound and with the code that people copy from
// tutorials. All servers are measured in one run, and the results are ratios, because absolute times depend on the machine.
//
//	go run ./bench [--quick] [--json FILE] [--svg FILE] [--only camd,floor]
//
// # Servers
//
//   - floor: c/floor.c, the lower bound: one thread around epoll and send. It parses, limits and counts nothing.
//   - camd: the real pkg/httpapi server with one synthetic camera. For H.264, floor and camd send fragments of an MP4 file without end.
//   - tutorial: a channel for each viewer, part headers by fmt.Fprintf, a copy of each frame for each viewer.
//   - floor-lowat: the floor with TCP_NOTSENT_LOWAT; only by --only.
//   - before: the camd of another build of this program; only by --against.
//
// Each server runs in its own process and publishes frames of one size on an absolute schedule. It copies each frame once from a
// template, because a real server also gets its frames from somewhere. The picture contains its capture time, which is the scheduled
// time. So a server that is late delivers old frames.
//
// # Viewers
//
// All viewers are one process, c/client.c, which discards pictures inside the kernel. A viewer may be throttled, with a small receive
// buffer and reads by the clock, or stalled. Slow links are also measured through network namespaces and a token bucket, if the
// machine allows it.
//
// # Figures
//
// CPU is the processor time of the server process, user and system, within the measuring window. The client reads it from the
// kernel's CPU clock of that process, in nanoseconds. On loopback, the receiver's share of TCP counts as the sender's time, for every
// server alike.
//
// Ages are those of complete pictures on arrival.
//
// The servers take turns within each round. Ratios are computed within a round, and the table has the median of the rounds.
//
// No process is pinned to a processor. In a trial with the server and the client pinned to one each, the figures varied more. A Go
// server that can use only one processor is also not what people run.
package main
