/*
 * Where findings go besides the store. Each sink has a spool and a thread: adding a finding takes
 * the time of writing it to a file, whatever the receiver does, and what was added is delivered
 * once the receiver is there, in order, by one attempt after the other with growing pauses. Each is
 * delivered once; after a crash the one in hand may come a second time, with the same id.
 *
 *	file:PATH                         JSON lines (boltseal.finding/1)
 *	syslog: | syslog:PATH             RFC 5424, to /dev/log or another socket
 *	syslog:udp://HOST[:PORT] | syslog:tcp://HOST[:PORT]
 *	syslog:tls://HOST[:PORT]          the same over TLS (RFC 5425)
 *	http://… | https://…              POST of Falco's JSON
 *
 * out/sink_extras.h says what may stand behind a '#'.
 */
#ifndef OUT_SINK_H
#define OUT_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/finding.h"
#include "out/spool.h"

struct sink;

/* 0 takes the default. */
struct sink_options {
	const char *spool_dir;		     /* must exist */
	uint64_t spool_max;		     /* bytes of each: 64 MiB */
	unsigned retry_min_ms, retry_max_ms; /* pauses: 500 and 60000 */
	unsigned timeout_ms;		     /* of one attempt: 10000 */
	/* Told when delivery begins to fail and when it works again. From the sink's thread. */
	void (*note)(const char *text, void *ctx);
	void *ctx;
};

struct sink_stats {
	uint64_t delivered, failures; /* attempts that failed */
	uint64_t refused;	      /* the receiver will never take them */
	struct spool_stats spool;
};

/* Whether the text names a sink of this module. */
bool sink_is_spec(const char *spec);
/* Reads the spec, opens the spool, and begins to deliver what waits there from another run. */
int sink_new(struct sink **out, const char *spec, const struct sink_options *o, struct err *e);
/* Waits up to `ms` for what waits to be delivered. */
void sink_wait(struct sink *s, unsigned ms);
/* Ends delivery; what waits stays in the spool. */
void sink_free(struct sink *s);

const char *sink_name(const struct sink *s); /* the spec, without a password */
/*
 * For one thread. Errors as those of spool_append; on the disk after sink_sync, and delivered after
 * sink_release.
 */
int sink_add(struct sink *s, const struct finding *f, struct err *e);
int sink_sync(struct sink *s, struct err *e);
void sink_release(struct sink *s);
/*
 * Whether the finding waited in the spool when it was opened. To be asked for findings in the order
 * in which they were added; after the first that did not, none did.
 */
bool sink_had(struct sink *s, const char *id);
void sink_get_stats(struct sink *s, struct sink_stats *out);

#endif
