#include "node/set.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/sha256.h"

enum { LABEL_NAME_MAX = 63 };

static const struct {
	const char *name, *ending;
} kinds[NODE_KIND_COUNT] = {
	[NODE_SECCOMP] = { "seccomp", ".json" },
	[NODE_APPARMOR] = { "apparmor", ".apparmor" },
	[NODE_SELINUX] = { "selinux", ".cil" },
};

static const char *const states[NODE_STATE_COUNT] = {
	[NODE_PENDING] = "Pending", [NODE_INSTALLED] = "Installed",	[NODE_REFUSED] = "Refused",
	[NODE_FAILED] = "Failed",   [NODE_UNAVAILABLE] = "Unavailable",
};

const char *node_kind_name(enum node_kind k)
{
	return kinds[k].name;
}

const char *node_state_name(enum node_state s)
{
	return states[s];
}

int node_kind_of_file(const char *file)
{
	size_t n = strlen(file);

	for (int k = 0; k < NODE_KIND_COUNT; k++) {
		size_t e = strlen(kinds[k].ending);

		if (n > e && !strcmp(file + n - e, kinds[k].ending))
			return k;
	}
	return -1;
}

char *node_name_of_file(const char *file)
{
	int k = node_kind_of_file(file);
	size_t n = strlen(file) - (k < 0 ? 0 : strlen(kinds[k].ending));

	return xasprintf("%.*s", (int)n, file);
}

bool node_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > NODE_NAME_MAX || !isalnum((unsigned char)name[0]) ||
	    !isalnum((unsigned char)name[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return true;
}

static void short_hash(const void *data, size_t len, char out[NODE_HASH])
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256(data, len, digest);
	sha256_hex(digest, hex);
	memcpy(out, hex, NODE_HASH - 1);
	out[NODE_HASH - 1] = '\0';
}

char *node_label(enum node_kind k, const char *name)
{
	size_t room = LABEL_NAME_MAX - strlen(kinds[k].name) - 1;
	char hash[NODE_HASH];

	if (strlen(name) <= room)
		return xasprintf(NODE_DOMAIN "/%s.%s", kinds[k].name, name);
	short_hash(name, strlen(name), hash);
	return xasprintf(NODE_DOMAIN "/%s.%.*s-%s", kinds[k].name, (int)(room - NODE_HASH), name,
			 hash);
}

bool node_label_is_ours(const char *key)
{
	size_t domain = strlen(NODE_DOMAIN "/");

	if (strncmp(key, NODE_DOMAIN "/", domain))
		return false;
	for (int k = 0; k < NODE_KIND_COUNT; k++) {
		size_t n = strlen(kinds[k].name);

		if (!strncmp(key + domain, kinds[k].name, n) && key[domain + n] == '.')
			return true;
	}
	return false;
}

/* ---- the set */

static void profile_free(struct node_profile *p)
{
	free(p->name);
	free(p->origin);
	free(p->text);
	free(p->problem);
	free(p);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct node_profile *find_own(const struct node_set *s, unsigned source, const char *origin,
				     enum node_kind kind, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		struct node_profile *p = s->v[i];

		if (p->source == source && p->kind == kind && !strcmp(p->name, name) &&
		    !strcmp(p->origin, origin))
			return p;
	}
	return NULL;
}

bool node_set_put(struct node_set *s, unsigned source, const char *origin, enum node_kind kind,
		  const char *name, const char *text, size_t len, const char *problem)
{
	struct node_profile *p = find_own(s, source, origin, kind, name);

	if (!text)
		text = "", len = 0;
	if (!p) {
		if (s->n >= NODE_MAX_PROFILES)
			return false;
		p = xcalloc(1, sizeof(*p));
		p->source = source;
		p->kind = kind;
		p->name = xstrdup(name);
		p->origin = xstrdup(origin);
		*vec_push(s->v, s->n, s->cap) = p;
	} else if (p->len == len && !memcmp(p->text, text, len) && same_text(p->problem, problem)) {
		p->marked = false;
		return true;
	}
	free(p->text);
	free(p->problem);
	p->text = xcalloc(1, len + 1);
	memcpy(p->text, text, len);
	p->len = len;
	p->problem = problem ? xstrdup(problem) : NULL;
	short_hash(text, len, p->hash);
	p->marked = p->checked = p->told = false;
	p->state = NODE_PENDING;
	return true;
}

static bool is_of(const struct node_profile *p, unsigned source, const char *origin)
{
	return p->source == source && (!origin || !strcmp(p->origin, origin));
}

void node_set_begin(struct node_set *s, unsigned source, const char *origin)
{
	for (size_t i = 0; i < s->n; i++)
		s->v[i]->marked |= is_of(s->v[i], source, origin);
}

void node_set_end(struct node_set *s, unsigned source, const char *origin)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct node_profile *p = s->v[i];

		if (is_of(p, source, origin) && p->marked)
			profile_free(p);
		else
			s->v[kept++] = p;
	}
	s->n = kept;
}

struct node_profile *node_set_find(const struct node_set *s, enum node_kind kind, const char *name)
{
	struct node_profile *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct node_profile *p = s->v[i];

		if (p->kind != kind || strcmp(p->name, name))
			continue;
		if (!best || p->source < best->source ||
		    (p->source == best->source && strcmp(p->origin, best->origin) < 0))
			best = p;
	}
	return best;
}

void node_set_free(struct node_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		profile_free(s->v[i]);
	free(s->v);
	*s = (struct node_set){ 0 };
}

void node_profile_is(struct node_profile *p, enum node_state state, const char *fmt, ...)
{
	char message[NODE_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (p->state == state && !strcmp(p->message, message))
		return;
	if (p->state != state || !p->since)
		p->since = time(NULL);
	p->told = false;
	p->state = state;
	memcpy(p->message, message, sizeof(message));
}
