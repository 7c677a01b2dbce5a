/*
 * The workload model: what one workload was seen (or computed) to do. Recorders and importers fill
 * it, merging joins several, and every generator, verifier and detector reads it.
 * The file format is described in docs/workload-model.md.
 *
 * Ownership: everything below a struct workload belongs to it and goes with wl_free(). Strings that
 * are passed in are copied. Pointers to elements (struct wl_syscall * …) are valid until the next
 * call that adds to the same list.
 */
#ifndef MODEL_WORKLOAD_H
#define MODEL_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "model/syscalls.h"

#define WL_FORMAT   "boltseal.workload/2"
/* Files of this older format are read too; wl_read() says in terms of the new one what they mean.
 */
#define WL_FORMAT_1 "boltseal.workload/1"

/* Limits on what a file or a recording may hold; beyond them: an error, or a counted loss. */
enum {
	WL_MAX_BYTES = 64 * 1024 * 1024, /* of one model file */
	WL_MAX_FILES = 200000,
	WL_MAX_SOURCES = 10000,
	WL_MAX_PROGRAMS = 4096,
	WL_MAX_ARGS = 3,    /* recorded arguments of one call */
	WL_MAX_LOSSES = 64, /* kinds of loss of one source */
	WL_MAX_PATH = 8192, /* bytes of a path or pattern; PATH_MAX is 4096 */
};

/* When something happened, as bits of a mask; names in JSON: "runtime" … "serving". */
enum wl_phase {
	WL_RUNTIME, /* the container runtime prepares the container (before its filter) */
	WL_SEALED,  /* the runtime after it installed the seccomp filter, up to the execve */
	WL_START,   /* the program starts */
	WL_SERVING, /* from the first wait for requests after a listen(2) or datagram bind(2) */
	WL_PHASE_COUNT
};
#define WL_PHASE_BIT(p)	  (1u << (p))
/* The phases in which the program itself runs, which is what a profile has to allow. */
#define WL_PROGRAM_PHASES (WL_PHASE_BIT(WL_START) | WL_PHASE_BIT(WL_SERVING))

/* A sorted set of small numbers: indices of programs or of sources. */
struct wl_set {
	uint32_t *v;
	size_t n, cap;
};

/* Provenance: in which phases, by which programs, and seen by which sources. */
struct wl_prov {
	uint32_t phases;
	struct wl_set programs; /* indices into workload.programs */
	struct wl_set sources;	/* indices into workload.sources */
};

enum wl_source_kind {
	WL_EBPF,
	WL_PTRACE,
	WL_STATIC, /* analysis of code: names of calls, seldom their arguments */
	WL_IMPORT, /* a log of another tool */
	WL_POLICY, /* what a policy allows, all of it meant so */
	WL_SOURCE_KIND_COUNT
};

struct wl_loss {
	const char *what; /* "files", "arguments", "programs" … */
	uint64_t count;
};

/* One recording, analysis or import that contributed. */
struct wl_source {
	enum wl_source_kind kind;
	const char *target;  /* "command nginx -g …", "container web", "pid 12" */
	const char *started; /* RFC 3339, UTC */
	const char *ended;
	const char *kernel;  /* uname -r */
	const char *version; /* boltseal's */
	uint64_t runs;	     /* starts of the workload that it covers */
	bool complete;
	/*
	 * By its nature only a part: what a profile refused, or would have refused in complain
	 * mode. Such a source completes a recording and is none.
	 */
	bool supplement;
	const char *incomplete_reason; /* NULL when complete */
	struct wl_loss *loss;	       /* what was lost and how often, by ascending `what` */
	size_t loss_n, loss_cap;
};

struct wl_identity {
	const char *name;    /* container name, or the command's base name */
	const char *image;   /* reference, NULL when there is none */
	const char *digest;  /* of the image, "sha256:…" */
	const char *runtime; /* "runc", "crun" or NULL */
	const char *arch;    /* "x86_64", "aarch64" */
	const char **entrypoint;
	size_t entrypoint_n;
};

struct wl_program {
	const char *path;	 /* as seen inside the container; "" when unknown */
	const char *interpreter; /* ELF interpreter or script interpreter, NULL */
	struct wl_set parents;	 /* indices of the programs that executed it */
	struct wl_set sources;
};

/*
 * One distinct combination of argument values that were seen; or, with `rule`, a condition of a
 * policy: (argument & mask) == value for each index, in terms of what is in the registers.
 */
struct wl_call {
	uint8_t n;
	bool rule;
	uint8_t index[WL_MAX_ARGS];
	uint64_t value[WL_MAX_ARGS];
	uint64_t mask[WL_MAX_ARGS]; /* without `rule`: all bits */
	struct wl_prov prov;
};

struct wl_syscall {
	enum sc_abi abi;
	const struct sc_desc *desc; /* NULL: a number that this version does not know */
	uint32_t nr;		    /* the number, for unknown ones; x32 without its bit */
	struct wl_prov prov;
	struct wl_call *calls; /* empty: arguments do not matter or were not seen */
	/*
	 * With `calls`: who made or knows the call with arguments that are not among them. Part of
	 * `prov`. See wl_open_prov().
	 */
	struct wl_prov any;
	size_t calls_n, calls_cap;
	struct map calls_index;
};

