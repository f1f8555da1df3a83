// This program contains decoded.c, and loads the plugin as OpenCV does.
#include <dlfcn.h>
#include <libavutil/error.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *plugin = argc > 1 ? dlopen(argv[1], RTLD_LAZY | RTLD_LOCAL) : 0;
	int (*ask)(void) = plugin ? (int (*)(void))dlsym(plugin, "ask") : 0;
	if (!ask) {
		puts(dlerror());
		return 2;
	}
	int failed = ask();
	puts(failed == AVERROR(EAGAIN) ? "decoded by the library" : av_err2str(failed));
	return failed != AVERROR(EAGAIN);
}
