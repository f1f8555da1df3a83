// This file records the size of each picture that FFmpeg decodes for OpenCV. OpenCV sizes its scaler by the first picture of the
// stream, and does not notice when the size changes.
#include <libavutil/error.h>
#include <libavutil/frame.h>

#include "decoded.h"
#include "next_symbol.h"

struct AVCodecContext;
typedef int receive(struct AVCodecContext *, AVFrame *);

int avcodec_receive_frame(struct AVCodecContext *context, AVFrame *frame);

static _Thread_local struct decoded newest;

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
		newest = (struct decoded){frame->width, frame->height};
	return failed;
}

struct decoded decoded_newest(void)
{
	return newest;
}
