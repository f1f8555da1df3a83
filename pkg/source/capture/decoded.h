#include <stdint.h>

// decoded describes a decoded picture.
struct decoded {
	int width, height;
	int64_t time; // its presentation time, in the units of the stream; INT64_MIN without one
	int damaged;  // the decoder has found errors in it
};

// decoded_newest returns the picture that FFmpeg decoded last on the calling thread. It is zero before the first.
struct decoded decoded_newest(void);

// decoded_set_low_delay makes FFmpeg open decoders on the calling thread so that they return each picture as soon as they can, or as usual.
void decoded_set_low_delay(int on);
