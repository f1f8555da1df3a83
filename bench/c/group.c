#define _GNU_SOURCE
#include "group.h"

#include <stdio.h>
#include <stdlib.h>

#include "setup.h"

void group_parse(struct group *g, const char *text)
{
	char address[64] = "127.0.0.1";
	long long rate = 0;

	if (sscanf(text, "%d:%lld:%63s", &g->count, &rate, address) < 1 || g->count < 1) {
		fprintf(stderr, "client: %s is no group\n", text);
		exit(2);
	}
	g->rate = rate;
	snprintf(g->address, sizeof g->address, "%s", address);
	g->viewers = calloc(g->count, sizeof *g->viewers);
}

void group_begin(struct group *g)
{
	for (int i = 0; i < g->count; i++)
		g->viewers[i].bytes_before = g->viewers[i].stream.bytes;
}

void group_count(struct viewer *v, int64_t age)
{
	struct group *g = v->group;

	if (g->nages == g->room) {
		g->room = g->room * 2 + 4096;
		g->ages = realloc(g->ages, g->room * sizeof *g->ages);
		if (!g->ages)
			die("realloc");
	}
	g->ages[g->nages++] = age < 0 ? 0 : age / 1000;
	v->frames++;
	v->lost += v->seen ? v->stream.seq - v->seen - 1 : 0;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double at(const uint32_t *sorted, size_t n, double quantile)
{
	return n ? sorted[(size_t)((n - 1) * quantile)] / 1000. : 0;
}

void group_report(struct group *g, int64_t window)
{
	uint64_t bytes = 0, lost = 0, torn = 0;
	uint32_t *frames = calloc(g->count, sizeof *frames);
	double seconds = window / 1e9;

	for (int i = 0; i < g->count; i++) {
		struct viewer *v = &g->viewers[i];

		frames[i] = v->frames * 1000; /* at() divides */
		bytes += v->stream.bytes - v->bytes_before;
		lost += v->lost;
		torn += v->stream.torn;
	}
	qsort(g->ages, g->nages, sizeof *g->ages, by_size);
	qsort(frames, g->count, sizeof *frames, by_size);
	printf("{\"viewers\":%d,\"rate\":%lld,\"frames\":%zu,\"bytes\":%llu,\"lost\":%llu,\"torn\":%llu,\"cut\":%d,", g->count,
	       (long long)g->rate, g->nages, (unsigned long long)bytes, (unsigned long long)lost, (unsigned long long)torn,
	       g->cut);
	printf("\"age_p50_ms\":%.3f,\"age_p99_ms\":%.3f,\"age_max_ms\":%.3f,", at(g->ages, g->nages, .5),
	       at(g->ages, g->nages, .99), at(g->ages, g->nages, 1));
	printf("\"fps_min\":%.2f,\"fps_median\":%.2f,\"fps_max\":%.2f}\n", at(frames, g->count, 0) / seconds,
	       at(frames, g->count, .5) / seconds, at(frames, g->count, 1) / seconds);
	free(frames);
}
