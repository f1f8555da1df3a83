/* The stamp that servers write into a picture and the client reads. stamp.go is the same in Go. */
#ifndef STAMP_H
#define STAMP_H

#include <stdint.h>
#include <string.h>
#include <time.h>

/* A picture: SOI, a comment segment with the stamp, one byte repeated, EOI. */
#define STAMP_MAGIC "CAMDBNCH"
#define STAMP_AT 6           /* behind SOI, the comment's marker and its length */
#define STAMP_END (6 + 24)   /* magic, sequence number, capture time */
#define FILL(seq) ((char)(0x20 + (seq) % 4)) /* differs between neighbours, so that a torn frame shows */

static inline int64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline void stamp(char *picture, uint64_t seq, int64_t captured)
{
	memcpy(picture, "\xff\xd8\xff\xfe\x00\x1a" STAMP_MAGIC, 14);
	memcpy(picture + 14, &seq, 8);
	memcpy(picture + 22, &captured, 8);
}

#endif
