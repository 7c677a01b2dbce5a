#include "respond/policy.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	DEFAULT_PER_CONTAINER = 5,
	DEFAULT_TOTAL = 30,
};
#define MINUTE_NS UINT64_C(60000000000)

void respond_policy_init(struct respond_policy *p)
{
	*p = (struct respond_policy){
		.per_container = { DEFAULT_PER_CONTAINER, MINUTE_NS },
		.total = { DEFAULT_TOTAL, MINUTE_NS },
		.evidence = RESPOND_EVIDENCE,
	};
}

void respond_policy_free(struct respond_policy *p)
{
	free(p->allow);
	free(p->reactions);
	free(p->denials);
	free(p->exec.hashes);
	free(p->exec.models);
	free(p->exec.yara);
	arena_free(&p->arena);
	*p = (struct respond_policy){ 0 };
}

static bool matches(const char *pattern, const char *text)
{
	return !pattern || (text && fnmatch(pattern, text, 0) == 0);
}

static bool has_tag(const char *pattern, const struct respond_subject *s)
{
	for (size_t i = 0; pattern && i < s->tags_n; i++)
		if (matches(pattern, s->tags[i]))
			return true;
	return !pattern;
}

bool respond_match(const struct respond_match *m, const struct respond_subject *s)
{
	return (matches(m->container, s->container_name) ||
		matches(m->container, s->container_id)) &&
	       matches(m->image, s->image) && matches(m->namespace, s->namespace) &&
	       matches(m->pod, s->pod) && matches(m->program, s->program) &&
	       matches(m->user, s->user) && matches(m->rule, s->rule) && has_tag(m->tag, s) &&
	       (m->priority < 0 || (s->priority >= 0 && s->priority <= m->priority));
}

unsigned respond_policy_actions(const struct respond_policy *p, const struct respond_subject *s)
{
	unsigned actions = 0;

	for (size_t i = 0; i < p->reactions_n; i++)
		if (respond_match(&p->reactions[i].match, s))
			actions |= p->reactions[i].actions;
	return actions;
}
