// next_symbol returns a library's function with a name that this program defines, too. own is the program's function, and caller is an
// address in the library that called it. It returns 0 if no library has such a function.
void *next_symbol(const char *name, void *own, void *caller);
