/*
 * One event, as rules see it: a type with the name that Falco's rules use for it, a time, and
 * fields that are read when a rule asks for them. Whoever makes events (the sensor with its process
 * table, a log reader, a test) supplies `read`; nothing is computed that no rule wants.
 *
 * A system call is one event, at its exit; its type is the call's name. Where a field's value is
 * settled at entry (the path of an open) the maker of the event has both and decides. Types, fields
 * and their meaning: falcosecurity/libs 0.25, userspace/libsinsp and driver/event_table.c.
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What values of a kind are to operators and transformers. */
enum ev_class {
	EV_C_SIGNED,
	EV_C_UNSIGNED,
	EV_C_DOUBLE,
	EV_C_BOOL,
	EV_C_STRING, /* bytes up to the first NUL */
	EV_C_BYTES,
	EV_C_ADDR,
	EV_C_NET,     /* an address that is compared with networks */
	EV_C_OPAQUE,  /* only `exists` */
	EV_C_DYNAMIC, /* decided by the argument: evt.rawarg.NAME */
};

/* X(constant and name, class, bits that a literal has) */
#define EV_KINDS(X)                   \
	X(INT8, EV_C_SIGNED, 8)       \
	X(INT16, EV_C_SIGNED, 16)     \
	X(INT32, EV_C_SIGNED, 32)     \
	X(INT64, EV_C_SIGNED, 64)     \
	X(UINT8, EV_C_UNSIGNED, 8)    \
	X(UINT16, EV_C_UNSIGNED, 16)  \
	X(UINT32, EV_C_UNSIGNED, 32)  \
	X(UINT64, EV_C_UNSIGNED, 64)  \
	X(FD, EV_C_SIGNED, 64)        \
	X(PID, EV_C_SIGNED, 64)       \
	X(ERRNO, EV_C_SIGNED, 64)     \
	X(PORT, EV_C_UNSIGNED, 16)    \
	X(FLAGS16, EV_C_UNSIGNED, 16) \
	X(FLAGS32, EV_C_UNSIGNED, 32) \
	X(ENUM16, EV_C_UNSIGNED, 16)  \
	X(ENUM32, EV_C_UNSIGNED, 32)  \
	X(MODE, EV_C_UNSIGNED, 32)    \
	X(RELTIME, EV_C_UNSIGNED, 64) \
	X(ABSTIME, EV_C_UNSIGNED, 64) \
	X(DOUBLE, EV_C_DOUBLE, 64)    \
	X(BOOL, EV_C_BOOL, 1)         \
	X(CHARBUF, EV_C_STRING, 0)    \
	X(FSPATH, EV_C_STRING, 0)     \
	X(FSRELPATH, EV_C_STRING, 0)  \
	X(BYTEBUF, EV_C_BYTES, 0)     \
	X(IPADDR, EV_C_ADDR, 0)       \
	X(IPNET, EV_C_NET, 0)         \
	X(SOCKADDR, EV_C_OPAQUE, 0)   \
	X(SOCKTUPLE, EV_C_OPAQUE, 0)  \
	X(SIGTYPE, EV_C_UNSIGNED, 8)  \
	X(UID, EV_C_OPAQUE, 0)        \
	X(GID, EV_C_OPAQUE, 0)        \
	X(DYNAMIC, EV_C_DYNAMIC, 0)

enum ev_kind {
#define EV_KIND_ENUM(name, class, bits) EV_##name,
	EV_KINDS(EV_KIND_ENUM)
#undef EV_KIND_ENUM
		EV_KIND_COUNT
};

const char *ev_kind_name(enum ev_kind k);
enum ev_class ev_kind_class(enum ev_kind k);
unsigned ev_kind_bits(enum ev_kind k);

struct ev_text {
	const char *p;
	size_t len;
};

struct ev_addr {
	uint8_t len; /* 4 or 16 bytes that count */
	uint8_t b[16];
};

