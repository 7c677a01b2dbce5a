/* A model as text. One list item is one line, so that versions of a file compare well. */
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "model/caps.h"
#include "model/constants.h"
#include "model/workload_private.h"

/* Begins a member; the first one of an object stands right behind the brace. */
static void put_key(struct buf *b, const char *key)
{
	if (b->len && b->p[b->len - 1] != '{')
		buf_puts(b, ", ");
	buf_printf(b, "\"%s\": ", key);
}

static void put_text(struct buf *b, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	put_key(b, key);
	json_put_bytes(b, text);
}

static void put_number(struct buf *b, const char *key, uint64_t n)
{
	put_key(b, key);
	buf_printf(b, "%llu", (unsigned long long)n);
}

static void put_flag(struct buf *b, const char *key, bool set)
{
	if (!set)
		return;
	put_key(b, key);
	buf_puts(b, "true");
}

/* The names of the set bits. */
static void put_bits(struct buf *b, const char *key, uint32_t bits, unsigned n,
		     const char *(*name)(unsigned))
{
	const char *sep = "";

	if (!bits)
		return;
	put_key(b, key);
	buf_putc(b, '[');
	for (unsigned i = 0; i < n; i++) {
		if (!(bits & 1u << i))
			continue;
		buf_printf(b, "%s\"%s\"", sep, name(i));
		sep = ", ";
	}
	buf_putc(b, ']');
}

static const char *phase_name(unsigned i)
{
	return wl_phase_name((enum wl_phase)i);
}

static void put_programs(struct buf *b, const char *key, const struct workload *w,
			 const struct wl_set *s)
{
	if (!s->n)
		return;
	put_key(b, key);
	for (size_t i = 0; i < s->n; i++) {
		buf_puts(b, i ? ", " : "[");
		json_put_bytes(b, w->programs[s->v[i]].path);
	}
	buf_putc(b, ']');
}

static void put_sources(struct buf *b, const struct wl_set *s)
{
	if (!s->n)
		return;
	put_key(b, "sources");
	for (size_t i = 0; i < s->n; i++)
		buf_printf(b, "%s%u", i ? ", " : "[", s->v[i]);
	buf_putc(b, ']');
}

static void put_prov(struct buf *b, const struct workload *w, const struct wl_prov *p)
{
	put_bits(b, "phases", p->phases, WL_PHASE_COUNT, phase_name);
	put_programs(b, "programs", w, &p->programs);
	put_sources(b, &p->sources);
}

/* Begins an item of a list whose items are indented by `depth`. */
static void put_item(struct buf *b, size_t i, int depth)
{
	buf_printf(b, "%s\n%*s{", i ? "," : "", depth, "");
}

static void put_identity(struct buf *b, const struct wl_identity *id)
{
	buf_puts(b, ",\n  \"identity\": {");
	put_text(b, "name", id->name);
	put_text(b, "image", id->image);
	put_text(b, "digest", id->digest);
	put_text(b, "runtime", id->runtime);
	put_text(b, "arch", id->arch);
	if (id->entrypoint_n) {
		put_key(b, "entrypoint");
		for (size_t i = 0; i < id->entrypoint_n; i++) {
			buf_puts(b, i ? ", " : "[");
			json_put_bytes(b, id->entrypoint[i]);
		}
		buf_putc(b, ']');
	}
	buf_putc(b, '}');
}

