#include "respond/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	bool container;
	enum respond_action undo;
} actions[] = {
#define ROW(id, name, container, undo) { name, container, undo },
	RESPOND_ACTIONS(ROW)
#undef ROW
};

static const char *const operations[] = {
#define ROW(id, name) name,
	RESPOND_OPERATIONS(ROW)
#undef ROW
};

static const char *const outcomes[RESPOND_OUTCOME_COUNT] = { "done", "already", "dry-run",
							     "refused", "failed" };

const char *respond_action_name(enum respond_action a)
{
	return a < RESPOND_ACTION_COUNT ? actions[a].name : "none";
}

enum respond_action respond_action_by_name(const char *name)
{
	enum respond_action a = 0;

	while (a < RESPOND_ACTION_COUNT && strcmp(actions[a].name, name) != 0)
		a++;
	return a;
}

bool respond_action_is_container(enum respond_action a)
{
	return a < RESPOND_ACTION_COUNT && actions[a].container;
}

enum respond_action respond_action_undo(enum respond_action a)
{
	return a < RESPOND_ACTION_COUNT ? actions[a].undo : RESPOND_ACTION_COUNT;
}

const char *respond_operation_name(enum respond_operation o)
{
	return o < RESPOND_OP_COUNT ? operations[o] : "none";
}

enum respond_operation respond_operation_by_name(const char *name)
{
	enum respond_operation o = 0;

	while (o < RESPOND_OP_COUNT && strcmp(operations[o], name) != 0)
		o++;
	return o;
}

const char *respond_outcome_name(enum respond_outcome o)
{
	return o < RESPOND_OUTCOME_COUNT ? outcomes[o] : "unknown";
}

void respond_say(struct respond_result *r, enum respond_outcome o, const char *fmt, ...)
{
	va_list ap;

	r->outcome = o;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}
