#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/generate_private.h"
#include "profile/seen.h"

void gen_options_default(struct gen_options *o)
{
	*o = (struct gen_options){
		.arguments = GEN_ARGS_SAFE,
		.equivalents = GEN_EQ_PROCESS,
	};
}

void gen_note(struct buf *notes, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_printf(notes, "%s\n", line);
}

void gen_phases(uint32_t phases, struct buf *out)
{
	const char *sep = "";

	for (unsigned p = 0; p < WL_PHASE_COUNT; p++) {
		if (!(phases & WL_PHASE_BIT(p)))
			continue;
		buf_printf(out, "%s%s", sep, wl_phase_name((enum wl_phase)p));
		sep = ", ";
	}
}

void gen_printable(const char *s, struct buf *out)
{
	for (; *s; s++)
		buf_putc(out, *s >= ' ' && *s <= '~' ? *s : '?');
}

void gen_programs(const struct workload *w, const struct wl_set *programs, size_t max,
		  struct buf *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < programs->n && shown < max; i++) {
		const char *path, *slash;

		if (programs->v[i] >= w->programs_n)
			continue;
		path = w->programs[programs->v[i]].path;
		slash = strrchr(path, '/');
		if (!*path)
			continue;
		buf_puts(out, shown++ ? ", " : "");
		gen_printable(slash ? slash + 1 : path, out);
	}
	if (shown && programs->n > max)
		buf_printf(out, " and %zu more", programs->n - max);
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._-", c));
}

/* Letters and digits first: "-x" is an option, ".x" hidden, "/x" would attach to a program. */
static bool name_is_good(const char *name)
{
	if (!*name || strchr("._-", *name) || strlen(name) > 200)
		return false;
	for (const char *p = name; *p; p++)
		if (!name_char(*p))
			return false;
	return true;
}

int gen_name(const struct workload *w, const struct gen_options *o, char **out, struct err *e)
{
	const char *from = w->identity.name ? w->identity.name : "";
	cleanup_free char *name = NULL;

	if (o->name && !name_is_good(o->name))
		return err_set(e, EINVAL,
			       "profile name '%s': expected at most 200 letters, digits, '.', '_' "
			       "and '-', a letter or digit first",
			       o->name);
	if (o->name) {
		*out = xstrdup(o->name);
		return 0;
	}
	while (*from && (!name_char(*from) || strchr("._-", *from)))
		from++;
	name = xasprintf("%.200s", *from ? from : "workload");
	for (char *p = name; *p; p++)
		if (!name_char(*p))
			*p = '-';
	*out = take_ptr(name);
	return 0;
}

static bool any_program_call(const struct workload *w)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		if (seen_abi(w, (enum sc_abi)abi, WL_PROGRAM_PHASES))
			return true;
	return false;
}

/* A recorder that started in time sees the execve of what it records. */
static bool misses_exec(const struct workload *w)
{
	bool recorded = false;

	for (size_t i = 0; i < w->sources_n; i++)
		recorded = recorded || w->sources[i].kind == WL_EBPF ||
			   w->sources[i].kind == WL_PTRACE;
	return recorded && !seen_called(w, "execve", ~0u) && !seen_called(w, "execveat", ~0u);
}

static void describe_source(const struct wl_source *s, struct buf *out)
{
	gen_printable(s->target ? s->target : "", out);
	if (!s->complete) {
		buf_puts(out, ": ");
		gen_printable(s->incomplete_reason ? s->incomplete_reason : "not complete", out);
	}
	for (size_t i = 0; i < s->loss_n; i++)
		buf_printf(out, "%s lost %s: %llu", i || !s->complete ? "," : ":", s->loss[i].what,
			   (unsigned long long)s->loss[i].count);
}

/* Why the model is not complete; empty when it is. */
static void incomplete_reason(const struct workload *w, struct buf *out)
{
	for (size_t i = 0; i < w->sources_n; i++) {
		const struct wl_source *s = &w->sources[i];

		if (s->complete && !s->loss_n)
			continue;
		buf_puts(out, out->len ? "; " : "");
		describe_source(s, out);
	}
	if (!out->len && wl_incomplete(w))
		buf_puts(out, "it has only what a profile refused: merge it into a recording");
	if (misses_exec(w)) {
		buf_puts(out, out->len ? "; " : "");
		buf_puts(out, "no execve was recorded, so the start of the program is missing");
	}
}

static void note_unknown_caps(const struct workload *w, struct buf *notes)
{
	for (size_t i = 0; i < w->caps_n; i++)
		if (w->caps[i].nr >= BCAP_COUNT)
			gen_note(notes, "left out: the unknown capability %u", w->caps[i].nr);
}

int gen_check_model(const struct workload *w, const struct gen_options *o, struct buf *notes,
		    struct err *e)
{
	cleanup_buf struct buf why = { 0 };

	if (!any_program_call(w))
		return err_set(e, ENODATA,
			       "the model has no system call of the program (phases start and "
			       "serving): nothing to make a profile from");
	note_unknown_caps(w, notes);
	incomplete_reason(w, &why);
	if (!why.len)
		return 0;
	if (!o->allow_incomplete)
		return err_set(
			e, ENODATA,
			"the recording is not complete, so a profile made from it would break "
			"the program (--allow-incomplete goes on): %s",
			buf_str(&why));
	gen_note(notes, "the recording is not complete: %s", buf_str(&why));
	return 0;
}

int gen_native_abi(const struct workload *w, enum sc_abi *abi, struct err *e)
{
	static const enum sc_abi candidates[] = { SC_X86_64, SC_AARCH64, SC_I386 };

	if (w->identity.arch && *w->identity.arch) {
		int parsed = sc_abi_parse(w->identity.arch);

		if (parsed < 0)
			return err_set(
				e, EINVAL,
				"the model is of the architecture '%s': expected x86_64 or aarch64",
				w->identity.arch);
		*abi = (enum sc_abi)parsed;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		if (seen_abi(w, candidates[i], ~0u)) {
			*abi = candidates[i];
			return 0;
		}
	}
	return err_set(e, EINVAL, "the model does not say its architecture");
}
