/*
 * Configuration of bane (TOML) for one container. Meaning of the keys: genuinetools/bane
 * apparmor/apparmor.go and template.go, which print "file," before everything else; so half of the
 * keys change nothing there. Strict takes them as they are meant; compatible as bane did.
 */
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "import/import.h"
#include "import/toml.h"
#include "model/caps.h"
#include "model/policy.h"

#define WRITES (WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE | WL_F_META)
#define ALL    (WL_F_READ | WRITES | WL_F_EXEC | WL_F_MAP | WL_F_LOCK | WL_F_LINK)

struct bane {
	struct import im;
	struct policy policy;
	struct toml toml;
	const char *name;
	bool compatible, widened;
	struct err *e;
};

static int wrong(struct bane *b, unsigned line, unsigned col, const char *what, const char *text)
{
	return err_set(b->e, EINVAL, "%s:%u:%u: %s: '%.80s'", b->name, line, col, what, text);
}

/* The list of a key, NULL when it is not there; of another type: an error. */
static int list(struct bane *b, const char *key, struct toml_value **out)
{
	*out = toml_get(&b->toml, key);
	if (*out && (*out)->type != TOML_STRINGS)
		return wrong(b, (*out)->line, (*out)->col, "expected a list of strings", key);
	return 0;
}

static int boolean(struct bane *b, const char *key, bool *out)
{
	struct toml_value *v = toml_get(&b->toml, key);

	*out = v && v->yes;
	if (v && v->type != TOML_BOOL)
		return wrong(b, v->line, v->col, "expected true or false", key);
	return 0;
}

static void no_effect(struct bane *b, const struct toml_value *v, const char *why)
{
	if (v && v->n)
		import_note(&b->im, "%s:%u:%u: %s had no effect in bane: %s", b->name, v->line,
			    v->col, v->key, why);
}

static int paths(struct bane *b, const struct toml_value *v, uint32_t access)
{
	for (size_t i = 0; v && i < v->n; i++) {
		const struct toml_string *s = &v->item[i];
		int r = policy_path(&b->policy, s->text, access);

		if (r < 0)
			return wrong(b, s->line, s->col, "not an absolute path or glob", s->text);
		b->widened |= r > 0;
		if ((access & WL_F_EXEC) && !strpbrk(s->text, "*?[{@\\"))
			import_program(&b->im, s->text);
	}
	return 0;
}

/* What refuses in bane and is not allowed here anyway, or, compatible, cannot be said. */
static void denied(struct bane *b, const struct toml_value *v, const char *what)
{
	if (v && v->n && b->compatible)
		import_note(&b->im,
			    "%s:%u:%u: %s (%zu paths): %s; a model cannot take that out of "
			    "everything",
			    b->name, v->line, v->col, v->key, v->n, what);
}

static int filesystem(struct bane *b)
{
	struct toml_value *read_only, *logged, *writable, *exec, *no_exec;
	int r = list(b, "Filesystem.ReadOnlyPaths", &read_only);

	if (!r)
		r = list(b, "Filesystem.LogOnWritePaths", &logged);
	if (!r)
		r = list(b, "Filesystem.WritablePaths", &writable);
	if (!r)
		r = list(b, "Filesystem.AllowExec", &exec);
	if (!r)
		r = list(b, "Filesystem.DenyExec", &no_exec);
	if (r)
		return r;
	no_effect(b, exec, "its profiles begin with \"file,\", which allows to execute everything");
	no_effect(b, writable,
		  "its profiles begin with \"file,\", and a path below one of "
		  "ReadOnlyPaths stays read-only");
	denied(b, read_only, "not writable");
	denied(b, no_exec, "no access");
	if (b->compatible)
		return policy_path(&b->policy, "/**", ALL);
	if (logged && logged->n)
		import_note(&b->im,
			    "%s:%u:%u: %s are left out: they say what is logged, not what "
			    "is needed",
			    b->name, logged->line, logged->col, logged->key);
	r = paths(b, read_only, WL_F_READ);
	if (!r)
		r = paths(b, writable, WL_F_READ | WRITES);
	if (!r)
		r = paths(b, exec, WL_F_READ | WL_F_EXEC | WL_F_MAP);
	if (!r && exec && exec->n) { /* dynamic programs need their loader and libraries */
		policy_path(&b->policy, "/{,usr/}lib{,32,64,x32}/**", WL_F_READ | WL_F_MAP);
		policy_path(&b->policy, "/etc/ld.so.cache", WL_F_READ);
	}
	return r;
}

static int caps_of(struct bane *b, const struct toml_value *v, uint64_t *mask)
{
	*mask = 0;
	for (size_t i = 0; v && i < v->n; i++) {
		const struct bcap_desc *d = bcap_by_name(v->item[i].text);

		if (!d)
			return wrong(b, v->item[i].line, v->item[i].col,
				     "expected a capability such as net_bind_service",
				     v->item[i].text);
		*mask |= UINT64_C(1) << d->nr;
	}
	return 0;
}

