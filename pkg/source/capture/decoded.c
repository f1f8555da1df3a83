// This file stands between OpenCV and FFmpeg's decoders. It records what OpenCV does not tell about a decoded picture: its size, its time, and
// whether it is damaged. OpenCV sizes its scaler by the first picture of the stream, and does not notice when the size changes. It also
// sets options of decoders that OpenCV 4.6 has none for.
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>

#include "decoded.h"
#include "next_symbol.h"

struct AVCodecContext;
struct AVCodec;
typedef int receive(struct AVCodecContext *, AVFrame *);
typedef int open2(struct AVCodecContext *, const struct AVCodec *, AVDictionary **);

int avcodec_receive_frame(struct AVCodecContext *context, AVFrame *frame);
int avcodec_open2(struct AVCodecContext *context, const struct AVCodec *codec, AVDictionary **options);

static _Thread_local struct decoded newest;
static _Thread_local int low_delay;

// The dynamic linker finds a program's symbols before those of its libraries. OpenCV therefore calls this function, which calls that of
// the library. An OpenCV that decodes in another way does not call it, and then the size stays unknown.
int avcodec_receive_frame(struct AVCodecContext *context, AVFrame *frame)
{
	static _Atomic(receive *) library;
	receive *r = library;
	if (!r)
		library = r = (receive *)next_symbol("avcodec_receive_frame", avcodec_receive_frame, __builtin_return_address(0));
	if (!r)
		return AVERROR(ENOSYS);
	int failed = r(context, frame);
	if (!failed)
		newest = (struct decoded){frame->width, frame->height, frame->pts,
			frame->decode_error_flags || frame->flags & AV_FRAME_FLAG_CORRUPT};
	return failed;
}

// OpenCV calls this function as it calls the one above. A thread for each processor, which OpenCV asks for, delays every picture by as
// many frames.
int avcodec_open2(struct AVCodecContext *context, const struct AVCodec *codec, AVDictionary **options)
{
	static _Atomic(open2 *) library;
	open2 *o = library;
	if (!o)
		library = o = (open2 *)next_symbol("avcodec_open2", avcodec_open2, __builtin_return_address(0));
	if (!o)
		return AVERROR(ENOSYS);
	if (low_delay) {
		av_opt_set_int(context, "threads", 1, 0);
		av_opt_set(context, "flags", "+low_delay", 0);
	}
	return o(context, codec, options);
}

struct decoded decoded_newest(void)
{
	return newest;
}

void decoded_set_low_delay(int on)
{
	low_delay = on;
}
