/* The two long lists: system calls and files. */
#include <stdio.h>
#include <string.h>

#include "app/show.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/constants.h"

enum { FILES_IN_OVERVIEW = 100, DIRS_IN_OVERVIEW = 40 };

static const char *style(enum log_style st)
{
	return log_style(stdout, st);
}

/* ---- system calls */

static void put_name(struct buf *b, const struct wl_syscall *c)
{
	if (c->desc)
		buf_puts(b, c->desc->name);
	else
		buf_printf(b, "number %u", c->nr);
}

/* A line of the table: how many calls of the ABI each phase has. */
static void count_line(struct show *s, enum sc_abi abi)
{
	size_t n[WL_PHASE_COUNT + 1] = { 0 };

	for (size_t i = 0; i < s->w->syscalls_n; i++) {
		const struct wl_syscall *c = &s->w->syscalls[i];

		if (c->abi != abi || !show_wants(s, &c->prov))
			continue;
		for (int p = 0; p < WL_PHASE_COUNT; p++)
			n[p] += !!(c->prov.phases & WL_PHASE_BIT(p));
		n[WL_PHASE_COUNT]++;
	}
	if (!n[WL_PHASE_COUNT])
		return;
	buf_printf(s->out, "  %-10s", sc_abi_name(abi));
	for (int p = 0; p < WL_PHASE_COUNT; p++)
		buf_printf(s->out, " %14zu", n[p]);
	buf_printf(s->out, " %14zu\n", n[WL_PHASE_COUNT]);
}

static void counts(struct show *s)
{
	buf_printf(s->out, "  %s%-10s", style(LOG_DIM), "");
	for (int p = 0; p < WL_PHASE_COUNT; p++)
		buf_printf(s->out, " %14s", wl_phase_name((enum wl_phase)p));
	buf_printf(s->out, " %14s%s\n", "all", style(LOG_PLAIN));
	for (int abi = 0; abi < SC_ABI_COUNT; abi++)
		count_line(s, (enum sc_abi)abi);
}

/* The last phase in which the call was seen: what is needed longest stands first. */
static int last_phase(const struct show *s, const struct wl_syscall *c)
{
	for (int p = WL_PHASE_COUNT - 1; p >= 0; p--)
		if (c->prov.phases & s->phases & WL_PHASE_BIT(p))
			return p;
	return -1;
}

/* Names in columns, filled downwards. */
static void columns(struct show *s, const char *const *names, size_t n)
{
	size_t widest = 1, per_line, lines;

	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) > widest)
			widest = strlen(names[i]);
	per_line = (s->width - 4) / (widest + 2);
	if (!per_line)
		per_line = 1;
	lines = (n + per_line - 1) / per_line;
	for (size_t y = 0; y < lines; y++) {
		buf_puts(s->out, "    ");
		for (size_t i = y; i < n; i += lines) {
			if (i + lines < n)
				buf_printf(s->out, "%-*s", (int)widest + 2, names[i]);
			else
				buf_puts(s->out, names[i]);
		}
		buf_putc(s->out, '\n');
	}
}

/* The calls of one ABI whose last phase is this one. */
static void phase_columns(struct show *s, enum sc_abi abi, int phase, const char *title)
{
	cleanup_free const char **names = xcalloc(s->w->syscalls_n, sizeof(*names));
	struct arena numbers = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < s->w->syscalls_n; i++) {
		const struct wl_syscall *c = &s->w->syscalls[i];

		if (c->abi == abi && show_wants(s, &c->prov) && last_phase(s, c) == phase)
			names[n++] = c->desc ? c->desc->name
					     : arena_printf(&numbers, "number %u", c->nr);
	}
	if (n) {
		buf_printf(s->out, "  %s, %s (%zu)\n", sc_abi_name(abi), title, n);
		columns(s, names, n);
	}
	arena_free(&numbers);
}

static void syscall_overview(struct show *s)
{
	static const struct {
		int phase;
		const char *title;
	} groups[] = {
		{ WL_SERVING, "while serving" },
		{ WL_START, "while starting, not later" },
		{ WL_SEALED, "by the container runtime under the filter only" },
		{ WL_RUNTIME, "by the container runtime before the filter only" },
		{ -1, "phase unknown" },
	};

	counts(s);
	for (int abi = 0; abi < SC_ABI_COUNT; abi++)
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
			phase_columns(s, (enum sc_abi)abi, groups[i].phase, groups[i].title);
}

static void put_where(struct show *s, const struct wl_prov *p)
{
	cleanup_buf struct buf phases = { 0 };

	show_phases(&phases, p->phases);
	buf_printf(s->out, "%-15s  ", buf_str(&phases));
	show_programs_of(s, &p->programs);
	while (s->out->len && s->out->p[s->out->len - 1] == ' ')
		s->out->p[--s->out->len] = '\0';
	buf_putc(s->out, '\n');
}

