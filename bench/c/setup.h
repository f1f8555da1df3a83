#ifndef SETUP_H
#define SETUP_H

#include <stdint.h>
#include <sys/types.h>

/* Prints what failed, and ends the program. */
void die(const char *what);

/* Raises the limit of file descriptors to its maximum. */
void raise_files(void);

/* Returns a timer that expires fps times a second, first at *start on the monotonic clock. */
int schedule(int fps, int64_t *start);

/* Returns a non-blocking listener on a free port, and prints the port. */
int listen_at(const char *address);

/* Returns the CPU time of a process in seconds, with all its threads, including ended ones. 0 is this process. */
double cpu(pid_t pid);

#endif
