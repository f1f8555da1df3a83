/* One viewer's stream as it arrives: response header, perhaps chunks, parts. */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

enum { GONE = -1, DRY, MORE };

struct stream {
	int fd;
	/* What is expected next. */
	enum { RESPONSE, PART_HEADER, BOX_HEADER, BOX, PICTURE } state;
	int is_mp4; /* boxes, and not parts */
	enum { PLAIN, CHUNK_SIZE, CHUNK, CHUNK_END } framing;
	size_t chunk_left, picture_left, picture_size;
	/* Read and not yet understood; a line or the stamp, or in verification the picture. */
	char buf[1024];
	size_t from, to;
	char line[256];
	size_t line_len;
	/* The picture in progress. */
	char stamp[32];
	uint64_t seq;
	int64_t captured;
	/* Counted by the stream. */
	uint64_t bytes, torn;
};

struct options {
	int verify; /* look at every byte, rather than discard pictures inside the kernel */
	int unstamped; /* pictures have no stamp, so that their ages are not known */
};

extern struct options options;

/*
 * Reads once, at most budget bytes, and calls arrived() for each picture that is complete. Returns MORE if there may be
 * more to read at once, DRY if not, GONE at the end of the stream.
 */
int stream_read(struct stream *s, size_t budget);

void arrived(struct stream *s);

#endif
