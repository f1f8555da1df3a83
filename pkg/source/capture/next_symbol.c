#define _GNU_SOURCE
#include <dlfcn.h>

#include "next_symbol.h"

// An OpenCV that loads its FFmpeg as a plugin keeps the libraries to itself, but the caller's own dependencies lead to them.
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
	dlclose(handle); // which only counts down
	return function == own ? 0 : function;
}
