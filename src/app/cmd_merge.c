#include "app/command.h"
#include "base/cleanup.h"
#include "model/workload.h"

static int load_all(const struct args *a, struct workload *all, struct err *e)
{
	int r = wl_load(all, args_at(a, 0), e);

	for (size_t i = 1; !r && i < args_count(a); i++) {
		cleanup_workload struct workload next;

		r = wl_load(&next, args_at(a, i), e);
		if (!r && wl_merge(all, &next, e))
			r = err_prefix(e, "%s", args_at(a, i));
	}
	return r;
}

static int merge_run(struct args *a, struct err *e)
{
	cleanup_workload struct workload all = { 0 };
	const char *name = args_value(a, "name");

	if (!args_count(a))
		return usage_error(a, e, "the models are missing");
	if (name && !*name)
		return usage_error(a, e, "--name must not be empty");
	if (load_all(a, &all, e))
		return EXIT_ERROR;
	if (name)
		all.identity.name = wl_string(&all, name);
	if (args_has(a, "generalise"))
		wl_generalise(&all);
	return wl_save(&all, args_value(a, "output"), e) ? EXIT_ERROR : EXIT_OK;
}

static const struct option_desc options[] = {
	{ 0, "output", "FILE", NULL,
	  "Where to write; standard output is the default. The file is replaced in one step, so it "
	  "may be one of the models." },
	{ 0, "name", "NAME", NULL,
	  "The workload's name in the result; the default is that of the first model that has "
	  "one." },
	{ 0, "generalise", NULL, NULL,
	  "Replaces names that change from run to run by patterns: process ids, temporary files, "
	  "directories with many files that are used alike." },
	{ 0 },
};

const struct command command_merge = {
	.name = "merge",
	.synopsis = "[OPTION]... MODEL...",
	.summary = "Combines the models of several runs into one.",
	.description =
		"Adds up what the models contain: everything that any of the runs did is in the "
		"result, with the run that did it. A run that is in several of the models counts "
		"once, so merging a model again changes nothing.\n"
		"\n"
		"The models must be of one architecture. Where they say different things about the "
		"workload itself (its name, its image), the first one counts. \"-\" is standard "
		"input.",
	.options = options,
	.examples = "# Two test runs and one day in production\n"
		    "boltseal merge test1.json test2.json day.json --output nginx.json\n"
		    "# Made fit for the next run\n"
		    "boltseal merge --generalise nginx.json --output nginx.json\n",
	.run = merge_run,
};
