#include <stdint.h>

#define NO_TIME INT64_MIN

// The times of a packet in nanoseconds, NO_TIME where the container has none.
struct packet_times {
	int64_t pts, dts;
};

// packet_times_newest returns the times of the packet that FFmpeg read last on this thread.
struct packet_times packet_times_newest(void);
