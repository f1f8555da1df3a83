/*
 * The viewers of a benchmark: one thread, epoll, any number of connections in groups.
 *
 *   client [-w WARM_MS] [-m MEASURE_MS] [-p PATH] [-s SERVER_PID] [-v] [-n] PORT COUNT[:RATE[:ADDRESS]]...
 *
 * RATE is in bytes per second: 0 as fast as possible, -1 takes a few bytes and then nothing. Prints "begin" and "end" when
 * the measuring window does, then a JSON object about the window and one for each group. With -n,
 * pictures have no stamp, and all ages are 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "group.h"
#include "setup.h"
#include "stamp.h"

#define SECOND 1000000000LL
#define TICK 2    /* ms between reads of the throttled viewers */
#define MIN_READ 4096  /* bytes that one of them reads at least, at once */

static int64_t warm = SECOND, measure = 2 * SECOND;
static const char *path = "/";
static pid_t server;
static struct group *groups;
static int ngroups, poller, measuring, throttled;
static int nwaiting; /* unthrottled viewers, for their first frame */

/* A picture is complete. Only pictures in the window count, and none twice, because servers may repeat one. */
void arrived(struct stream *s)
{
	struct viewer *v = (struct viewer *)s;

	if (s->seq <= v->seen)
		return;
	if (!v->seen && !v->group->rate)
		nwaiting--;
	if (measuring)
		group_count(v, options.unstamped ? 0 : monotonic() - s->captured);
	v->seen = s->seq;
}

static void connect_viewer(struct group *g, struct viewer *v, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct epoll_event e = {EPOLLIN, {.ptr = v}};
	int small = 32 << 10;
	char request[512];
	int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	v->group = g;
	v->stream.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (v->stream.fd < 0)
		die("socket");
	/* A throttled viewer simulates a slow link, and its receive buffer holds what is on the way. */
	if (g->rate)
		setsockopt(v->stream.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	inet_pton(AF_INET, g->address, &a.sin_addr);
	if (connect(v->stream.fd, (void *)&a, sizeof a) || send(v->stream.fd, request, n, MSG_NOSIGNAL) != n)
		die("connect");
	if (epoll_ctl(poller, EPOLL_CTL_ADD, v->stream.fd, &e))
		die("epoll_ctl");
	nwaiting += !g->rate;
}

static void disconnected(struct viewer *v)
{
	if (!v->seen && !v->group->rate)
		nwaiting--;
	v->gone = 1;
	v->group->cut++;
	close(v->stream.fd);
}

/* Reads all that is there, or as much as a throttled viewer may. */
static void read_stream(struct viewer *v)
{
	int more = MORE;

	while (more == MORE && (!v->group->rate || v->budget > 0)) {
		uint64_t before = v->stream.bytes;

		more = stream_read(&v->stream, v->group->rate ? (size_t)v->budget : SIZE_MAX);
		v->budget -= v->stream.bytes - before;
	}
	if (more == GONE)
		disconnected(v);
}

/* Throttled viewers leave the poller once they have begun, and read by the clock. */
static void slow_down(struct viewer *v)
{
	v->paced = 1;
	epoll_ctl(poller, EPOLL_CTL_DEL, v->stream.fd, NULL);
	v->paid = monotonic();
}

static void read_paced(int64_t now)
{
	for (int g = 0; g < ngroups; g++)
		for (int i = 0; groups[g].rate > 0 && i < groups[g].count; i++) {
			struct viewer *v = &groups[g].viewers[i];

			if (!v->paced || v->gone)
				continue;
			v->budget += (now - v->paid) * groups[g].rate / SECOND;
			v->paid = now;
			if (v->budget < MIN_READ)
				continue;
			read_stream(v);
			if (v->budget > MIN_READ + groups[g].rate / 50) /* an idle link saves little up */
				v->budget = MIN_READ + groups[g].rate / 50;
		}
}

static void serve_until(int64_t end, int (*enough)(void))
{
	struct epoll_event events[512];
	int64_t now, paced = 0;

	while ((now = monotonic()) < end && !enough()) {
		int64_t left = (end - now) / 1000000 + 1;
		int n = epoll_wait(poller, events, 512, throttled && left > TICK ? TICK : left);

		for (int i = 0; i < n; i++) {
			struct viewer *v = events[i].data.ptr;

			v->budget = MIN_READ; /* of a throttled viewer, until it has begun */
			read_stream(v);
			if (v->group->rate && v->stream.bytes && !v->gone)
				slow_down(v);
		}
		if (throttled && (now = monotonic()) - paced >= TICK * 1000000LL) {
			read_paced(now);
			paced = now;
		}
	}
}

static int all_begun(void) { return nwaiting <= 0; }
static int never(void) { return 0; }

static void mark(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void run_window(void)
{
	double used[2];
	int64_t begun;

	for (int g = 0; g < ngroups; g++)
		group_begin(&groups[g]);
	mark("begin");
	used[0] = cpu(server);
	used[1] = cpu(0);
	measuring = 1;
	begun = monotonic();
	serve_until(begun + measure, never);
	measuring = 0;
	measure = monotonic() - begun;
	used[0] = cpu(server) - used[0];
	used[1] = cpu(0) - used[1];
	mark("end");
	printf("{\"server_cpu_s\":%.6f,\"client_cpu_s\":%.6f,\"window_s\":%.6f}\n", used[0], used[1], measure / 1e9);
	for (int g = 0; g < ngroups; g++)
		group_report(&groups[g], measure);
}

int main(int argc, char **argv)
{
	int port, option;

	while ((option = getopt(argc, argv, "w:m:p:s:vn")) > 0)
		switch (option) {
		case 'w': warm = atoll(optarg) * 1000000; break;
		case 'm': measure = atoll(optarg) * 1000000; break;
		case 'p': path = optarg; break;
		case 's': server = atoi(optarg); break;
		case 'v': options.verify = 1; break;
		case 'n': options.unstamped = 1; break;
		default: return 2;
		}
	if (argc - optind < 2)
		return 2;
	port = atoi(argv[optind++]);
	ngroups = argc - optind;
	groups = calloc(ngroups, sizeof *groups);
	raise_files();
	poller = epoll_create1(0);
	for (int g = 0; g < ngroups; g++) {
		group_parse(&groups[g], argv[optind + g]);
		throttled |= groups[g].rate > 0;
		for (int i = 0; i < groups[g].count; i++)
			connect_viewer(&groups[g], &groups[g].viewers[i], port);
	}
	serve_until(monotonic() + 10 * SECOND, all_begun);
	serve_until(monotonic() + warm, never);
	run_window();
	return 0;
}
