/*
 * A finding: what a rule saw, who did it and what to do about it. One shape for the store, all
 * outputs and all detectors; its JSON form is boltseal.finding/1 (docs/findings.md).
 *
 * Repeats of a finding have the same key: the same rule, container and program and what matters of
 * the evidence. Within a window they are one finding with one id, whose count grows.
 */
#ifndef MODEL_FINDING_H
#define MODEL_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
	FINDING_ID = 36,		   /* a UUID */
	FINDING_KEY = 64,		   /* SHA-256, in hexadecimal */
	FINDING_LINEAGE = 16,		   /* ancestors that are kept */
	FINDING_TAGS = 64,		   /* tags that are kept */
	FINDING_SEVERITY_MAX = 100,	   /* tenths: 10.0 */
	FINDING_JSON_MAX = 1024 * 1024,	   /* bytes of the JSON form */
	FINDING_EVIDENCE_MAX = 512 * 1024, /* bytes of the evidence in it */
};

struct finding_process {
	uint64_t pid;
	const char *name, *exe, *cmdline; /* NULL: not known */
};

/* Strings are borrowed or lie in the arena; NULL where nothing is known. */
struct finding {
	char id[FINDING_ID + 1], key[FINDING_KEY + 1];
	const char *type;  /* as GuardDuty names them: "Execution:Runtime/ReverseShell" */
	unsigned severity; /* tenths, 0 … FINDING_SEVERITY_MAX */
	const char *title, *description, *remedy;
	const char *rule, *priority, *source; /* as the rule language has them */
	const char *technique;		      /* of MITRE ATT&CK: "T1059", "T1003.008" */
	const char *tags[FINDING_TAGS];
	size_t tags_n;
	const char *hostname;
	uint64_t first_seen, last_seen; /* ns since 1970 */
	uint64_t count;

	struct {
		const char *id, *name, *image, *pod, *namespace;
		const char *missing; /* why something of it is not known */
	} container;		     /* id NULL: the host */
	struct finding_process process;
	const char *user;
	int64_t uid, loginuid;				 /* -1: not known, nobody */
	struct finding_process lineage[FINDING_LINEAGE]; /* the parent first */
	size_t lineage_n;

	const char *output;   /* one line of text */
	const char *capture;  /* the file with the events from then on; NULL: none */
	const char *evidence; /* a JSON object: the fields of the rule's output */
	bool further;	   /* stands for many of its rule, container and program: finding_dedup.h */
	bool has_distinct; /* not in the JSON form, as the next: its rule says how many that differ
			      are told (finding_dedup.h) */
	unsigned distinct;
	bool apart;  /* not in the JSON form: never taken together with others like that */
	bool is_new; /* not in the JSON form: repeats none of its window */
	struct arena arena;
};

struct finding *finding_new(void);
void finding_free(struct finding *f);

static inline void finding_free_p(struct finding **f)
{
	finding_free(*f);
}
#define cleanup_finding cleanup(finding_free_p)

/*
 * Sets the key from rule, hostname, container (pod, or name, or id; and image) and executable, and
 * from `essence`: what else tells findings of one rule apart (a file, a server's address). NULL:
 * nothing does.
 */
void finding_set_key(struct finding *f, const char *essence);
/* The same without any essence: that of all findings of its rule, container and program. */
void finding_group_key(const struct finding *f, char key[FINDING_KEY + 1]);
/* Makes it the one that stands for further ones of its group: another key, and it says so. */
void finding_set_further(struct finding *f);
/* A version 8 UUID (RFC 9562) made from key and first_seen. */
void finding_set_id(struct finding *f);
/* A command line as essence: numbers in it do not count. Appended. */
void finding_put_essence(struct buf *b, const char *cmdline);

/* The JSON form in one line, without newline. */
void finding_write(const struct finding *f, struct buf *out);
/*
 * The members that Falco prints and falcosidekick reads, the id as "uuid"
 * (falcosecurity/falcosidekick, types/types.go).
 */
void finding_write_falco(const struct finding *f, struct buf *out);
/* Reads the JSON form; *out is for finding_free. `name` is what errors call the text. */
int finding_read(struct finding **out, const char *name, const char *text, size_t len,
		 struct err *e);

/* RFC 3339 in UTC with nanoseconds. */
void finding_put_time(struct buf *out, uint64_t ns);
/* The same back; also without fraction. -EINVAL when it is none. */
int finding_parse_time(const char *text, uint64_t *ns);

/*
 * What follows from a rule's name, its priority (Falco's, 0 is Emergency) and its tags. Tags that
 * count: "mitre_TACTIC", "T1059" or "T1059.004", "severity_7.5", and a type
 * ("Execution:Runtime/X").
 */
void finding_classify(struct finding *f, unsigned priority);
/* What to do, by the purpose that begins the type. Never NULL. */
const char *finding_remedy(const char *type);
/* "low", "medium", "high", "critical": GuardDuty's ranges, "info" below 1.0. */
const char *finding_severity_name(unsigned severity);
/* "7", "7.5" or a name (its lowest) in tenths; -1 when it is neither. */
int finding_parse_severity(const char *text);

#endif
