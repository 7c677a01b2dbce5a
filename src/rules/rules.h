/*
 * Detection rules: files in, a compiled set out, which says of events which rules they fire. The
 * language is Falco's, with three keys of our own (count, sequence, respond); docs/rules.md.
 *
 *	rules_new → rules_load_file … → rules_compile → rules_engine_new → rules_engine_event …
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "model/event_fields.h"

/* The version of the engine that rules files may require. */
#define RULES_ENGINE_MAJOR 0
#define RULES_ENGINE_MINOR 63
#define RULES_ENGINE_PATCH 0

/* X(constant behind RC_ and name behind LOAD_, what it means, is an error). Names as Falco's. */
#define RULES_CODES(X)                                                                        \
	X(ERR_FILE_READ, "File read error", true)                                             \
	X(ERR_YAML_PARSE, "YAML parse error", true)                                           \
	X(ERR_YAML_VALIDATE, "Error validating internal structure of YAML file", true)        \
	X(ERR_COMPILE_CONDITION, "Error compiling condition", true)                           \
	X(ERR_COMPILE_OUTPUT, "Error compiling output", true)                                 \
	X(ERR_VALIDATE, "Error validating rule/macro/list/exception objects", true)           \
	X(ERR_EXTENSION, "Error in extension item", true)                                     \
	X(UNKNOWN_SOURCE, "Unknown event source", false)                                      \
	X(UNSAFE_NA_CHECK, "Unsafe <NA> comparison in condition", false)                      \
	X(NO_EVTTYPE, "Condition has no event-type restriction", false)                       \
	X(UNKNOWN_FILTER, "Unknown field or event-type in condition or output", false)        \
	X(UNUSED_MACRO, "Unused macro", false)                                                \
	X(UNUSED_LIST, "Unused list", false)                                                  \
	X(UNKNOWN_ITEM, "Unknown rules file item", false)                                     \
	X(DEPRECATED_ITEM, "Used deprecated item", false)                                     \
	X(WARNING_EXTENSION, "Warning in extension item", false)                              \
	X(APPEND_NO_VALUES, "Overriding/appending with no values", false)                     \
	X(EXCEPTION_NAME_NOT_UNIQUE, "Multiple exceptions defined with the same name", false) \
	X(INVALID_MACRO_NAME, "Invalid macro name", false)                                    \
	X(INVALID_LIST_NAME, "Invalid list name", false)                                      \
	X(COMPILE_CONDITION, "Warning in rule condition", false)                              \
	X(UNKNOWN_KEY, "Unknown key in item definition", false)

enum rules_code {
#define RULES_CODE_ENUM(id, text, error) RC_##id,
	RULES_CODES(RULES_CODE_ENUM)
#undef RULES_CODE_ENUM
		RC_COUNT
};

const char *rules_code_name(enum rules_code c); /* "LOAD_NO_EVTTYPE" */
bool rules_code_is_error(enum rules_code c);

struct rules_diag {
	enum rules_code code;
	const char *file;
	unsigned line, column; /* from 1 */
	const char *item;      /* "rule 'X'", "" outside of items */
	const char *message;
	const char *source_line; /* the line of the file, without its end */
};

enum rules_priority {
	RP_EMERGENCY,
	RP_ALERT,
	RP_CRITICAL,
	RP_ERROR,
	RP_WARNING,
	RP_NOTICE,
	RP_INFORMATIONAL,
	RP_DEBUG,
	RP_COUNT
};

const char *rules_priority_name(enum rules_priority p);
/* In any case; "Info" too. -1 when there is none. */
int rules_priority_by_name(const char *name);

/* What `respond:` may ask for, besides "alert", which is nothing; bits in rule_info.respond. */
#define RULES_ACTIONS(X)                    \
	X(KILL, "kill")                     \
	X(KILL_CONTAINER, "kill-container") \
	X(FREEZE, "freeze")                 \
	X(BLOCK_NETWORK, "block-network")   \
	X(BLOCK_EXEC, "block-exec")         \
	X(QUARANTINE, "quarantine")

enum rules_action {
#define RULES_ACTION_ENUM(id, name) RA_##id,
	RULES_ACTIONS(RULES_ACTION_ENUM)
#undef RULES_ACTION_ENUM
		RA_COUNT
};

