// FFmpeg's pictures, looked at on their way to OpenCV, which sizes its scaler by the stream's first and does not notice when
// others follow.
#include <libavutil/error.h>
#include <libavutil/frame.h>

#include "decoded.h"
#include "next_symbol.h"

struct AVCodecContext;
typedef int receive(struct AVCodecContext *, AVFrame *);

int avcodec_receive_frame(struct AVCodecContext *context, AVFrame *frame);

static _Thread_local struct decoded newest;

// The program's symbols come before its libraries': OpenCV calls this one, which does the work with the library's. An OpenCV
// that decodes in another way does not, and then nothing is noticed.
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
