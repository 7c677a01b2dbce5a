/*
 * What enrichment learns of the host besides the records: processes from /proc, containers from
 * their engines' files, users from /etc/passwd. A capture keeps it, a replay gives it back.
 */
#ifndef ENRICH_OUTSIDE_H
#define ENRICH_OUTSIDE_H

#include <stdbool.h>

struct outside {
	bool offline; /* the host is not asked: what is known comes from enrich_fact() */
	bool env;     /* facts have the environment of processes */
	/* Told of everything that was learned, as a line {"NAME":{…}}; NULL: nobody wants to know.
	 */
	void (*tell)(const char *json, void *ctx);
	void *ctx;
};

#endif
