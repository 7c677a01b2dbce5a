/*
 * The findings database: one SQLite file with a write-ahead log. What store_put() accepted is on
 * the disk: it survives the end of the process and of the machine. Others may read meanwhile.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/finding.h"

#define STORE_DEFAULT "/var/lib/boltseal/findings.db"

struct store;

/* Numbers: 0 takes the default, of which the comments speak. */
struct store_options {
	bool read_only;	    /* the file must exist */
	int busy_ms;	    /* wait so long for another writer: 5000 */
	uint64_t max_age_s; /* findings last seen before that go: 90 days */
	uint64_t max_count; /* 1,000,000 */
	uint64_t max_bytes; /* of the file, without its log: 1 GiB */
};

/*
 * Opens or makes the file (mode 0600). A file that is damaged is moved aside to
 * FILE.damaged-TIME, what can be read of it is put into a new one, and store_notice() tells. A file
 * that is somebody else's database, or of a newer version, is refused.
 */
int store_open(struct store **out, const char *path, const struct store_options *o, struct err *e);
void store_close(struct store *s);
/* What happened that people should know; NULL: nothing. Valid until the next call. */
const char *store_notice(const struct store *s);

/*
 * Puts findings in one transaction; 0 means that they are on the disk. A finding whose id is there
 * adds its count to it and takes the later last_seen. Errors change nothing and may be tried again:
 * -EBUSY locked, -ENOSPC disk full, -EIO. A file that turns out to be damaged is replaced as in
 * store_open, and the findings are put into the new one.
 */
int store_put(struct store *s, struct finding *const *f, size_t n, struct err *e);

/* Deletes by age (`now` 0: not), count and size; what was deleted is added to *deleted. Takes
 * bounded time. */
int store_prune(struct store *s, uint64_t now, uint64_t *deleted, struct err *e);

/* Each field NULL or 0 when it does not matter. */
struct store_filter {
	unsigned severity; /* at least, tenths */
	/* Of these * stands for any text, and small and large letters are the same. */
	const char *rule, *type, *image, *namespace, *host;
	const char *container; /* id (or its beginning), name, pod */
	const char *program;   /* its path or the name of the process */
	const char *technique; /* T1552 has T1552.001 */
	const char *id;	       /* or its beginning */
	uint64_t since, until; /* ns: last seen at or after, first seen before */
	bool by_seq;	       /* in the order of the sequence numbers */
	uint64_t after;	       /* sequence numbers above this, in their order */
	uint64_t limit;	       /* at most so many */
	bool oldest_first;     /* otherwise the one seen last comes first */
};

/* Rows that queries left out since store_open, because they are no finding that can be read. */
uint64_t store_unreadable(const struct store *s);

/* A finding with its present count and times; not 0 ends the query, which returns it. */
typedef int (*store_each)(const struct finding *f, uint64_t seq, void *ctx, struct err *e);
int store_query(struct store *s, const struct store_filter *filter, store_each each, void *ctx,
		struct err *e);

struct store_count {
	char name[128];
	uint64_t findings, events; /* events: the sum of their counts */
};
enum { STORE_TOP = 10 };

/* The most frequent first. */
struct store_top {
	struct store_count row[STORE_TOP];
	size_t n;
};

struct store_stats {
	uint64_t findings, events;
	uint64_t bytes;			  /* of the whole file */
	uint64_t first, last;		  /* ns; 0: there are none */
	struct store_count severities[5]; /* from critical to info */
	struct store_top rules, types, containers;
};
/* Of the findings of the filter, whose order and limit do not matter. */
int store_get_stats(struct store *s, const struct store_filter *filter, struct store_stats *out,
		    struct err *e);

/*
 * The sequence number up to which findings were handed to the output of this name. Kept over
 * restarts. -ENOENT: the name is not known.
 */
int store_set_handed(struct store *s, const char *name, uint64_t seq, struct err *e);
int store_get_handed(struct store *s, const char *name, uint64_t *seq, struct err *e);
/* The highest sequence number. */
int store_last(struct store *s, uint64_t *seq, struct err *e);

static inline void store_close_p(struct store **s)
{
	store_close(*s);
}
#define cleanup_store cleanup(store_close_p)

#endif