const char *rules_action_name(enum rules_action a);

/* A rule of a compiled set. Strings belong to the set. */
struct rule_info {
	const char *name, *desc, *output; /* output: as written, trimmed */
	const char *condition;		  /* with lists and exceptions in place */
	enum rules_priority priority;
	enum ev_source source;
	const char *const *tags; /* sorted */
	size_t tags_n;
	bool enabled;
	bool capture;
	const char *false_positives; /* NULL: says nothing of them */
	uint64_t capture_duration;   /* ms */
	bool has_distinct;	     /* it says how many findings that differ are told */
	uint64_t distinct;	     /* that number; 0: all */
	unsigned respond;	     /* 1u << enum rules_action */
	const char *file;
	unsigned line, column;
	struct ev_set types;	  /* for which it can fire */
	struct ev_set step_types; /* that the steps of its sequence ask for */
	bool dropped;		  /* of an unknown source, or unknown fields skipped: never fires */
};

struct rules_options {
	const struct ev_fields *fields; /* further fields, or NULL; must stay */
	unsigned sources; /* 1u << enum ev_source: those besides syscall whose fields they are */
	int min_priority; /* rules less severe than this do not fire; RP_DEBUG: all */
	bool container_output; /* appends container and pod to every output, as Falco */
};

struct rules;

struct rules *rules_new(const struct rules_options *o);
void rules_free(struct rules *r);

/*
 * Adds a file; later ones may append to and replace what earlier ones define. Its first error ends
 * it and is among the diagnostics; returns -EINVAL then.
 */
int rules_load_file(struct rules *r, const char *path);
int rules_load_text(struct rules *r, const char *name, const char *text, size_t len);
/*
 * Outputs in files that are added from now on leave out what the event does not have, " KEY=<NA>",
 * also of container_output. Not so at first: Falco's rules print everything.
 */
void rules_set_brief(struct rules *r, bool brief);
/* Once, after the last file. -EINVAL when there is an error among the diagnostics. */
int rules_compile(struct rules *r);

/* In the order in which they were found. */
const struct rules_diag *rules_diags(const struct rules *r, size_t *n);
/* Rules in the order of evaluation; of a compiled set. */
size_t rules_count(const struct rules *r);
const struct rule_info *rules_at(const struct rules *r, size_t i);
/* The index of the rule of this name, or -1. */
long rules_find(const struct rules *r, const char *name);
size_t rules_list_count(const struct rules *r);
size_t rules_macro_count(const struct rules *r);

/* Whether the field stands in a condition or an output. */
bool rules_use(const struct rules *r, enum ev_field_id id);

/*
 * Tells of the names that conditions of active rules compare names of addresses with (fd.sip.name
 * and its like), some more than once.
 */
typedef void rules_name_fn(struct ev_text name, void *arg);
void rules_names(const struct rules *r, rules_name_fn *take, void *arg);

/* What the rule compiled to, for people: condition, event types, needs of the kernel, code. */
void rules_explain(const struct rules *r, size_t i, struct buf *out);

/* Types of events that some enabled rule wants. */
struct ev_set rules_wanted(const struct rules *r, enum ev_source source);

/*
 * What a filter in the kernel may ask of events of one type, so that no event is dropped that could
 * fire a rule: an event that does not meet it need not be sent.
 */
enum rules_need_result { NEED_SUCCESS = 1, NEED_FAILURE = 2, NEED_ANY_RESULT = 3 };
enum rules_need_open { NEED_READ = 1, NEED_WRITE = 2, NEED_ANY_OPEN = 7 }; /* 4: neither */
enum rules_need_where { NEED_HOST = 1, NEED_CONTAINER = 2, NEED_ANYWHERE = 3 };
enum rules_need_family { NEED_IPV4 = 1, NEED_IPV6 = 2, NEED_ANY_FAMILY = 7 }; /* 4: others */

/* What a text is compared with: fd.name, fd.nameraw, proc.name, or a name that the call was given
 * (of prctl(2)). */
enum rules_need_subject { NEED_PATH, NEED_RAW_PATH, NEED_COMM, NEED_GIVEN };
enum rules_need_place {
	NEED_WHOLE,
	NEED_PREFIX,
	NEED_SUFFIX,
	NEED_PART,
	NEED_INSIDE, /* a folder: it, and what begins with it and a slash */
	NEED_LAST,   /* the last component of a path */
};

