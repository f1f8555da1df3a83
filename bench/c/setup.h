#ifndef SETUP_H
#define SETUP_H

#include <stdint.h>
#include <sys/types.h>

/* Says what failed, and ends the program. */
void die(const char *what);

/* Allows as many descriptors as may be. */
void raise_files(void);

/* A timer that expires fps times a second, first at *start on the monotonic clock. */
int schedule(int fps, int64_t *start);

/* A non-blocking listener on a free port, which it prints. */
int listen_at(const char *address);

/* What a process has been on a processor, in seconds: all its threads, also those that ended. 0 is this process. */
double cpu(pid_t pid);

#endif
