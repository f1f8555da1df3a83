// FFmpeg's pictures, looked at on their way to OpenCV, which sizes its scaler by the stream's first and does not notice when
// others follow.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>

#include "decoded.h"

struct AVCodecContext;
typedef int receive(struct AVCodecContext *, AVFrame *);

int avcodec_receive_frame(struct AVCodecContext *context, AVFrame *frame);

static _Thread_local struct decoded newest;

// find returns the library's function. An OpenCV that loads its FFmpeg as a plugin keeps it to itself, but whoever calls has it.
static receive *find(void *caller)
{
	receive *r = (receive *)dlsym(RTLD_NEXT, "avcodec_receive_frame");
	Dl_info plugin;
	if (r || !dladdr(caller, &plugin))
		return r;
	void *handle = dlopen(plugin.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (!handle)
		return 0;
	r = (receive *)dlsym(handle, "avcodec_receive_frame");
	dlclose(handle); // which only counts down
	return r == avcodec_receive_frame ? 0 : r;
}

// The program's symbols come before its libraries': OpenCV calls this one, which does the work with the library's. An OpenCV
// that decodes in another way does not, and then nothing is noticed.
int avcodec_receive_frame(struct AVCodecContext *context, AVFrame *frame)
{
	static _Atomic(receive *) library;
	receive *r = library;
	if (!r)
		library = r = find(__builtin_return_address(0));
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