static void syscall_details(struct show *s)
{
	for (size_t i = 0; i < s->w->syscalls_n; i++) {
		const struct wl_syscall *c = &s->w->syscalls[i];
		cleanup_buf struct buf name = { 0 };

		if (!show_wants(s, &c->prov))
			continue;
		put_name(&name, c);
		buf_printf(s->out, "  %-8s %s%-24s%s ", sc_abi_name(c->abi), style(LOG_BOLD),
			   buf_str(&name), style(LOG_PLAIN));
		put_where(s, &c->prov);
		for (size_t j = 0; j < c->calls_n; j++) {
			cleanup_buf struct buf args = { 0 };

			if (!show_wants(s, &c->calls[j].prov))
				continue;
			const_call(c, &c->calls[j], &args);
			buf_printf(s->out, "             %-44s ", buf_str(&args));
			put_where(s, &c->calls[j].prov);
		}
	}
}

void show_syscalls(struct show *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->w->syscalls_n; i++)
		n += show_wants(s, &s->w->syscalls[i].prov);
	show_heading(s, "System calls");
	if (!n)
		buf_puts(s->out, "  none\n");
	else if (s->sections)
		syscall_details(s);
	else
		syscall_overview(s);
}

/* ---- files */

static const char letters[WL_F_BITS + 1] = "rwacdxmklt?!>#";

static void put_access(struct buf *b, uint32_t access)
{
	for (unsigned i = 0; i < WL_F_BITS; i++)
		if (access & 1u << i)
			buf_putc(b, letters[i]);
}

static void legend(struct show *s, uint32_t used)
{
	buf_printf(s->out, "  %s", style(LOG_DIM));
	for (unsigned i = 0; i < WL_F_BITS; i++)
		if (used & 1u << i)
			buf_printf(s->out, "%c %s  ", letters[i], wl_access_name(i));
	while (s->out->len && s->out->p[s->out->len - 1] == ' ')
		s->out->p[--s->out->len] = '\0';
	buf_printf(s->out, "%s\n", style(LOG_PLAIN));
}

/* Length of the directory part with its "/". */
static size_t dir_len(const char *path)
{
	size_t n = strlen(path);

	if (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	return n;
}

static bool same_dir(const struct wl_file *a, const struct wl_file *b)
{
	size_t n = dir_len(a->path);

	return n == dir_len(b->path) && !memcmp(a->path, b->path, n);
}

static void put_dir(struct show *s, const struct wl_file *f)
{
	cleanup_free char *dir = strndup(f->path, dir_len(f->path));

	if (!dir)
		mem_exhausted();
	show_text(s->out, dir);
}

static void file_details(struct show *s, const struct wl_file *const *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf access = { 0 };

		if (!i || !same_dir(files[i - 1], files[i])) {
			buf_puts(s->out, "  ");
			put_dir(s, files[i]);
			buf_putc(s->out, '\n');
		}
		put_access(&access, files[i]->access);
		buf_printf(s->out, "    %-8s %s", buf_str(&access),
			   style(files[i]->pattern ? LOG_YELLOW : LOG_PLAIN));
		show_text(s->out, files[i]->path + dir_len(files[i]->path));
		buf_printf(s->out, "%s\n", style(LOG_PLAIN));
	}
}

/* Directories with how much is used of them. */
static void file_overview(struct show *s, const struct wl_file *const *files, size_t n)
{
	size_t dirs = 0, left = 0;

	for (size_t i = 0; i < n;) {
		cleanup_buf struct buf letters_of = { 0 };
		uint32_t access = 0;
		size_t first = i;

		for (; i < n && same_dir(files[first], files[i]); i++)
			access |= files[i]->access;
		if (++dirs > DIRS_IN_OVERVIEW) {
			left++;
			continue;
		}
		put_access(&letters_of, access);
		buf_printf(s->out, "  %6zu  %-10s ", i - first, buf_str(&letters_of));
		put_dir(s, files[first]);
		buf_putc(s->out, '\n');
	}
	if (left)
		buf_printf(s->out, "  and %zu more directories\n", left);
	buf_puts(s->out, "  (--files lists every file)\n");
}

/* By directory, then by name: in plain byte order "/a/b" and "/a/c" may have "/a/b/x" between. */
static int by_dir(const void *a, const void *b)
{
	const struct wl_file *x = *(const struct wl_file *const *)a;
	const struct wl_file *y = *(const struct wl_file *const *)b;
	size_t xn = dir_len(x->path), yn = dir_len(y->path);
	int r = memcmp(x->path, y->path, xn < yn ? xn : yn);

	if (!r)
		r = (xn > yn) - (xn < yn);
	return r ? r : strcmp(x->path, y->path);
}

void show_files(struct show *s)
{
	cleanup_free const struct wl_file **files = xcalloc(s->w->files_n, sizeof(*files));
	uint32_t used = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->w->files_n; i++) {
		if (!show_wants(s, &s->w->files[i].prov))
			continue;
		files[n++] = &s->w->files[i];
		used |= s->w->files[i].access;
	}
	if (n)
		qsort(files, n, sizeof(*files), by_dir);
	show_heading(s, "Files (%zu)", n);
	if (!n) {
		buf_puts(s->out, "  none\n");
		return;
	}
	legend(s, used);
	if (s->sections || n <= FILES_IN_OVERVIEW)
		file_details(s, files, n);
	else
		file_overview(s, files, n);
}
