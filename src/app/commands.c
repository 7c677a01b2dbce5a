#include <string.h>

#include "app/command.h"

extern const struct command command_analyze, command_record, command_show, command_merge,
	command_generate, command_verify, command_diff, command_lint, command_run, command_rules,
	command_inspect, command_doctor, command_help, command_import, command_watch,
	command_findings, command_respond, command_admit, command_node;

static const struct command *const learn[] = { &command_record, &command_analyze, &command_import,
					       &command_show,	&command_merge,	  NULL };
static const struct command *const confine[] = { &command_generate, &command_verify, &command_diff,
						 &command_lint,	    &command_run,    NULL };
static const struct command *const watch[] = { &command_watch, &command_rules, &command_findings,
					       &command_respond, NULL };
static const struct command *const check[] = { &command_inspect, &command_admit, &command_node,
					       NULL };
static const struct command *const about[] = { &command_doctor, &command_help, NULL };

const struct command_group command_groups[] = {
	{ "Learn what a workload does", learn },
	{ "Confine it to that", confine },
	{ "Watch what it does", watch },
	{ "Check what is configured", check },
	{ "About this machine and boltseal", about },
	{ 0 },
};

const struct command *command_at(size_t i)
{
	for (const struct command_group *g = command_groups; g->title; g++)
		for (size_t k = 0; g->commands[k]; k++)
			if (i-- == 0)
				return g->commands[k];
	return NULL;
}

const struct command *command_find(const char *name)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
