#define _GNU_SOURCE
#include <dlfcn.h>

#include "next_symbol.h"

// If OpenCV loads FFmpeg as a plugin, RTLD_NEXT does not find FFmpeg's libraries. The dependencies of the caller do.
void *next_symbol(const char *name, void *own, void *caller)
{
	void *function = dlsym(RTLD_NEXT, name);
	Dl_info plugin;
	if (function || !dladdr(caller, &plugin))
		return function;
	void *handle = dlopen(plugin.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (!handle)
		return 0;
	function = dlsym(handle, name);
	dlclose(handle); // the library stays loaded: this only lowers its count
	return function == own ? 0 : function;
}
