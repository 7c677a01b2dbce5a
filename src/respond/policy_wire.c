/* The part of the policy that who acts has to know, as bytes for a process of this program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "respond/policy.h"

enum { TEXT_MAX = 4096, ITEMS_MAX = 10000, ACTIONS_MAX = 1000000, NO_TEXT = 0xffffffff };

struct wire_head {
	uint32_t host, keep; /* keep: 1u << enum respond_action */
	uint32_t allow_n, denials_n;
	uint32_t refuse_late, pad;
	struct {
		uint64_t within;
		uint32_t actions, pad;
	} limits[2]; /* for one container, in all */
};

struct wire_denial {
	uint64_t capabilities;
	uint32_t operations, pad;
};

/* Where the texts of an entry stand in it. */
static const size_t texts[] = {
	offsetof(struct respond_match, container), offsetof(struct respond_match, image),
	offsetof(struct respond_match, namespace), offsetof(struct respond_match, pod),
	offsetof(struct respond_match, program),   offsetof(struct respond_match, user),
	offsetof(struct respond_match, rule),	   offsetof(struct respond_match, tag),
};

static void put_text(struct buf *out, const char *text)
{
	uint32_t len = text ? (uint32_t)strlen(text) : NO_TEXT;

	buf_append(out, &len, sizeof(len));
	if (text)
		buf_append(out, text, len);
}

static void put_match(struct buf *out, const struct respond_match *m)
{
	int32_t priority = m->priority;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		put_text(out, *(const char *const *)((const char *)m + texts[i]));
	buf_append(out, &priority, sizeof(priority));
}

void respond_policy_put(const struct respond_policy *p, struct buf *out)
{
	const struct respond_limit *const limits[2] = { &p->per_container, &p->total };
	struct wire_head head;

	memset(&head, 0, sizeof(head));
	head.host = p->host;
	for (unsigned a = 0; a < RESPOND_ACTION_COUNT; a++)
		head.keep |= p->keep[a] ? 1u << a : 0;
	head.allow_n = (uint32_t)p->allow_n;
	head.denials_n = (uint32_t)p->denials_n;
	head.refuse_late = p->exec.refuse_late;
	for (int i = 0; i < 2; i++) {
		head.limits[i].actions = limits[i]->actions;
		head.limits[i].within = limits[i]->within;
	}
	buf_append(out, &head, sizeof(head));
	put_text(out, p->evidence);
	for (size_t i = 0; i < p->allow_n; i++)
		put_match(out, &p->allow[i]);
	for (size_t i = 0; i < p->denials_n; i++) {
		const struct respond_denial *d = &p->denials[i];
		struct wire_denial one = { d->capabilities, d->operations, 0 };

		put_match(out, &d->match);
		buf_append(out, &one, sizeof(one));
	}
}

/* The bytes that were not looked at yet. */
struct rest {
	const char *p;
	size_t len;
};

static bool take(struct rest *r, void *out, size_t len)
{
	if (r->len < len)
		return false;
	memcpy(out, r->p, len);
	r->p += len;
	r->len -= len;
	return true;
}

static bool take_text(struct respond_policy *p, struct rest *r, const char **out)
{
	uint32_t len;
	char *text;

	*out = NULL;
	if (!take(r, &len, sizeof(len)))
		return false;
	if (len == NO_TEXT)
		return true;
	if (len >= TEXT_MAX || r->len < len || memchr(r->p, '\0', len))
		return false;
	text = arena_alloc(&p->arena, len + 1);
	memcpy(text, r->p, len);
	text[len] = '\0';
	r->p += len;
	r->len -= len;
	*out = text;
	return true;
}

static bool take_match(struct respond_policy *p, struct rest *r, struct respond_match *m)
{
	int32_t priority;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!take_text(p, r, (const char **)(void *)((char *)m + texts[i])))
			return false;
	if (!take(r, &priority, sizeof(priority)) || priority < -1)
		return false;
	m->priority = priority;
	return true;
}

static bool take_denial(struct respond_policy *p, struct rest *r, struct respond_denial *d)
{
	struct wire_denial one;

	if (!take_match(p, r, &d->match) || !take(r, &one, sizeof(one)) ||
	    one.operations >> RESPOND_OP_COUNT)
		return false;
	d->operations = one.operations;
	d->capabilities = one.capabilities;
	return true;
}

static bool take_head(struct respond_policy *p, struct rest *r, struct wire_head *head)
{
	struct respond_limit *const limits[2] = { &p->per_container, &p->total };

	if (!take(r, head, sizeof(*head)) || head->allow_n > ITEMS_MAX ||
	    head->denials_n > ITEMS_MAX || head->keep >> RESPOND_ACTION_COUNT)
		return false;
	for (int i = 0; i < 2; i++) {
		if (head->limits[i].actions > ACTIONS_MAX || !head->limits[i].within)
			return false;
		limits[i]->actions = head->limits[i].actions;
		limits[i]->within = head->limits[i].within;
	}
	p->enforce = true;
	p->host = head->host;
	p->exec.refuse_late = head->refuse_late;
	for (unsigned a = 0; a < RESPOND_ACTION_COUNT; a++)
		p->keep[a] = head->keep >> a & 1;
	return take_text(p, r, &p->evidence) && p->evidence && p->evidence[0] == '/';
}

static bool take_all(struct respond_policy *p, struct rest *r)
{
	struct wire_head head;

	if (!take_head(p, r, &head))
		return false;
	for (uint32_t i = 0; i < head.allow_n; i++) {
		struct respond_match m = { 0 };

		if (!take_match(p, r, &m))
			return false;
		*vec_push(p->allow, p->allow_n, p->allow_cap) = m;
	}
	for (uint32_t i = 0; i < head.denials_n; i++) {
		struct respond_denial d = { 0 };

		if (!take_denial(p, r, &d))
			return false;
		*vec_push(p->denials, p->denials_n, p->denials_cap) = d;
	}
	return !r->len;
}

int respond_policy_take(struct respond_policy *out, const void *bytes, size_t len, struct err *e)
{
	struct rest r = { bytes, len };
	struct respond_policy p;

	respond_policy_init(&p);
	if (!take_all(&p, &r)) {
		respond_policy_free(&p);
		return err_set(e, EINVAL,
			       "what is said of the response policy is out of its bounds");
	}
	respond_policy_free(out);
	*out = p;
	return 0;
}