static void put_source(struct buf *b, const struct wl_source *s)
{
	put_text(b, "kind", wl_source_kind_name(s->kind));
	put_text(b, "target", s->target);
	put_text(b, "started", s->started);
	put_text(b, "ended", s->ended);
	put_text(b, "kernel", s->kernel);
	put_text(b, "version", s->version);
	put_number(b, "runs", s->runs);
	put_key(b, "complete");
	buf_puts(b, s->complete ? "true" : "false");
	put_flag(b, "supplement", s->supplement);
	put_text(b, "incomplete_reason", s->incomplete_reason);
	if (s->loss_n) {
		put_key(b, "lost");
		for (size_t i = 0; i < s->loss_n; i++) {
			buf_puts(b, i ? ", " : "{");
			json_put_bytes(b, s->loss[i].what);
			buf_printf(b, ": %llu", (unsigned long long)s->loss[i].count);
		}
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
}

/* The lists of the top level; a list without items is left out. */
static void begin_list(struct buf *b, const char *key)
{
	buf_printf(b, ",\n  \"%s\": [", key);
}

static void put_sources_list(struct buf *b, const struct workload *w)
{
	if (!w->sources_n)
		return;
	begin_list(b, "sources");
	for (size_t i = 0; i < w->sources_n; i++) {
		put_item(b, i, 4);
		put_source(b, &w->sources[i]);
	}
	buf_puts(b, "\n  ]");
}

static void put_programs_list(struct buf *b, const struct workload *w)
{
	if (!w->programs_n)
		return;
	begin_list(b, "programs");
	for (size_t i = 0; i < w->programs_n; i++) {
		const struct wl_program *p = &w->programs[i];

		put_item(b, i, 4);
		put_key(b, "path"); /* "" has a meaning: unknown */
		json_put_bytes(b, p->path);
		put_text(b, "interpreter", p->interpreter);
		put_programs(b, "parents", w, &p->parents);
		put_sources(b, &p->sources);
		buf_putc(b, '}');
	}
	buf_puts(b, "\n  ]");
}

static void put_call(struct buf *b, const struct workload *w, const struct wl_syscall *s,
		     const struct wl_call *c)
{
	cleanup_buf struct buf text = { 0 };

	put_key(b, "index");
	for (unsigned i = 0; i < c->n; i++)
		buf_printf(b, "%s%u", i ? ", " : "[", c->index[i]);
	buf_putc(b, ']');
	for (unsigned i = 0; c->rule && i < c->n; i++)
		buf_printf(b, "%s%llu%s", i ? ", " : ", \"mask\": [",
			   (unsigned long long)c->mask[i], i + 1 == c->n ? "]" : "");
	buf_puts(b, ", \"value\": ");
	for (unsigned i = 0; i < c->n; i++)
		buf_printf(b, "%s%llu", i ? ", " : "[", (unsigned long long)c->value[i]);
	buf_putc(b, ']');
	const_call(s, c, &text);
	put_text(b, "text", buf_str(&text));
	put_prov(b, w, &c->prov);
	buf_putc(b, '}');
}

static void put_syscall(struct buf *b, const struct workload *w, const struct wl_syscall *s)
{
	if (s->desc)
		put_text(b, "name", s->desc->name);
	else
		put_number(b, "number", s->nr);
	put_prov(b, w, &s->prov);
	if (s->calls_n && s->any.sources.n + s->any.phases) {
		put_key(b, "any_arguments");
		buf_putc(b, '{');
		put_prov(b, w, &s->any);
		buf_putc(b, '}');
	}
	if (s->calls_n) {
		put_key(b, "arguments");
		buf_putc(b, '[');
		for (size_t i = 0; i < s->calls_n; i++) {
			put_item(b, i, 8);
			put_call(b, w, s, &s->calls[i]);
		}
		buf_puts(b, "\n      ]");
	}
	buf_putc(b, '}');
}

static void put_syscalls(struct buf *b, const struct workload *w)
{
	size_t i = 0, in_abi = 0;

	if (!w->syscalls_n)
		return;
	buf_puts(b, ",\n  \"syscalls\": {");
	for (; i < w->syscalls_n; i++) {
		const struct wl_syscall *s = &w->syscalls[i];

		if (!i || s->abi != s[-1].abi) {
			buf_printf(b, "%s\n    \"%s\": [", i ? "\n    ]," : "",
				   sc_abi_name(s->abi));
			in_abi = 0;
		}
		put_item(b, in_abi++, 6);
		put_syscall(b, w, s);
	}
	buf_puts(b, "\n    ]\n  }");
}

static void put_cap(struct buf *b, const struct workload *w, const struct wl_cap *c)
{
	const struct bcap_desc *d = bcap_by_nr(c->nr);

	if (d)
		put_text(b, "name", d->name);
	else
		put_number(b, "number", c->nr);
	put_text(b, "result", wl_cap_result_name(c->result));
	put_key(b, "uses");
	buf_putc(b, '[');
	for (size_t i = 0; i < c->uses_n; i++) {
		const struct wl_cap_use *u = &c->uses[i];

		put_item(b, i, 6);
		put_text(b, "syscall", u->syscall);
		put_text(b, "function", u->function);
		put_flag(b, "speculative", u->speculative);
		put_flag(b, "inferred", u->inferred);
		put_prov(b, w, &u->prov);
		buf_putc(b, '}');
	}
	buf_puts(b, "\n    ]}");
}

static void put_caps(struct buf *b, const struct workload *w)
{
	if (!w->caps_n)
		return;
	begin_list(b, "capabilities");
	for (size_t i = 0; i < w->caps_n; i++) {
		put_item(b, i, 4);
		put_cap(b, w, &w->caps[i]);
	}
	buf_puts(b, "\n  ]");
}

static void put_files(struct buf *b, const struct workload *w)
{
	if (!w->files_n)
		return;
	begin_list(b, "files");
	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];

		put_item(b, i, 4);
		put_text(b, "path", f->path);
		put_flag(b, "pattern", f->pattern);
		put_bits(b, "access", f->access, WL_F_BITS, wl_access_name);
		put_prov(b, w, &f->prov);
		buf_putc(b, '}');
	}
	buf_puts(b, "\n  ]");
}

