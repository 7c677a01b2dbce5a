/* Logs of strace(1): lines become calls of processes; see strace_line.h for their form. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/strace_private.h"

enum { MAX_FILES = 8192 };

/* The calls that waited for the mode of their program, which is known or never will be. */
static void held_flush(struct strace *s, struct st_task *t)
{
	struct buf held = t->held;
	char *save = NULL;

	t->held = (struct buf){ 0 };
	t->held_n = 0;
	t->undecided = false;
	for (char *line = held.p ? strtok_r(held.p, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct st_call c;

		if (st_call_parse(line, &c))
			st_call_record(s, t, NULL, &c, t->phase->phase);
	}
	buf_free(&held);
}

/* True when the call is kept back. */
static bool hold(struct strace *s, struct st_task *t, const struct st_line *l, const char *text,
		 const struct st_call *c)
{
	enum sc_abi mode;

	if (!t->undecided)
		return false;
	mode = st_call_mode(t, st_known_get(s, c->name), c);
	if (mode != SC_ABI_COUNT)
		t->abi = mode;
	if (mode == SC_ABI_COUNT && !(l && l->has_nr) && t->held_n < ST_MAX_HELD &&
	    c->result != ST_NO_RESULT && !strstr(c->name, "fork") && strncmp(c->name, "clone", 5) &&
	    strncmp(c->name, "exec", 4)) {
		buf_puts(&t->held, text);
		buf_putc(&t->held, '\n');
		t->held_n++;
		return true;
	}
	held_flush(s, t);
	return false;
}

/* What a process did not finish when its log ends counts as far as it is there. */
static void pending_end(struct strace *s, struct st_task *t)
{
	struct st_call c;

	held_flush(s, t);
	if (t->pending.len && st_call_parse(buf_str(&t->pending), &c))
		st_call_record(s, t, NULL, &c, t->pending_phase);
	buf_free(&t->pending);
	t->forking = false;
}

static void whole_call(struct strace *s, struct st_task *t, const struct st_line *l,
		       const char *text, enum wl_phase entry, uint64_t no)
{
	struct st_call c;

	if (!st_call_parse(text, &c)) {
		import_skip(&s->im, s->input, no, text);
		return;
	}
	if (!c.whole && !s->cut_last) /* its end is missing; what is there counts */
		import_skip(&s->im, s->input, no, text);
	if (hold(s, t, l, text, &c))
		return;
	st_call_record(s, t, l, &c, entry);
	if (!strncmp(c.name, "execve", 6) && c.result == ST_VALUE && !s->modes_told &&
	    s->im.o->arch == SC_X86_64) {
		t->abi = SC_X86_64;
		t->undecided = true;
	}
}

static void call_name(const char *text, char out[64])
{
	size_t n = strcspn(text, "(");

	snprintf(out, 64, "%.*s", (int)(n < 63 ? n : 63), text);
}

static void on_call(struct strace *s, struct st_task *t, const struct st_line *l, uint64_t no)
{
	size_t unfinished = st_unfinished(l->body);
	char name[64];

	if (t->pending.len) /* one call at a time: the former one never came back */
		pending_end(s, t);
	call_name(l->body, name);
	st_call_entry(s, t, name);
	if (!unfinished) {
		whole_call(s, t, l, l->body, t->phase->phase, no);
		return;
	}
	buf_append(&t->pending, l->body, unfinished < ST_MAX_PENDING ? unfinished : ST_MAX_PENDING);
	t->pending_phase = t->phase->phase;
	t->forking = !strncmp(name, "clone", 5) || !strcmp(name, "fork") || !strcmp(name, "vfork");
	t->pending_nr = l->has_nr ? (int64_t)l->nr : -1;
}

static void on_resumed(struct strace *s, struct st_task *t, const struct st_line *l, uint64_t no)
{
	size_t n = strlen(l->name);
	struct st_line first = *l;

	if (!t->pending.len || strncmp(t->pending.p, l->name, n) != 0 || t->pending.p[n] != '(') {
		/* Attached in the middle of it: only the name and the result are there. */
		struct st_call c = { .result = ST_NO_RESULT };

		if (t->pending.len)
			pending_end(s, t);
		snprintf(c.name, sizeof(c.name), "%s", l->name);
		st_call_entry(s, t, c.name);
		s->calls++;
		if (st_known_get(s, c.name)->desc)
			st_call_add(s, t, c.name, NULL, t->phase->phase, t->program);
		else
			import_skip(&s->im, s->input, no, l->name);
		return;
	}
	if (strlen(l->body) < ST_MAX_PENDING)
		buf_puts(&t->pending, l->body);
	first.has_nr = t->pending_nr >= 0;
	first.nr = (uint32_t)t->pending_nr;
	t->forking = false;
	whole_call(s, t, &first, buf_str(&t->pending), t->pending_phase, no);
	buf_free(&t->pending);
}

/* "[ Process PID=12 runs in 32 bit mode. ]" */
static void on_personality(struct strace *s, const char *text)
{
	struct st_task *t = st_task_get(s,
					(pid_t)strtol(text + strlen("[ Process PID="), NULL, 10));
	const char *in = strstr(text, " runs in ");

	if (!t || !in)
		return;
	held_flush(s, t);
	s->modes_told = true;
	in += strlen(" runs in ");
	if (!strncmp(in, "64 bit", 6))
		t->abi = s->im.o->arch;
	else if (!strncmp(in, "32 bit", 6) && s->im.o->arch == SC_X86_64)
		t->abi = SC_I386;
	else if (!strncmp(in, "x32", 3) && s->im.o->arch == SC_X86_64)
		t->abi = SC_X32;
	else
		import_incomplete(&s->im, "calls of a mode that is not known: %.40s", in);
}

static void on_exit_line(struct strace *s, struct st_task *t, const char *text)
{
	if (!strncmp(text, "+++ superseded by execve in pid ", 32)) {
		/* That thread goes on under this id, with the program that it executed. */
		struct st_task *by = st_task_find(s, (pid_t)strtol(text + 32, NULL, 10));

		if (by && by != t)
			t->superseded = by->pid;
		return;
	}
	pending_end(s, t);
	if (!s->split)
		st_task_drop(s, t->pid);
}

/*
 * After "superseded" the leader's id returns from the execve that another thread made: its pending
 * call moves over.
 */
static void take_superseded(struct strace *s, struct st_task *t, const struct st_line *l)
{
	struct st_task *by = t->superseded ? st_task_find(s, t->superseded) : NULL;

	if (!t->superseded || l->kind != ST_RESUMED)
		return;
	t->superseded = 0;
	if (!by)
		return;
	buf_free(&t->pending);
	t->pending = by->pending;
	t->pending_phase = by->pending_phase;
	t->pending_nr = by->pending_nr;
	by->pending = (struct buf){ 0 };
	st_task_drop(s, by->pid);
}

/*
 * On standard error lines have no pid while there is a single process: the first one, which gets
 * its pid with the first line that has one and is of no process that was attached meanwhile.
 */
static struct st_task *task_of(struct strace *s, const struct st_line *l)
{
	struct st_task *t = l->pid ? st_task_find(s, l->pid) : st_task_find(s, s->file_pid);

	if (t)
		return t;
	if (!l->pid) {
		t = st_task_any(s);
		if (!t)
			return st_task_get(s, s->file_pid);
		s->file_pid = t->pid;
		return t;
	}
	if (!s->split && !s->file_pid && !map_find(&s->attached, &l->pid, sizeof(l->pid)) &&
	    st_task_rename(s, 0, l->pid))
		s->file_pid = l->pid;
	return st_task_get(s, l->pid);
}

static void on_line(struct strace *s, const struct st_line *l, char *text, uint64_t no)
{
	struct st_task *t;

	if (l->kind == ST_EMPTY)
		return;
	if (l->kind == ST_UNKNOWN || l->kind == ST_TABLE) {
		import_skip(&s->im, s->input, no, text);
		return;
	}
	if (l->kind == ST_PERSONALITY) {
		on_personality(s, l->body);
		return;
	}
	t = task_of(s, l);
	if (!t)
		return;
	s->last = t->pid;
	take_superseded(s, t, l);
	if (l->kind == ST_CALL)
		on_call(s, t, l, no);
	else if (l->kind == ST_RESUMED)
		on_resumed(s, t, l, no);
	else if (l->kind == ST_EXIT)
		on_exit_line(s, t, l->body);
}

/* A record that "strace: Process N attached" cut in two goes on in this line. */
static bool join_partial(struct strace *s, const char *text, struct buf *joined)
{
	if (!s->partial.len)
		return false;
	buf_append(joined, s->partial.p, s->partial.len);
	buf_puts(joined, text);
	buf_free(&s->partial);
	return true;
}

static void one_line(struct strace *s, char *text, uint64_t no)
{
	cleanup_buf struct buf joined = { 0 };
	struct st_line l;

	s->im.lines++;
	if (join_partial(s, text, &joined))
		text = joined.p;
	if (s->table && st_count_row(s, text))
		return;
	s->table = 0;
	if (st_count_header(s, text))
		return;
	st_line_parse(text, &l);
	if (l.attached)
		map_at(&s->attached, &l.child, sizeof(l.child));
	if (l.attached && (l.kind == ST_CALL || l.kind == ST_RESUMED) && !l.name) {
		if (l.pid)
			buf_printf(&s->partial, "[pid %d] ", (int)l.pid);
		buf_puts(&s->partial, l.body);
		return;
	}
	on_line(s, &l, text, no);
}

static int read_file(struct strace *s, const struct import_input *in, struct err *e)
{
	cleanup_lines struct lines l = { .fd = -1 };
	char *text;
	int r = lines_open(&l, in, s->im.o, e);

	s->input = l.name ? l.name : in->name;
	while (r >= 0 && (r = lines_next(&l, &text, e)) > 0) {
		if (l.partial) {
			import_note(&s->im, "%s:%llu: the last line is cut off", l.name,
				    (unsigned long long)l.no);
			if (text[0] && !st_unfinished(text))
				s->cut_last = true;
		}
		one_line(s, text, l.no);
	}
	lines_note_limit(&l, &s->im);
	return r;
}

/* The process of a file of -ff: the number behind the last dot of its name; 0 none. */
static pid_t pid_of_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	char *end;
	long v = dot && dot[1] ? strtol(dot + 1, &end, 10) : 0;

	return v > 0 && v <= 4194304 && !*end ? (pid_t)v : 0;
}