enum wl_cap_result { WL_CAP_GRANTED, WL_CAP_REFUSED, WL_CAP_RESULT_COUNT };

/* One place in which a capability was checked. */
struct wl_cap_use {
	const char *syscall;  /* "" when outside a system call */
	const char *function; /* kernel function that asked, "" when unknown */
	bool speculative;     /* an unaudited probe of the kernel: refusing it changes nothing */
	bool inferred;	      /* concluded from a call and its result, not seen at the check */
	struct wl_prov prov;
};

struct wl_cap {
	unsigned nr;
	enum wl_cap_result result;
	struct wl_cap_use *uses;
	size_t uses_n, uses_cap;
};

/* Accesses to a path, as bits. */
enum {
	WL_F_READ = 1 << 0,
	WL_F_WRITE = 1 << 1,
	WL_F_APPEND = 1 << 2, /* opened with O_APPEND for writing */
	WL_F_CREATE =
		1 << 3, /* O_CREAT on a new file, mkdir, mknod, symlink, target of rename/link */
	WL_F_DELETE = 1 << 4, /* unlink, rmdir, source of a rename */
	WL_F_EXEC = 1 << 5,
	WL_F_MAP = 1 << 6, /* mapped executable */
	WL_F_LOCK = 1 << 7,
	WL_F_LINK = 1 << 8,	/* hard link to it */
	WL_F_META = 1 << 9,	/* chmod, chown, utimes, setxattr */
	WL_F_MISSING = 1 << 10, /* looked for, not there (ENOENT, ENOTDIR) */
	WL_F_REFUSED = 1 << 11, /* looked for, access refused (EACCES, EPERM, EROFS) */
	WL_F_CHDIR = 1 << 12,
	WL_F_MOUNT = 1 << 13, /* source or target of a mount */
	WL_F_BITS = 14
};

/*
 * `path` is absolute inside the container; a directory ends in "/". With `pattern` it is a pattern:
 * `*` any characters but "/", `**` any characters, `@{pid}` a process id, and "\" before a literal
 * one of `* @ \`. Without `pattern` every character stands for itself. A `*` or `**` that is a
 * whole name ("/a/ *", "/a/ ** /b" without the blanks) stands for at least one character, as in
 * AppArmor.
 */
struct wl_file {
	const char *path;
	bool pattern;
	uint32_t access;
	struct wl_prov prov;
};

enum wl_net_op { WL_NET_LISTEN, WL_NET_BIND, WL_NET_CONNECT, WL_NET_SEND, WL_NET_OP_COUNT };

struct wl_net {
	enum wl_net_op op;
	uint16_t family;     /* AF_* */
	uint16_t type;	     /* SOCK_*, 0 unknown */
	uint16_t protocol;   /* IPPROTO_*, 0 unknown or default */
	uint16_t port;	     /* host byte order; 0 for unix sockets and wild cards */
	const char *address; /* numeric address; path or "@name" of a unix socket; "" none */
	struct wl_prov prov;
};

struct workload {
	struct arena arena; /* owns every string but the paths of files */
	struct arena paths; /* which come and go when names are generalised */
	struct wl_identity identity;
	struct wl_source *sources;
	size_t sources_n, sources_cap;
	struct wl_program *programs;
	size_t programs_n, programs_cap;
	struct wl_syscall *syscalls;
	size_t syscalls_n, syscalls_cap;
	struct wl_cap *caps;
	size_t caps_n, caps_cap;
	struct wl_file *files;
	size_t files_n, files_cap;
	struct wl_net *nets;
	size_t nets_n, nets_cap;
	const char
		*sequences; /* text of the reserved JSON object, kept as it was read; NULL: none */
	struct map strings, program_index, syscall_index, cap_index, file_index, net_index;
};

void wl_init(struct workload *w);
void wl_free(struct workload *w);
#define cleanup_workload cleanup(wl_free)

/* An interned copy of the string that lives as long as the model. NULL stays NULL. */
const char *wl_string(struct workload *w, const char *s);

/* Sets. */
void wl_set_add(struct wl_set *s, uint32_t v);
bool wl_set_has(const struct wl_set *s, uint32_t v);
/* Adds phase, program and source to a provenance; a negative program or source is left out. */
void wl_prov_add(struct wl_prov *p, uint32_t phases, int program, int source);
/* Adds all of `from`, of the same model. */
void wl_prov_join(struct wl_prov *into, const struct wl_prov *from);

/* Index of the program, -1 when absent. */
int wl_program_find(const struct workload *w, const char *path);

/*
 * Whether nobody saw the program run: analyses of code alone know it, as one that another program
 * executes by name, and none of them looked into it.
 */
bool wl_program_only_named(const struct workload *w, uint32_t program);