struct ev_value {
	union {
		int64_t i;
		uint64_t u; /* unsigned numbers, bool */
		double d;
		struct ev_text s; /* strings and bytes */
		struct ev_addr a;
	};
};

/* What a field has for one event. Usually v is &one; a list has any number, none included. */
struct ev_values {
	const struct ev_value *v;
	size_t n;
	struct ev_value one;
};

/* Event types: small numbers, fixed in one build, by name elsewhere. */
#define EV_TYPE_MAX 640u
enum { EV_SET_WORDS = EV_TYPE_MAX / 64 };

struct ev_set {
	uint64_t w[EV_SET_WORDS];
};

size_t ev_type_count(void);
/* NULL beyond the last. */
const char *ev_type_name(unsigned type);
/* -1 when there is none. "pread" and "pwrite" are pread64 and pwrite64. */
int ev_type_by_name(const char *name);
/* Whether the type is a system call, not a record of something else. */
bool ev_type_is_syscall(unsigned type);

static inline bool ev_set_has(const struct ev_set *s, unsigned type)
{
	return s->w[type / 64] >> (type % 64) & 1;
}

static inline void ev_set_add(struct ev_set *s, unsigned type)
{
	s->w[type / 64] |= UINT64_C(1) << (type % 64);
}

unsigned ev_set_size(const struct ev_set *s);

/* Parameters: evt.arg.NAME, evt.arg[N]. The tables of some types are known (event_params.c). */
struct ev_param {
	char name[24];
	enum ev_kind kind;
};

/* The n-th parameter of a type; false beyond the last, or when the type's are not known. */
bool ev_param_at(unsigned type, unsigned n, struct ev_param *out);
/* The number of the parameter; -1: the type has none of this name; -2: its are not known. */
int ev_param_index(unsigned type, const char *name, size_t len);
/* The kind of the first parameter of this name in any type; -1 when there is none. */
int ev_param_kind(const char *name, size_t len);
/* The number of the call's argument that a parameter is; -1: it is none. */
int ev_param_arg(unsigned type, const char *name);

struct ev_field; /* event_fields.h */

enum ev_arg_kind {
	EV_ARG_NONE,
	EV_ARG_INDEX, /* proc.aname[2] */
	EV_ARG_KEY,   /* proc.env[HOME], evt.arg.flags */
};

/* What a rule wants to know: a field with its argument. Strings live as long as the rules. */
struct ev_ref {
	const struct ev_field *field;
	enum ev_arg_kind arg;
	int64_t index;
	struct ev_text key;
	enum ev_kind kind; /* the field's, or what its argument makes of it */
};

struct event;

struct event_ops {
	/*
	 * The field's values: false when it has none for this event (which is not the same as an
	 * empty string or an empty list). What `out` points to stays until the event is over.
	 * Called at most once for each reference and event; must not allocate.
	 */
	bool (*read)(const struct event *ev, const struct ev_ref *ref, struct ev_values *out);
};

enum ev_source { EV_SYSCALL, EV_K8S_AUDIT, EV_AWS_CLOUDTRAIL, EV_SOURCE_COUNT };

const char *ev_source_name(enum ev_source s);
/* -1 when there is none. */
int ev_source_by_name(const char *name);

/*
 * The common part, first in whatever the maker of events has. evt.num, evt.type, evt.source and
 * the times are read from here, everything else through `ops`.
 */
struct event {
	const struct event_ops *ops;
	uint64_t num;  /* from 1 */
	uint64_t time; /* ns since 1970 */
	/* ns since the machine started: spans of time are measured with it, whoever sets the clock
	 */
	uint64_t uptime;
	/*
	 * Whose event it is, in a certain state: events with the same number have the same values
	 * in all fields with EV_WHO. Numbers are not used again. 0: nobody says.
	 */
	uint64_t who;
	uint16_t type;
	uint8_t source;
};

#endif