/*
 * The file to read next: one of a process whose parent's file has been read, which tells what it
 * got from it; else that of the lowest pid. n: all are done.
 */
static size_t next_split(struct strace *s, const struct import_input *in, size_t n,
			 const bool *done)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		if (done[i])
			continue;
		if (st_task_find(s, pid_of_name(in[i].name)))
			return i;
		if (best == n || pid_of_name(in[i].name) < pid_of_name(in[best].name))
			best = i;
	}
	return best;
}

static int read_split(struct strace *s, const struct import_input *in, size_t n, bool *done,
		      struct err *e)
{
	size_t i;
	int r = 0;

	while (r >= 0 && (i = next_split(s, in, n, done)) < n) {
		s->file_pid = s->last = pid_of_name(in[i].name);
		r = read_file(s, &in[i], e);
		done[i] = true;
	}
	return r;
}

static bool made(struct strace *s, const char *name)
{
	return st_known_get(s, name)->seen;
}

/* strace -c counts calls that return. */
static void add_exit(struct strace *s)
{
	struct st_task *t = s->counted && !s->calls ? st_task_any(s) : NULL;

	if (!t)
		return;
	st_call_add(s, t, "exit", NULL, t->phase->phase, t->program);
	st_call_add(s, t, "exit_group", NULL, t->phase->phase, t->program);
	import_note(&s->im, "exit and exit_group, which never return and so are in no such table, "
			    "are added");
}

