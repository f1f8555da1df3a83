// This library stands for OpenCV's plugin for FFmpeg. Only it is linked with libavcodec.
#include <libavcodec/avcodec.h>

// ask returns AVERROR(EAGAIN), because the decoder has received no data.
int ask(void)
{
	AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MJPEG));
	AVFrame *frame = av_frame_alloc();
	int failed = context && frame ? avcodec_open2(context, 0, 0) : AVERROR(ENOMEM);
	if (!failed)
		failed = avcodec_receive_frame(context, frame);
	av_frame_free(&frame);
	avcodec_free_context(&context);
	return failed;
}
