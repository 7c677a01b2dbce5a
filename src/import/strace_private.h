/* What the files of the strace importer share: strace*.c only. */
#ifndef IMPORT_STRACE_PRIVATE_H
#define IMPORT_STRACE_PRIVATE_H

#include "base/map.h"
#include "import/import.h"
#include "import/strace_line.h"
#include "model/capture.h"

enum {
	ST_MAX_TASKS = 65536,	      /* processes at one time */
	ST_MAX_FDS = 1024 * 1024,     /* known descriptors of all of them */
	ST_MAX_PENDING = 1024 * 1024, /* bytes of a call that is not finished */
	ST_MAX_HELD = 16,	      /* calls after an execve until its mode is known */
	ST_BUCKETS = 4096,	      /* power of two */
	ST_AT_FDCWD = -100,
};

/* What is known of a descriptor. It stays known after close(2), until the number is used again. */
struct st_fd {
	int fd;
	char *path; /* absolute, NULL unknown or no file */
	uint16_t family, type, protocol;
	uint16_t port;
	char *address; /* bound to; NULL: not bound */
};

struct st_fds {
	unsigned refs;
	struct st_fd *v; /* by ascending fd */
	size_t n, cap;
};

/* Current directory, shared by threads and CLONE_FS. */
struct st_fs {
	unsigned refs;
	char *cwd; /* NULL unknown */
};

/* Phase of the workload: one for a log of all processes, one a process for files of -ff. */
struct st_phase {
	unsigned refs;
	enum wl_phase phase;
	bool listening;
};

struct st_task {
	struct st_task *next; /* in the same bucket */
	pid_t pid;
	enum sc_abi abi;
	int program; /* -1 unknown */
	struct st_fds *fds;
	struct st_fs *fs;
	struct st_phase *phase;
	struct buf pending; /* text of a call that is not finished */
	enum wl_phase pending_phase;
	struct buf held; /* lines of calls whose ABI is not known yet */
	unsigned held_n;
	bool undecided;	    /* … and they are kept */
	int64_t pending_nr; /* its number (-n), -1 unknown */
	bool forking;	    /* … and it makes a process */
	pid_t superseded;   /* by the execve of this thread; 0 */
	int64_t uid, gid;   /* effective ones as far as the log tells, -1 unknown */
};

/* A call by its name, looked up once. */
struct st_known {
	const struct sc_desc *desc;
	const struct capture *cap;
	bool raw_seen; /* some arguments were not understood */
	bool seen;
};

struct strace {
	struct import im;
	const char *input; /* name of the present file */
	struct st_task *tasks[ST_BUCKETS];
	size_t tasks_n;
	struct map attached;	/* pids that strace announced */
	struct map known;	/* name → struct st_known */
	struct arena arena;	/* owns what `known` has */
	size_t fds_n;		/* of all tasks */
	pid_t last;		/* whose line without a pid it is */
	bool split;		/* files of -ff */
	struct buf partial;	/* a record that "strace: Process N attached" interrupted */
	pid_t file_pid;		/* of lines that do not say theirs */
	struct st_phase *phase; /* shared, unless split */
	uint64_t calls;
	bool started; /* some execve succeeded before anything else of its process */
	bool relative, raw_paths, combined_note, tampered, counted;
	bool modes_told; /* lines "runs in 32 bit mode" */
	bool cut_last;	 /* the last line has no end */
	int table;	 /* columns of a -c table: see strace_count.c; 0 none */
	int table_name;
};

/* strace_task.c */
struct st_task *st_task_get(struct strace *s, pid_t pid);
struct st_task *st_task_find(struct strace *s, pid_t pid);
/* Any process, NULL: there is none. */
struct st_task *st_task_any(struct strace *s);
/* False when there is no process `from`. */
bool st_task_rename(struct strace *s, pid_t from, pid_t to);
/* A process made by another one: what it shares and what it gets as a copy. */
struct st_task *st_task_fork(struct strace *s, struct st_task *from, pid_t pid, bool files,
			     bool fs);
void st_task_exec(struct strace *s, struct st_task *t);
void st_task_drop(struct strace *s, pid_t pid);
/* Ends all processes; `last` is called for each before. */
void st_tasks_free(struct strace *s, void (*last)(struct strace *s, struct st_task *t));
struct st_fd *st_fd_find(const struct st_task *t, int fd);
/* The entry of a new descriptor, empty; NULL: too many. */
struct st_fd *st_fd_new(struct strace *s, struct st_task *t, int fd);
void st_fd_copy(struct strace *s, struct st_task *t, int from, int to);

/* strace_calls.c: one whole call. `entry` is the phase at its entry. */
void st_call_record(struct strace *s, struct st_task *t, const struct st_line *l,
		    const struct st_call *c, enum wl_phase entry);
struct st_known *st_known_get(struct strace *s, const char *name);
/*
 * The mode of the program that made the call, as far as its name or result tell: a log of a command
 * does not say that a program has 32 bits. SC_ABI_COUNT: they do not.
 */
enum sc_abi st_call_mode(const struct st_task *t, const struct st_known *k,
			 const struct st_call *c);
/* Its entry: waiting for requests begins the phase "serving". */
void st_call_entry(struct strace *s, struct st_task *t, const char *name);
/* Adds the call itself with its provenance; NULL: no call of this name. */
struct wl_syscall *st_call_add(struct strace *s, struct st_task *t, const char *name,
			       const struct st_line *l, enum wl_phase phase, int program);

/* strace_files.c: absolute paths, accesses, current directories. */
void st_files(struct strace *s, struct st_task *t, const struct st_call *c,
	      const struct capture *cap, uint32_t phases);
/* getdents(2): the descriptor is a folder. */
void st_listing(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases);
/* A successful execve, before the call itself is added. */
void st_exec(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases);

/* strace_net.c: sockets. */
void st_net(struct strace *s, struct st_task *t, const struct st_call *c, const struct capture *cap,
	    uint32_t phases);
/* Descriptors that a call makes or copies: socket, accept4, dup, fcntl, pipe … */
void st_descriptors(struct strace *s, struct st_task *t, const struct st_call *c);

/* strace_caps.c: capabilities that a call needed or lacked. */
void st_caps(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases);
/* The same for the port of a bind(2). */
void st_cap_port(struct strace *s, struct st_task *t, const struct st_call *c, uint16_t port,
		 uint32_t phases);

/* strace_count.c: the table of -c and -C. True when the line belongs to one. */
bool st_count_header(struct strace *s, const char *text);
bool st_count_row(struct strace *s, char *text);

/* strace_values.c: O_* flags; false: something in them is not known. */
bool st_open_flags(struct st_text t, uint64_t *out);
/* Whether a flag is there, by its name or as the bits of a number. */
bool st_flag(struct st_text t, const char *name, uint64_t bits);

#endif