/* A name where there is one, else the number. */
static void put_const(struct buf *b, const char *key, const char *name, unsigned value)
{
	if (name)
		put_text(b, key, name);
	else
		put_number(b, key, value);
}

static void put_nets(struct buf *b, const struct workload *w)
{
	if (!w->nets_n)
		return;
	begin_list(b, "network");
	for (size_t i = 0; i < w->nets_n; i++) {
		const struct wl_net *n = &w->nets[i];

		put_item(b, i, 4);
		put_text(b, "op", wl_net_op_name(n->op));
		put_const(b, "family", const_name(CONST_FAMILY, n->family), n->family);
		if (n->type)
			put_const(b, "type", const_name(CONST_SOCKTYPE, n->type), n->type);
		if (n->protocol)
			put_const(b, "protocol", wl_net_protocol_name(n->family, n->protocol),
				  n->protocol);
		put_text(b, "address", n->address);
		if (n->port)
			put_number(b, "port", n->port);
		put_prov(b, w, &n->prov);
		buf_putc(b, '}');
	}
	buf_puts(b, "\n  ]");
}

void wl_write(struct workload *w, struct buf *out)
{
	wl_sort(w);
	buf_puts(out, "{\n  \"format\": \"" WL_FORMAT "\"");
	put_identity(out, &w->identity);
	put_sources_list(out, w);
	put_programs_list(out, w);
	put_syscalls(out, w);
	put_caps(out, w);
	put_files(out, w);
	put_nets(out, w);
	if (w->sequences)
		buf_printf(out, ",\n  \"sequences\": %s", w->sequences);
	buf_puts(out, "\n}\n");
}

int wl_save(struct workload *w, const char *path, struct err *e)
{
	cleanup_buf struct buf out = { .max = WL_MAX_BYTES };

	wl_write(w, &out);
	if (out.overflow)
		return err_set(e, EFBIG, "%s: the model would be larger than the limit of %d bytes",
			       path && strcmp(path, "-") ? path : "standard output", WL_MAX_BYTES);
	return io_write_file(path, out.p, out.len, e);
}

int wl_load(struct workload *w, const char *path, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int r = json_load(&d, path, WL_MAX_BYTES, e);

	if (r < 0) {
		wl_init(w);
		return r;
	}
	return wl_read(w, &d, e);
}