struct rules_need_text {
	const char *text; /* not empty */
	uint8_t subject, place;
};

enum {
	RULES_NEED_TEXTS = 128,
	RULES_NEED_GROUPS = 4,
	RULES_NEED_NETS = 8,
	RULES_NEED_PORTS = 16,
	RULES_NEED_RULES = 16, /* needs that stand beside each other */
};

/* Texts of which one has to hold. */
struct rules_need_group {
	struct rules_need_text v[RULES_NEED_TEXTS];
	size_t n;
};

struct rules_need_net {
	uint8_t addr[4], bits;
};

/* An argument of the call: has one of the bits of `any`, when there are any; those of `mask` as in
 * `value`; and its lower 32 bits are the number of one of the bits of `numbers`, when there are
 * any.
 */
struct rules_need_arg {
	int8_t arg; /* its number */
	bool asked; /* false: it may be anything */
	unsigned type;
	uint64_t any, mask, value, numbers;
};

struct rules_need {
	bool wanted; /* false: no rule wants events of this type */
	unsigned result, open, where, family;
	struct rules_need_arg arg;
	uint64_t results; /* results 0 to 63, as bits; 0: any */
	struct rules_need_group groups[RULES_NEED_GROUPS];
	size_t groups_n; /* all of them have to hold */
	/* IPv4 networks: when both ends of the connection are in one of them, the rule is false. */
	struct rules_need_net nets[RULES_NEED_NETS];
	size_t nets_n;
	uint16_t ports[RULES_NEED_PORTS]; /* of either end of a connection */
	size_t ports_n;			  /* 0: any */
};

/*
 * Of all enabled rules: the event need be sent when one of the needs holds. Those that another one
 * covers are left out, and when there are more than RULES_NEED_RULES the last stands for the rest.
 * Returns how many; 0: no rule wants events of this type.
 */
size_t rules_needs(const struct rules *r, enum ev_source source, unsigned type,
		   struct rules_need out[RULES_NEED_RULES]);
/* Of one rule, and of the steps of its sequence, together. */
void rules_needs_of(const struct rules *r, size_t rule, unsigned type, struct rules_need *out);
void rules_need_print(const struct rules_need *n, struct buf *out);

/* Evaluation: one engine for one thread; the set must stay. */
struct rules_engine;

struct rules_engine_options {
	bool match_all;	 /* every rule that is true fires, not only the first */
	size_t keys_max; /* of each count and sequence; 0: RULES_KEYS_DEFAULT */
	/*
	 * The engine that this one takes the place of, or NULL: counts and sequences of rules that
	 * have not changed go on, and so do the numbers of rules_engine_get_stats. It is of no
	 * more use then but for rules_engine_free.
	 */
	struct rules_engine *before;
};

enum { RULES_KEYS_DEFAULT = 4096, RULES_FIRED_MAX = 64 };

struct rules_engine_stats {
	uint64_t events, fired;
	uint64_t scratch_full;	/* values left out: transformers wanted too much memory */
	uint64_t regex_gave_up; /* matches that were too costly and counted as none */
	uint64_t keys_evicted;	/* counts and sequences forgotten for newer keys */
	uint64_t fired_lost;	/* beyond RULES_FIRED_MAX for one event */
};

struct rules_engine *rules_engine_new(const struct rules *r, const struct rules_engine_options *o);
void rules_engine_free(struct rules_engine *g);
/*
 * Evaluates an event: the number of rules that fired, their indices in *fired until the next
 * event. Allocates nothing.
 */
size_t rules_engine_event(struct rules_engine *g, const struct event *ev, const uint32_t **fired);
/*
 * The last event once more, with other values: what became true the first time does so no more, be
 * it a rule or a part of a count or a sequence.
 */
size_t rules_engine_again(struct rules_engine *g, const struct event *ev, const uint32_t **fired);
void rules_engine_get_stats(const struct rules_engine *g, struct rules_engine_stats *out);

/* A rule's output for the event that was evaluated last. Allocates. */
void rules_engine_text(struct rules_engine *g, size_t rule, struct buf *out);
/* Its fields as members of a JSON object, with the braces. */
void rules_engine_fields(struct rules_engine *g, size_t rule, struct buf *out);

#endif
