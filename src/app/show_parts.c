/* What is printed of identity, sources, capabilities, programs and network; helpers for all. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "app/show.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/caps.h"
#include "model/constants.h"

enum { PROGRAMS_NAMED = 2, TREE_DEPTH_MAX = 32 };

bool show_wants(const struct show *s, const struct wl_prov *p)
{
	if (s->phases != UINT32_MAX && !(p->phases & s->phases))
		return false;
	return s->program < 0 || wl_set_has(&p->programs, (uint32_t)s->program);
}

/* C0 and C1 controls, and the characters that change the direction of text. */
static bool plays_tricks(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void show_text(struct buf *b, const char *text)
{
	const char *end = text + strlen(text);

	while (text < end) {
		uint32_t c = 0;
		size_t n = json_utf8_len(text, end, &c);

		if (n && !plays_tricks(c)) {
			buf_append(b, text, n);
			text += n;
		} else {
			buf_printf(b, "\\x%02x", (unsigned char)*text++);
		}
	}
}

static const char *style(enum log_style st)
{
	return log_style(stdout, st);
}

void show_heading(struct show *s, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		mem_exhausted();
	va_end(ap);
	buf_printf(s->out, "%s%s%s%s\n", s->out->len ? "\n" : "", style(LOG_BOLD), text,
		   style(LOG_PLAIN));
}

void show_phases(struct buf *b, uint32_t phases)
{
	const char *sep = "";

	for (int i = 0; i < WL_PHASE_COUNT; i++) {
		if (!(phases & WL_PHASE_BIT(i)))
			continue;
		buf_printf(b, "%s%s", sep, wl_phase_name((enum wl_phase)i));
		sep = ", ";
	}
}

static void put_path(const struct show *s, uint32_t program)
{
	const char *path = s->w->programs[program].path;

	show_text(s->out, *path ? path : "(unknown program)");
}

void show_programs_of(const struct show *s, const struct wl_set *programs)
{
	size_t named = programs->n > PROGRAMS_NAMED + 1 ? PROGRAMS_NAMED : programs->n;

	for (size_t i = 0; i < named; i++) {
		if (i)
			buf_puts(s->out, i + 1 == programs->n ? " and " : ", ");
		put_path(s, programs->v[i]);
	}
	if (named < programs->n)
		buf_printf(s->out, " and %zu more", programs->n - named);
}

/* ---- identity and sources */

static void put_line(struct show *s, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(s->out, "  %-12s", label);
	show_text(s->out, text);
	buf_putc(s->out, '\n');
}

void show_identity(struct show *s)
{
	const struct wl_identity *id = &s->w->identity;
	cleanup_buf struct buf name = { 0 };

	show_text(&name, id->name ? id->name : "(no name)");
	show_heading(s, "%s", buf_str(&name));
	put_line(s, "image", id->image);
	put_line(s, "digest", id->digest);
	put_line(s, "runtime", id->runtime);
	put_line(s, "arch", id->arch);
	if (!id->entrypoint_n)
		return;
	buf_printf(s->out, "  %-12s", "entry point");
	for (size_t i = 0; i < id->entrypoint_n; i++) {
		bool quote = !id->entrypoint[i][0] || strpbrk(id->entrypoint[i], " \t\"'\\");

		buf_puts(s->out, i ? " " : "");
		buf_puts(s->out, quote ? "'" : "");
		show_text(s->out, id->entrypoint[i]);
		buf_puts(s->out, quote ? "'" : "");
	}
	buf_putc(s->out, '\n');
}

static void show_loss(struct show *s, const struct wl_source *src)
{
	const char *sep = "      lost: ";

	if (!src->complete)
		buf_printf(s->out, "      %sINCOMPLETE%s", style(LOG_RED), style(LOG_PLAIN));
	if (!src->complete && src->incomplete_reason) {
		buf_puts(s->out, ": ");
		show_text(s->out, src->incomplete_reason);
	}
	if (!src->complete)
		buf_putc(s->out, '\n');
	if (src->loss_n)
		buf_puts(s->out, style(LOG_RED));
	for (size_t i = 0; i < src->loss_n; i++) {
		buf_printf(s->out, "%s%llu ", sep, (unsigned long long)src->loss[i].count);
		show_text(s->out, src->loss[i].what);
		sep = ", ";
	}
	if (src->loss_n)
		buf_printf(s->out, "%s\n", style(LOG_PLAIN));
}

static void show_source(struct show *s, size_t i)
{
	const struct wl_source *src = &s->w->sources[i];

	buf_printf(s->out, "  %-3zu %-7s ", i, wl_source_kind_name(src->kind));
	show_text(s->out, src->target);
	buf_printf(s->out, "\n      ");
	if (*src->started) {
		show_text(s->out, src->started);
		buf_puts(s->out, *src->ended ? " to " : "");
		show_text(s->out, src->ended);
		buf_puts(s->out, ", ");
	}
	if (*src->kernel) {
		buf_puts(s->out, "kernel ");
		show_text(s->out, src->kernel);
		buf_puts(s->out, ", ");
	}
	if (src->runs)
		buf_printf(s->out, "%llu ", (unsigned long long)src->runs);
	buf_printf(s->out, "%s%s\n",
		   src->runs == 0   ? "no run"
		   : src->runs == 1 ? "run"
				    : "runs",
		   !src->complete || src->loss_n ? ""
		   : src->supplement		 ? ", only what a profile refused"
						 : ", complete");
	show_loss(s, src);
}

void show_sources(struct show *s)
{
	if (wl_incomplete(s->w))
		buf_printf(s->out,
			   "\n%sThis model is not complete:%s a profile made from it may forbid "
			   "what the workload needs.\n",
			   style(LOG_RED), style(LOG_PLAIN));
	show_heading(s, "Sources");
	for (size_t i = 0; i < s->w->sources_n; i++)
		show_source(s, i);
	if (!s->w->sources_n)
		buf_puts(s->out, "  none\n");
}

/* ---- capabilities */

static void show_use(struct show *s, const struct wl_cap *c, const struct wl_cap_use *u)
{
	cleanup_buf struct buf phases = { 0 };
	const struct bcap_desc *d = bcap_by_nr(c->nr);
	bool needed = c->result == WL_CAP_GRANTED && !u->speculative;

	show_phases(&phases, u->prov.phases);
	if (d)
		buf_printf(s->out, "  %-22s ", d->name);
	else
		buf_printf(s->out, "  capability %-11u ", c->nr);
	buf_printf(s->out, "%s%-8s%s %-15s ", style(needed ? LOG_BOLD : LOG_DIM),
		   wl_cap_result_name(c->result), style(LOG_PLAIN), buf_str(&phases));
	show_text(s->out, *u->syscall ? u->syscall : "outside a system call");
	if (*u->function) {
		buf_puts(s->out, ", ");
		show_text(s->out, u->function);
	}
	if (u->speculative)
		buf_puts(s->out, ", only probed");
	if (u->inferred)
		buf_puts(s->out, ", inferred");
	if (u->prov.programs.n) {
		buf_puts(s->out, ": ");
		show_programs_of(s, &u->prov.programs);
	}
	buf_putc(s->out, '\n');
}

void show_caps(struct show *s)
{
	size_t shown = 0;

	for (size_t i = 0; i < s->w->caps_n; i++) {
		const struct wl_cap *c = &s->w->caps[i];

		for (size_t j = 0; j < c->uses_n; j++) {
			if (!show_wants(s, &c->uses[j].prov))
				continue;
			if (!shown++)
				show_heading(s, "Capabilities");
			show_use(s, c, &c->uses[j]);
		}
	}
	if (!shown) {
		show_heading(s, "Capabilities");
		buf_puts(s->out, "  none\n");
	}
}

/* ---- programs */

struct tree {
	struct show *s;
	bool *seen;
};

static void show_branch(struct tree *t, uint32_t i, int depth)
{
	const struct wl_program *p = &t->s->w->programs[i];
	bool again = t->seen[i];

	buf_printf(t->s->out, "  %*s", 2 * depth, "");
	put_path(t->s, i);
	if (p->interpreter) {
		buf_puts(t->s->out, "  (");
		show_text(t->s->out, p->interpreter);
		buf_putc(t->s->out, ')');
	}
	if (wl_program_only_named(t->s->w, i))
		buf_puts(t->s->out, "  (named in code, not seen)");
	buf_puts(t->s->out, again ? "  (see above)\n" : "\n");
	t->seen[i] = true;
	if (again || depth >= TREE_DEPTH_MAX)
		return;
	for (uint32_t k = 0; k < t->s->w->programs_n; k++)
		if (k != i && wl_set_has(&t->s->w->programs[k].parents, i))
			show_branch(t, k, depth + 1);
}

/* Nobody but itself executed it. */
static bool is_root(const struct wl_program *p, uint32_t self)
{
	return !p->parents.n || (p->parents.n == 1 && p->parents.v[0] == self);
}

void show_programs(struct show *s)
{
	cleanup_free bool *seen = xcalloc(s->w->programs_n, sizeof(*seen));
	struct tree t = { s, seen };

	show_heading(s, "Programs");
	if (!s->w->programs_n)
		buf_puts(s->out, "  none\n");
	if (s->program >= 0) {
		show_branch(&t, (uint32_t)s->program, 0);
		return;
	}
	for (uint32_t i = 0; i < s->w->programs_n; i++)
		if (is_root(&s->w->programs[i], i))
			show_branch(&t, i, 0);
	for (uint32_t i = 0; i < s->w->programs_n; i++)
		if (!seen[i]) /* programs that executed each other */
			show_branch(&t, i, 0);
}

/* ---- network */

static void put_protocol(struct buf *b, const struct wl_net *n)
{
	const char *family = const_name(CONST_FAMILY, n->family);
	const char *type = const_name(CONST_SOCKTYPE, n->type);
	bool inet = n->family == AF_INET || n->family == AF_INET6;

	if (inet && n->type == SOCK_STREAM && (!n->protocol || n->protocol == 6))
		buf_puts(b, n->family == AF_INET ? "tcp" : "tcp6");
	else if (inet && n->type == SOCK_DGRAM && (!n->protocol || n->protocol == 17))
		buf_puts(b, n->family == AF_INET ? "udp" : "udp6");
	else if (family)
		buf_puts(b, family);
	else
		buf_printf(b, "family %u", n->family);
	if (inet && (n->type == SOCK_STREAM || n->type == SOCK_DGRAM))
		return;
	if (n->type)
		buf_printf(b, " %s", type ? type : "unknown type");
	if (n->protocol)
		buf_printf(b, " protocol %u", n->protocol);
}

void show_address(struct buf *protocol, struct buf *address, const struct wl_net *n)
{
	put_protocol(protocol, n);
	if (n->family == AF_INET6 && *n->address)
		buf_putc(address, '[');
	show_text(address, n->address);
	if (n->family == AF_INET6 && *n->address)
		buf_putc(address, ']');
	if (n->port)
		buf_printf(address, ":%u", n->port);
}

static void show_endpoint(struct show *s, const struct wl_net *n)
{
	cleanup_buf struct buf proto = { 0 }, phases = { 0 }, address = { 0 };

	show_address(&proto, &address, n);
	show_phases(&phases, n->prov.phases);
	buf_printf(s->out, "  %-8s %-22s %-28s %s", wl_net_op_name(n->op), buf_str(&proto),
		   buf_str(&address), buf_str(&phases));
	if (n->prov.programs.n) {
		buf_puts(s->out, ": ");
		show_programs_of(s, &n->prov.programs);
	}
	buf_putc(s->out, '\n');
}

void show_net(struct show *s)
{
	size_t shown = 0;

	for (size_t i = 0; i < s->w->nets_n; i++) {
		if (!show_wants(s, &s->w->nets[i].prov))
			continue;
		if (!shown++)
			show_heading(s, "Network");
		show_endpoint(s, &s->w->nets[i]);
	}
	if (!shown) {
		show_heading(s, "Network");
		buf_puts(s->out, "  none\n");
	}
}
