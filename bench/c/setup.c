/* Setup that both programs do once. */
#define _GNU_SOURCE
#include "setup.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include "stamp.h"

void die(const char *what)
{
	perror(what);
	exit(1);
}

void raise_files(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int schedule(int fps, int64_t *start)
{
	int64_t period = 1000000000LL / fps;
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec when = {{period / 1000000000, period % 1000000000}, {0, 0}};

	*start = monotonic() + period;
	when.it_value.tv_sec = *start / 1000000000;
	when.it_value.tv_nsec = *start % 1000000000;
	if (timer < 0 || timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL))
		die("timerfd");
	return timer;
}

int listen_at(const char *address)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, address, &a.sin_addr);
	if (fd < 0 || bind(fd, (void *)&a, len) || listen(fd, 4096) || getsockname(fd, (void *)&a, &len))
		die("listen");
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

double cpu(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		die("cpu clock");
	return t.tv_sec + t.tv_nsec / 1e9;
}