/* Adding: each finds the element with this key or makes it. */
int wl_source_add(struct workload *w, enum wl_source_kind kind); /* index of a new source */
void wl_loss_add(struct workload *w, int source, const char *what, uint64_t count);
int wl_program_add(struct workload *w, const char *path); /* index; -E2BIG beyond the limit */
struct wl_syscall *wl_syscall_add(struct workload *w, enum sc_abi abi, uint32_t nr);
struct wl_syscall *wl_syscall_add_name(struct workload *w, enum sc_abi abi,
				       const struct sc_desc *desc);
struct wl_call *wl_call_add(struct wl_syscall *s, unsigned n, const uint8_t *index,
			    const uint64_t *value);
/* A condition; `value` has no bit outside of `mask`, which is not 0. */
struct wl_call *wl_rule_add(struct wl_syscall *s, unsigned n, const uint8_t *index,
			    const uint64_t *mask, const uint64_t *value);
struct wl_cap_use *wl_cap_add(struct workload *w, unsigned nr, enum wl_cap_result result,
			      const char *syscall, const char *function, bool speculative,
			      bool inferred);
/*
 * NULL beyond WL_MAX_FILES, and for a path that is not absolute, is longer than WL_MAX_PATH or, as
 * a pattern, not a valid one: the caller counts a loss.
 */
struct wl_file *wl_file_add(struct workload *w, const char *path, bool pattern, uint32_t access);
struct wl_net *wl_net_add(struct workload *w, enum wl_net_op op, uint16_t family, uint16_t type,
			  uint16_t protocol, const char *address, uint16_t port);

/* Finding, NULL when absent. `name` is the system call's. */
const struct wl_syscall *wl_syscall_find(const struct workload *w, enum sc_abi abi,
					 const char *name);
/* Whether any use of the capability in one of `phases` was granted and is not just speculative. */
bool wl_cap_needed(const struct workload *w, unsigned nr, uint32_t phases);
/*
 * Who makes or knows the call with arguments that the model does not have; added to *out, which
 * wl_prov_free() releases. Of a call without argument sets: everybody. Otherwise `any`, and sources
 * and phases that none of the sets has.
 */
void wl_open_prov(const struct wl_syscall *s, struct wl_prov *out);
void wl_prov_free(struct wl_prov *p);
#define cleanup_prov cleanup(wl_prov_free)
/*
 * Of calls that recordings have with all arguments, forgets what an analysis of code alone says of
 * them: those arguments count. Appends the names, one a line.
 */
void wl_prefer_recorded(struct workload *w, struct buf *names);
/*
 * Whether any source says that it is not complete or lost something, or all are supplements. A
 * model without sources is complete.
 */
bool wl_incomplete(const struct workload *w);

const char *wl_phase_name(enum wl_phase p);
int wl_phase_parse(const char *name); /* -1 unknown */
const char *wl_source_kind_name(enum wl_source_kind k);
const char *wl_net_op_name(enum wl_net_op op);
const char *wl_cap_result_name(enum wl_cap_result r); /* "granted", "refused" */
const char *wl_access_name(unsigned bit);	      /* 0 … WL_F_BITS-1 */

/*
 * Sorts every list by its key, so that equal models have equal bytes, and makes `any` of each call
 * what wl_open_prov() says. Indices of programs and
 * sources change (sources are sorted by start), and pointers to elements are no longer valid.
 */
void wl_sort(struct workload *w);

/*
 * workload_json.c, workload_read.c: the file format. wl_write sorts first (see wl_sort); the text
 * ends in a newline. wl_save refuses what would be larger than WL_MAX_BYTES, which wl_load could
 * not read (-EFBIG).
 */
void wl_write(struct workload *w, struct buf *out);
/* Reads a model from a parsed document; `w` holds nothing before. On error the model is empty. */
int wl_read(struct workload *w, const struct json_doc *d, struct err *e);
/* File in ("-" standard input) and out (one step; see io_write_file). */
int wl_load(struct workload *w, const char *path, struct err *e);
int wl_save(struct workload *w, const char *path, struct err *e);

/*
 * workload_merge.c: adds everything of `from` to `into`; sources, programs and provenance are kept
 * and renumbered. A source of `from` that equals one of `into` in every field is that source, so
 * merging a model twice changes nothing. Models of different architectures are refused (-EINVAL),
 * as is a result beyond the limits above (-E2BIG); `into` is unchanged then. Identity fields on
 * which the two differ (image and digest count as one), and `sequences`, keep the value of `into`;
 * `into` without a value takes that of `from`. Of two interpreters of one program the one that
 * sorts first stays.
 */
int wl_merge(struct workload *into, const struct workload *from, struct err *e);

/*
 * generalise.c: replaces names that change from run to run by patterns: process ids below /proc,
 * directories in which names come and go. Keeps every access and all provenance.
 */
void wl_generalise(struct workload *w);
/* pattern.c. Whether a path (no pattern) is covered by the file entry. Time: length of path times
 * pattern. */
bool wl_file_matches(const struct wl_file *f, const char *path);
/* Whether the text is a pattern as struct wl_file describes it. */
bool wl_pattern_valid(const char *pattern);
/* What stands in front of its first wild card, without escapes. Caller frees. */
char *wl_pattern_prefix(const char *pattern);

#endif
