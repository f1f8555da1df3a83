/* A group of viewers of one kind, and its results in the window. */
#ifndef GROUP_H
#define GROUP_H

#include "stream.h"

struct viewer {
	struct stream stream; /* first: arrived() gets it */
	struct group *group;
	uint64_t seen;            /* newest sequence number */
	uint64_t frames, lost;    /* within the window; lost are those between */
	uint64_t bytes_before;
	int64_t budget, paid;     /* bytes it may read; when it last got some */
	int gone, paced;
};

struct group {
	int count;
	int64_t rate;
	char address[64];
	struct viewer *viewers;
	int cut;
	uint32_t *ages; /* microseconds */
	size_t nages, room;
};

void group_parse(struct group *g, const char *text);

/* Starts counting. Bytes received before do not count. */
void group_begin(struct group *g);

/* Counts a frame that is newer than all before; age in nanoseconds. */
void group_count(struct viewer *v, int64_t age);

void group_report(struct group *g, int64_t window);

#endif
