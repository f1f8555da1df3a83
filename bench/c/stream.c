/* Parses the streams of all servers without copying pictures, because the cost of viewers is not measured. */
#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "stamp.h"

struct options options;

static void fail(const char *what, const char *where)
{
	fprintf(stderr, "client: %s: %s\n", what, where);
	exit(1);
}

/* A header line is complete. */
static void header_line(struct stream *s)
{
	s->line[s->line_len] = 0;
	if (s->state == RESPONSE && !strncmp(s->line, "HTTP/", 5) && !strstr(s->line, " 200"))
		fail("refused", s->line);
	if (s->state == RESPONSE && !strcasecmp(s->line, "Transfer-Encoding: chunked"))
		s->framing = CHUNK_SIZE;
	if (s->state == RESPONSE && !strncasecmp(s->line, "Content-Type: video/mp4", 23))
		s->is_mp4 = 1;
	if (s->state == PART_HEADER && !strncasecmp(s->line, "Content-Length:", 15))
		s->picture_size = strtoul(s->line + 15, NULL, 10);
	if (s->line_len)
		goto done;
	if (s->state == RESPONSE) {
		s->state = s->is_mp4 ? BOX_HEADER : PART_HEADER;
	} else if (s->picture_size) { /* else an empty line before a boundary */
		s->state = PICTURE;
		s->picture_left = s->picture_size;
		s->picture_size = 0;
	}
done:
	s->line_len = 0;
}

/* A byte of an MP4 file. The data of mdat is a picture; all other boxes are skipped. */
static void box_byte(struct stream *s, unsigned char c)
{
	if (s->state == BOX) {
		if (!--s->picture_left)
			s->state = BOX_HEADER;
		return;
	}
	s->line[s->line_len++] = c;
	if (s->line_len <= 4)
		s->picture_left = s->picture_left << 8 | c;
	if (s->line_len < 8)
		return;
	s->line_len = 0;
	if (s->picture_left <= 8)
		fail("empty box", "");
	s->picture_left -= 8;
	s->state = memcmp(s->line + 4, "mdat", 4) ? BOX : PICTURE;
}

static void header_byte(struct stream *s, char c)
{
	if (s->state == BOX_HEADER || s->state == BOX)
		box_byte(s, c);
	else if (c == '\n')
		header_line(s);
	else if (c != '\r' && s->line_len < sizeof s->line - 1)
		s->line[s->line_len++] = c;
}

static void verify(struct stream *s, const char *b, size_t n, size_t at, size_t size)
{
	for (size_t i = 0; i < n; i++, at++)
		if (at >= STAMP_END && b[i] != (at == size - 2 ? '\xff' : at == size - 1 ? '\xd9' : FILL(s->seq))) {
			s->torn++;
			return;
		}
}

/* n bytes of the picture have come; b is NULL if they were discarded. */
static void picture_bytes(struct stream *s, const char *b, size_t n)
{
	/* While a picture arrives, picture_size holds the position in it. */
	size_t at = s->picture_size, size = at + s->picture_left;

	for (size_t i = 0; i < n && at + i < STAMP_END; i++)
		s->stamp[at + i] = b[i];
	if (!options.unstamped && at < STAMP_END && at + n >= STAMP_END) {
		if (memcmp(s->stamp + STAMP_AT, STAMP_MAGIC, 8))
			fail("no stamp in picture", "");
		memcpy(&s->seq, s->stamp + 14, 8);
		memcpy(&s->captured, s->stamp + 22, 8);
	}
	if (b && options.verify)
		verify(s, b, n, at, size);
	s->picture_size += n;
	s->picture_left -= n;
	if (s->picture_left)
		return;
	s->seq += options.unstamped;
	arrived(s);
	s->picture_size = 0;
	s->state = s->is_mp4 ? BOX_HEADER : PART_HEADER;
}

static void chunk_byte(struct stream *s, char c)
{
	if (s->framing == CHUNK_END) { /* the line end behind a chunk */
		if (c == '\n')
			s->framing = CHUNK_SIZE;
	} else if (c == '\n') {
		s->framing = s->chunk_left ? CHUNK : CHUNK_END;
	} else if (c != '\r') {
		s->chunk_left = s->chunk_left * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
}

/* n bytes of the body, in one chunk, are done with. */
static void unchunk(struct stream *s, size_t n)
{
	if (s->framing == CHUNK && !(s->chunk_left -= n))
		s->framing = CHUNK_END;
}

static void parse(struct stream *s)
{
	while (s->from < s->to) {
		size_t n = s->to - s->from;

		if (s->state != RESPONSE && (s->framing == CHUNK_SIZE || s->framing == CHUNK_END)) {
			chunk_byte(s, s->buf[s->from++]);
			continue;
		}
		if (s->state != PICTURE) {
			if (s->state != RESPONSE)
				unchunk(s, 1);
			header_byte(s, s->buf[s->from++]);
			continue;
		}
		if (n > s->picture_left)
			n = s->picture_left;
		if (s->framing == CHUNK && n > s->chunk_left)
			n = s->chunk_left;
		unchunk(s, n);
		picture_bytes(s, s->buf + s->from, n);
		s->from += n;
	}
	s->from = s->to = 0;
}

int stream_read(struct stream *s, size_t budget)
{
	/* Once the stamp is known, MSG_TRUNC on TCP discards what follows inside the kernel. */
	int discard = s->state == PICTURE && s->picture_size >= STAMP_END && !options.verify &&
		      (s->framing == PLAIN || s->framing == CHUNK);
	size_t want = sizeof s->buf;
	ssize_t n;

	if (discard)
		want = s->framing == CHUNK && s->chunk_left < s->picture_left ? s->chunk_left : s->picture_left;
	if (want > budget)
		want = budget;
	n = recv(s->fd, discard ? NULL : s->buf, want, MSG_DONTWAIT | (discard ? MSG_TRUNC : 0));
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? DRY : GONE;
	s->bytes += n;
	if (discard) {
		unchunk(s, n);
		picture_bytes(s, NULL, n);
	} else {
		s->to = n;
		parse(s);
	}
	return (size_t)n < want ? DRY : MORE;
}
