// This file records the times of each packet that FFmpeg reads for OpenCV. OpenCV hands out undecoded packets without their times: before
// version 4.10, CAP_PROP_POS_MSEC is always 0 for them, and later it has only one of the two.
#include <libavformat/avformat.h>

#include "next_symbol.h"
#include "packet_times.h"

typedef int read_frame(AVFormatContext *, AVPacket *);

static _Thread_local struct packet_times newest = {NO_TIME, NO_TIME};

static int64_t nanoseconds(int64_t time, AVRational unit)
{
	return time == AV_NOPTS_VALUE ? NO_TIME : av_rescale_q(time, unit, (AVRational){1, 1000000000});
}

// OpenCV calls this function instead of the library's, see decoded.c.
int av_read_frame(AVFormatContext *input, AVPacket *packet)
{
	static _Atomic(read_frame *) library;
	read_frame *r = library;
	if (!r)
		library = r = (read_frame *)next_symbol("av_read_frame", av_read_frame, __builtin_return_address(0));
	if (!r)
		return AVERROR(ENOSYS);
	int failed = r(input, packet);
	newest = (struct packet_times){NO_TIME, NO_TIME};
	if (!failed && packet->stream_index >= 0 && packet->stream_index < (int)input->nb_streams) {
		AVRational unit = input->streams[packet->stream_index]->time_base;
		newest = (struct packet_times){nanoseconds(packet->pts, unit), nanoseconds(packet->dts, unit)};
	}
	return failed;
}

struct packet_times packet_times_newest(void)
{
	return newest;
}