/* A log of every call of a program has these; the text does not say that it was filtered. */
static void check_complete(struct strace *s)
{
	cleanup_buf struct buf missing = { 0 };
	static const char *const usual[] = { "execve", "mmap", "close", "exit_group" };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (!made(s, usual[i]) && !(i == 1 && made(s, "mmap2")))
			buf_printf(&missing, "%s%s", missing.len ? ", " : "", usual[i]);
	if (missing.len)
		import_incomplete(&s->im,
				  "no %s in the log: only some calls were traced (-e, -Z), or it "
				  "does not reach from the start to the end",
				  buf_str(&missing));
	if (s->counted && !s->calls)
		import_incomplete(&s->im, "a table of calls (strace -c) has no arguments, files "
					  "or addresses");
	if (s->tampered)
		import_incomplete(&s->im, "strace changed results of calls (INJECTED, DELAYED): "
					  "the program did not run as it would alone");
}

static void note_limits(struct strace *s)
{
	if (!s->im.o->resolve && s->im.w->files_n)
		import_note(&s->im, "names are as the program wrote them, with symbolic links, and "
				    "dynamic loaders are not in a log (--root / follows links and "
				    "finds loaders on the machine where it ran)");
	if (s->calls)
		import_note(&s->im, "a log does not tell uses of CAP_DAC_OVERRIDE, CAP_FOWNER and "
				    "others that depend on modes and owners");
}

