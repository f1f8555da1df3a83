// next_symbol returns a library's function of that name. It is for functions that this program defines itself in front of a
// library's: own is the program's, and caller an address in the library that called it. It returns 0 if there is no other.
void *next_symbol(const char *name, void *own, void *caller);