static int capabilities(struct bane *b)
{
	struct toml_value *allow, *deny;
	uint64_t allowed, refused, all = (UINT64_C(1) << BCAP_COUNT) - 1;
	int r = list(b, "Capabilities.Allow", &allow);

	if (!r)
		r = list(b, "Capabilities.Deny", &deny);
	if (!r)
		r = caps_of(b, allow, &allowed);
	if (!r)
		r = caps_of(b, deny, &refused);
	if (r)
		return r;
	if (deny && deny->n) {
		no_effect(b, allow,
			  "Capabilities.Deny is not empty, and then all others are "
			  "allowed");
		if (b->compatible || !allow || !allow->n)
			allowed = all;
		if (!b->compatible && (!allow || !allow->n))
			import_note(&b->im,
				    "%s:%u:%u: only Capabilities.Deny is given: every other "
				    "capability is in the model",
				    b->name, deny->line, deny->col);
	}
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if ((allowed & ~refused) >> nr & 1)
			policy_cap(&b->policy, nr);
	return 0;
}

static int network(struct bane *b)
{
	struct toml_value *protocols;
	bool raw, packet;
	int r = boolean(b, "Network.Raw", &raw);

	if (!r)
		r = boolean(b, "Network.Packet", &packet);
	if (!r)
		r = list(b, "Network.Protocols", &protocols);
	if (r)
		return r;
	if (b->compatible && (!protocols || !protocols->n)) {
		policy_any_socket(&b->policy);
		return 0;
	}
	for (size_t i = 0; protocols && i < protocols->n; i++) {
		const struct toml_string *s = &protocols->item[i];
		uint16_t type;

		if (!policy_socktype(s->text, &type))
			return wrong(b, s->line, s->col, "expected tcp, udp or a socket type",
				     s->text);
		policy_socket(&b->policy, AF_INET, type);
		if (!b->compatible)
			policy_socket(&b->policy, AF_INET6, type);
	}
	if (raw) {
		policy_socket(&b->policy, AF_INET, SOCK_RAW);
		policy_socket(&b->policy, AF_INET6, SOCK_RAW);
	}
	if (packet)
		policy_socket(&b->policy, AF_PACKET, SOCK_RAW);
	if (!b->compatible)
		policy_socket(&b->policy, AF_UNIX, 0);
	return 0;
}

static void unused(struct bane *b)
{
	static const char *const lines[] = { "Imports", "InnerImports" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct toml_value *v = toml_get(&b->toml, lines[i]);

		if (v)
			import_note(&b->im, "%s:%u:%u: %s: included files are not read", b->name,
				    v->line, v->col, v->key);
	}
	for (size_t i = 0; i < b->toml.n; i++)
		if (!b->toml.value[i].used)
			import_note(&b->im, "%s:%u:%u: %s is no key of bane: no effect", b->name,
				    b->toml.value[i].line, b->toml.value[i].col,
				    b->toml.value[i].key);
}

static int read_config(struct bane *b)
{
	struct toml_value *name = toml_get(&b->toml, "Name");
	int r;

	if (name && name->type != TOML_STRING)
		return wrong(b, name->line, name->col, "expected a string", "Name");
	r = filesystem(b);
	if (!r)
		r = capabilities(b);
	if (!r)
		r = network(b);
	if (r)
		return r;
	unused(b);
	policy_starts(&b->policy);
	if (name && name->item[0].text[0])
		b->im.w->identity.name = wl_string(b->im.w, name->item[0].text);
	b->im.w->identity.arch = wl_string(b->im.w, sc_abi_name(b->im.o->arch));
	if (b->widened)
		import_note(&b->im, "? and [abc] in paths became *, which is more");
	import_incomplete(&b->im, "bane says nothing of system calls");
	return 0;
}

int import_bane(struct workload *w, const struct import_input *in, const struct import_options *o,
		struct buf *notes, struct err *e)
{
	struct bane b = { .name = in->name, .compatible = o->compatible, .e = e };
	cleanup_buf struct buf text = { 0 }, target = { 0 };
	int r = import_text(in, &text, e);

	if (r < 0)
		return r;
	r = toml_parse(&b.toml, in->name, buf_str(&text), text.len, e);
	if (!r && !b.toml.n)
		r = err_set(e, EINVAL, "%s: no key of bane's configuration in it", in->name);
	if (!r) {
		buf_printf(&target, "bane configuration %s%s", in->name,
			   o->compatible ? ", as bane took it" : "");
		import_begin(&b.im, w, o, notes, buf_str(&target));
		w->sources[b.im.source].kind = WL_POLICY;
		b.policy = (struct policy){ .w = w, .source = b.im.source, .abi = o->arch };
		r = read_config(&b);
		import_end(&b.im);
	}
	toml_free(&b.toml);
	return r;
}