static void name_workload(struct strace *s)
{
	const char *path = NULL;

	for (size_t i = 0; i < s->im.w->programs_n && !path; i++)
		if (s->im.w->programs[i].path[0])
			path = s->im.w->programs[i].path;
	if (!s->im.w->identity.name && path)
		s->im.w->identity.name = wl_string(s->im.w, strrchr(path, '/') + 1);
	s->im.w->identity.arch = wl_string(s->im.w, sc_abi_name(s->im.o->arch));
	s->im.w->sources[s->im.source].runs = 1;
}

static int finish(struct strace *s, const struct import_input *in, int r, struct err *e)
{
	if (r >= 0 && !s->calls && !s->counted)
		r = err_set(e, EINVAL, "%s: no line of an strace log is in it%s%s", in->name,
			    s->im.first.len ? "; the first line: " : "", buf_str(&s->im.first));
	if (r >= 0)
		add_exit(s);
	st_tasks_free(s, pending_end);
	if (r >= 0) {
		check_complete(s);
		note_limits(s);
		name_workload(s);
	}
	import_end(&s->im);
	map_free(&s->known);
	map_free(&s->attached);
	arena_free(&s->arena);
	buf_free(&s->partial);
	return r < 0 ? r : 0;
}

int import_strace(struct workload *w, const struct import_input *in, size_t n,
		  const struct import_options *o, struct buf *notes, struct err *e)
{
	cleanup_free bool *done = calloc(n, sizeof(*done));
	cleanup_free struct strace *s = calloc(1, sizeof(*s));
	cleanup_buf struct buf target = { 0 };
	int r;

	if (!s || !done)
		return err_errno(e, ENOMEM, "strace");
	if (n > MAX_FILES)
		return err_set(e, E2BIG, "more than %d files", MAX_FILES);
	buf_printf(&target, "strace log %s%s", in[0].name, n > 1 ? " and others" : "");
	import_begin(&s->im, w, o, notes, buf_str(&target));
	s->split = n > 1;
	r = s->split ? read_split(s, in, n, done, e) : read_file(s, &in[0], e);
	return finish(s, &in[0], r, e);
}
