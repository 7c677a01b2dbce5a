/* Facts as lines. */
#include "enrich/facts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/watch_members.h"
#include "enrich/enrich_private.h"
#include "enrich/facts_private.h"

/*
 * Of a container: its files have 4 MiB, with labels that whoever made the image chose, and a line
 * of a capture has a mebibyte at most.
 */
enum { CONTAINER_LINE_MAX = 768 * 1024 };

static void put_key(struct buf *b, const char *key)
{
	if (b->p[b->len - 1] != '{')
		buf_putc(b, ',');
	buf_printf(b, "\"%s\":", key);
}

static void put_text(struct buf *b, const char *key, const char *s)
{
	if (!s)
		return;
	put_key(b, key);
	json_put_bytes(b, s);
}

static void put_number(struct buf *b, const char *key, uint64_t v)
{
	if (!v)
		return;
	put_key(b, key);
	buf_printf(b, "%" PRIu64, v);
}

static void put_flag(struct buf *b, const char *key, int v)
{
	if (v < 0)
		return;
	put_key(b, key);
	buf_puts(b, v ? "true" : "false");
}

/* As capture_parts.c has them. */
static void put_strings(struct buf *b, const char *key, const char *p, size_t len)
{
	if (!len)
		return;
	put_key(b, key);
	json_put_strings(b, p, len);
}

static void tell(const struct outside *o, struct buf *b)
{
	buf_puts(b, "}}");
	o->tell(buf_str(b), o->ctx);
}

void fact_process(const struct outside *o, const struct process *p, uint32_t ppid)
{
	const struct program *g = p->program;
	struct watch_proc facts = g->facts;
	cleanup_buf struct buf b = { 0 };

	if (!o->tell)
		return;
	buf_puts(&b, "{\"process\":{");
	put_number(&b, "pid", p->pid);
	put_number(&b, "ppid", ppid);
	put_number(&b, "vpid", p->vpid);
	put_number(&b, "start", p->start);
	put_number(&b, "tty", p->tty);
	if (p->loginuid != ~0u) {
		put_key(&b, "loginuid");
		buf_printf(&b, "%" PRIu32, p->loginuid);
	}
	put_text(&b, "comm", p->comm);
	put_text(&b, "exe", g->exepath);
	put_strings(&b, "argv", g->argv, g->argv_len);
	if (o->env)
		put_strings(&b, "env", g->env, g->env_len);
	put_text(&b, "cwd", process_cwd(p));
	put_text(&b, "cgroup", g->cgroup);
	buf_puts(&b, ",\"proc\":{");
	facts.sid = process_sid(p);
	watch_members_put(&b, watch_proc_members, &facts);
	buf_putc(&b, '}');
	tell(o, &b);
}

void fact_gone(const struct outside *o, uint32_t pid)
{
	cleanup_buf struct buf b = { 0 };

	if (!o->tell)
		return;
	buf_printf(&b, "{\"gone\":{\"pid\":%" PRIu32, pid);
	tell(o, &b);
}

/* How many members are left out when the last one, which begins there, is one too many. */
static unsigned cut_back(struct buf *b, size_t begin)
{
	if (b->len <= CONTAINER_LINE_MAX)
		return 0;
	b->len = begin;
	b->p[begin] = '\0';
	return 1;
}

static unsigned put_labels(struct buf *b, const struct container *c)
{
	unsigned left_out = 0;

	if (!c->labels_n)
		return 0;
	put_key(b, "labels");
	buf_putc(b, '{');
	for (size_t i = 0; i < c->labels_n; i++) {
		size_t begin = b->len;

		if (b->p[begin - 1] != '{')
			buf_putc(b, ',');
		json_put_bytes(b, c->labels[i].key);
		buf_putc(b, ':');
		json_put_bytes(b, c->labels[i].value);
		left_out += cut_back(b, begin);
	}
	buf_putc(b, '}');
	return left_out;
}

static unsigned put_mounts(struct buf *b, const struct container *c)
{
	unsigned left_out = 0;

	if (!c->mounts_n)
		return 0;
	put_key(b, "mounts");
	buf_putc(b, '[');
	for (size_t i = 0; i < c->mounts_n; i++) {
		const struct container_mount *m = &c->mounts[i];
		size_t begin = b->len;

		buf_puts(b, b->p[begin - 1] == '[' ? "{" : ",{");
		put_text(b, "source", m->source);
		put_text(b, "dest", m->dest);
		put_text(b, "mode", m->mode);
		put_text(b, "propagation", m->propagation);
		put_flag(b, "rw", m->rw);
		buf_putc(b, '}');
		left_out += cut_back(b, begin);
	}
	buf_putc(b, ']');
	return left_out;
}

static void tell_left_out(const struct outside *o, const struct container *c, unsigned n)
{
	cleanup_buf struct buf b = { 0 };

	if (!n)
		return;
	buf_printf(&b,
		   "{\"note\":\"container %.12s: %u of its names, labels and mounts are "
		   "left out, its line would be too long\"}",
		   c->id, n);
	o->tell(buf_str(&b), o->ctx);
}

void fact_container(const struct outside *o, const struct container *c)
{
	cleanup_buf struct buf b = { 0 };
	unsigned left_out = 0;

	if (!o->tell)
		return;
	buf_puts(&b, "{\"container\":{");
	put_text(&b, "id", c->id);
	put_text(&b, "engine", container_engine_name(c->engine));
	for (const struct container_text *t = container_texts; t->name; t++) {
		size_t begin = b.len;

		put_text(&b, t->name, *container_text_of((struct container *)(uintptr_t)c, t));
		left_out += cut_back(&b, begin);
	}
	for (const struct container_text *t = container_flags; t->name; t++)
		put_flag(&b, t->name, *container_flag_of((struct container *)(uintptr_t)c, t));
	put_number(&b, "started", c->started);
	left_out += put_labels(&b, c);
	left_out += put_mounts(&b, c);
	tell(o, &b);
	tell_left_out(o, c, left_out);
}

void fact_user(const struct outside *o, uint64_t mnt_ns, uint32_t uid, const struct user *u)
{
	cleanup_buf struct buf b = { 0 };

	buf_printf(&b, "{\"user\":{\"uid\":%" PRIu32, uid);
	put_number(&b, "mnt_ns", mnt_ns);
	if (u) {
		put_text(&b, "name", u->name);
		put_text(&b, "home", u->home);
		put_text(&b, "shell", u->shell);
	}
	tell(o, &b);
}

void fact_group(const struct outside *o, uint64_t mnt_ns, uint32_t gid, const char *name)
{
	cleanup_buf struct buf b = { 0 };

	buf_printf(&b, "{\"group\":{\"gid\":%" PRIu32, gid);
	put_number(&b, "mnt_ns", mnt_ns);
	put_text(&b, "name", name);
	tell(o, &b);
}

void fact_name(const struct outside *o, const struct ev_addr *a, const char *name, bool gone)
{
	cleanup_buf struct buf b = { 0 };
	char text[INET6_ADDRSTRLEN];

	if (!o->tell || !inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->b, text, sizeof(text)))
		return;
	buf_puts(&b, "{\"name\":{");
	put_text(&b, "address", text);
	put_text(&b, "name", name);
	if (gone)
		put_flag(&b, "gone", true);
	tell(o, &b);
}
