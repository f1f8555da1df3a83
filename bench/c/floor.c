/*
 * The floor: the least that it can cost to send the newest frame to many sockets. It is one thread with epoll, and a send for
 * each viewer and frame. It parses, limits and counts nothing. A viewer whose socket is full finishes its frame and then gets
 * the newest.
 *
 *   floor SIZE FPS [LOWAT [ADDRESS [KEY]]]     prints its port; ends when its standard input does
 *
 * With KEY it sends an MP4 file without end instead of JPEGs. One frame in GROUP is a keyframe and has KEY bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "setup.h"
#include "stamp.h"

#define BOUNDARY "boundarydonotcross"
#define GROUP 50      /* frames from one keyframe to the next */
#define MOOF_SIZE 104 /* as package fmp4 writes it */

static const char response_head[] =
	"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=" BOUNDARY "\r\n"
	"Cache-Control: no-store\r\nConnection: close\r\n\r\n--" BOUNDARY "\r\n";
static const char mp4_head[] =
	"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n"
	"Cache-Control: no-store\r\nConnection: close\r\n\r\n\0\0\0\x0c""ftypiso6";

/* A frame does not change while any viewer has a part of it. */
struct frame {
	size_t len;
	unsigned viewers;
	char *part;
};

struct viewer {
	int fd, index;
	struct frame *current; /* partly sent, or NULL */
	size_t sent;
	struct frame *last; /* the last one sent */
};

static struct viewer **connected;
static int capacity, nconnected;
static struct frame **frames;
static int nframes;
static struct frame *newest;
static char *templates[4];
static size_t size, key; /* of a frame, and of a keyframe; no key means JPEGs */
static int poller, lowat;

static struct frame *unused_frame(void)
{
	for (int i = 0; i < nframes; i++)
		if (frames[i] != newest && !frames[i]->viewers)
			return frames[i];
	frames = realloc(frames, (nframes + 1) * sizeof *frames);
	frames[nframes] = calloc(1, sizeof **frames);
	frames[nframes]->part = malloc((key > size ? key : size) + 256);
	return frames[nframes++];
}

/* Makes a fragment: moof with nothing in it, and mdat. */
static void capture_fragment(uint64_t seq, int64_t when)
{
	struct frame *f = unused_frame();
	size_t n = seq % GROUP == 1 ? key : size;
	uint32_t moof = htonl(MOOF_SIZE), mdat = htonl(n + 8);

	memset(f->part, 0, MOOF_SIZE);
	memcpy(f->part, &moof, 4);
	memcpy(f->part + 4, "moof", 4);
	memcpy(f->part + MOOF_SIZE, &mdat, 4);
	memcpy(f->part + MOOF_SIZE + 4, "mdat", 4);
	memcpy(f->part + MOOF_SIZE + 8, templates[seq % 4], n);
	stamp(f->part + MOOF_SIZE + 8, seq, when);
	memcpy(f->part + MOOF_SIZE + 8 + n - 2, "\xff\xd9", 2);
	f->len = MOOF_SIZE + 8 + n;
	newest = f;
}

/* Makes a frame. Every server of this benchmark copies each frame once from a template. */
static void capture(uint64_t seq, int64_t when)
{
	struct frame *f = unused_frame();
	char *p = f->part;
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	p += sprintf(p, "Content-Type: image/jpeg\r\nContent-Length: %zu\r\nX-Timestamp: %lld.%06ld\r\n\r\n", size,
		     (long long)wall.tv_sec, wall.tv_nsec / 1000);
	memcpy(p, templates[seq % 4], size);
	stamp(p, seq, when);
	p += size;
	p += sprintf(p, "\r\n--" BOUNDARY "\r\n");
	f->len = p - f->part;
	newest = f;
}

static void remove_viewer(struct viewer *v)
{
	if (v->current)
		v->current->viewers--;
	if (v->index >= 0) {
		connected[v->index] = connected[--nconnected];
		connected[v->index]->index = v->index;
	}
	close(v->fd);
	free(v);
}

/* Sends until the viewer has the newest frame or its socket is full; the edge of EPOLLOUT then brings it back here. */
static void push(struct viewer *v)
{
	for (;;) {
		struct frame *f = v->current ? v->current : newest;
		ssize_t n;

		if (!v->current && v->last == newest)
			return;
		n = send(v->fd, f->part + v->sent, f->len - v->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return; /* its EPOLLHUP is on the way, and on_event() removes the viewer */
		v->sent += n > 0 ? n : 0;
		if (v->sent < f->len) {
			if (!v->current && n > 0) {
				v->current = f;
				f->viewers++;
			}
			return;
		}
		if (v->current)
			f->viewers--;
		v->current = NULL;
		v->sent = 0;
		v->last = f;
	}
}

static void accept_viewers(int listener)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct viewer *v = calloc(1, sizeof *v);
		struct epoll_event e = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = v}};

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (lowat)
			setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
		v->fd = fd;
		v->index = -1; /* until its request has come */
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e))
			die("epoll_ctl");
	}
}

/* Only on_event frees a viewer, and each viewer is in a batch of events once. */
static void on_event(struct viewer *v, unsigned events)
{
	char request[4096];

	if (v->index < 0 && events & EPOLLIN && recv(v->fd, request, sizeof request, 0) > 0) {
		if (nconnected == capacity)
			connected = realloc(connected, (capacity = capacity * 2 + 64) * sizeof *connected);
		v->index = nconnected;
		connected[nconnected++] = v;
		if (key)
			send(v->fd, mp4_head, sizeof mp4_head - 1, MSG_NOSIGNAL);
		else
			send(v->fd, response_head, sizeof response_head - 1, MSG_NOSIGNAL);
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		remove_viewer(v);
	else if (v->index >= 0 && newest)
		push(v);
}

/*
 * An absolute schedule: capture times are the scheduled times. So a server that is late delivers old frames, and one that
 * misses a time has lost a frame.
 */
static void tick(int timer, int64_t start, int64_t period)
{
	static uint64_t ticks;
	uint64_t expired;

	if (read(timer, &expired, 8) != 8)
		return;
	ticks += expired;
	(key ? capture_fragment : capture)(ticks, start + (int64_t)(ticks - 1) * period);
	for (int i = 0; i < nconnected; i++)
		push(connected[i]);
}

static void watch(int fd, void *as)
{
	struct epoll_event e = {EPOLLIN, {.ptr = as}};

	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

int main(int argc, char **argv)
{
	int fps = argc > 2 ? atoi(argv[2]) : 30, listener, timer;
	struct epoll_event events[512];
	int64_t start;

	size = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	lowat = argc > 3 ? atoi(argv[3]) : 0;
	key = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	raise_files();
	for (int i = 0; i < 4; i++) {
		templates[i] = malloc(key > size ? key : size);
		memset(templates[i], FILL(i), key > size ? key : size);
		if (!key)
			memcpy(templates[i] + size - 2, "\xff\xd9", 2);
	}
	poller = epoll_create1(0);
	listener = listen_at(argc > 4 ? argv[4] : "127.0.0.1");
	timer = schedule(fps, &start);
	watch(listener, &listener);
	watch(timer, &timer);
	watch(0, &poller);
	for (;;) {
		int n = epoll_wait(poller, events, 512, -1);

		for (int i = 0; i < n; i++) {
			void *source = events[i].data.ptr;

			if (source == &timer)
				tick(timer, start, 1000000000LL / fps);
			else if (source == &listener)
				accept_viewers(listener);
			else if (source == &poller)
				return 0;
			else
				on_event(source, events[i].events);
		}
	}
}
