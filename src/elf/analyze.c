#include "elf/analyze.h"

#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/modules.h"
#include "elf/node.h"
#include "elf/python.h"

/* Calls that the kernel continues by restart_syscall(2) after a stop: those that return
 * ERESTART_RESTARTBLOCK in Linux (do_nanosleep, do_sys_poll, futex_wait). */
static const char *const restarted[] = { "nanosleep", "clock_nanosleep", "poll", "futex" };

static int scan_facts(void *ctx, const struct elf_image *m, const struct elf_bytes *b,
		      struct elf_facts *out, struct err *e)
{
	(void)ctx;
	(void)b;
	(void)e;
	elf_scan(m, out);
	return 0;
}

static int add_libraries(struct elf_analysis *a, struct reach *r, const struct elf_options *opt,
			 struct err *e)
{
	for (size_t i = 0; opt->libraries && opt->libraries[i]; i++) {
		int at = link_add(&a->linker, opt->libraries[i], 0, e);

		if (at < 0)
			return err_prefix(e, "library %s", opt->libraries[i]);
		reach_add_library(r, at, true, "named as loaded by the program");
	}
	return 0;
}

static void add_restart(const struct elf_analysis *a, struct reach *r)
{
	int nr = sc_nr(elf_analysis_abi(a), "restart_syscall");

	for (size_t i = 0; i < ARRAY_SIZE(restarted); i++) {
		int of = sc_nr(elf_analysis_abi(a), restarted[i]);

		if (of < 0 || nr < 0 || !r->calls[0][of].seen || r->calls[0][nr].seen)
			continue;
		r->calls[0][nr] = r->calls[0][of];
		r->calls[0][nr].why = "the kernel continues this call by it after a stop";
	}
}

/*
 * On AArch64 C libraries leave it to the kernel how handlers of signals return: by code of its vDSO
 * (Linux, arch/arm64/kernel/vdso/sigreturn.S). Who has set one up has it as long as it runs.
 */
static void add_return(const struct elf_analysis *a, struct reach *r, const struct reach *set_up)
{
	int of = sc_nr(SC_AARCH64, "rt_sigaction"), nr = sc_nr(SC_AARCH64, "rt_sigreturn");

	if (elf_analysis_abi(a) != SC_AARCH64 || !set_up->calls[0][of].seen ||
	    r->calls[0][nr].seen || !r->nodes_n)
		return;
	r->calls[0][nr] = r->calls[0][of];
	r->calls[0][nr].seen = true;
	r->calls[0][nr].why = "a handler of signals returns by it, in code of the kernel's vDSO";
}

static int open_script(struct elf_analysis *a, const char *script, struct err *e)
{
	if (node_is_program(&a->reach))
		return node_open(&a->node, &a->reach, script, e);
	return python_open(&a->python, &a->reach, script, e);
}

/* What a walk begins with besides the start of the program. */
struct rest {
	struct elf_analysis *a;
	const struct elf_options *opt;
};

static void add_rest(void *ctx, struct reach *r)
{
	const struct rest *rest = ctx;

	add_libraries(rest->a, r, rest->opt, NULL);
	modules_add(r);
}

static void run(struct reach *r)
{
	reach_run(r);
	if (r->nss) {
		modules_add_name_services(r);
		reach_run(r);
	}
}

static void find_phases(struct elf_analysis *a, const struct elf_options *opt)
{
	struct rest rest = { a, opt };
	struct phases_rest how = { add_rest, run, &rest };

	if (a->python || a->node)
		a->phases.why_not = "an interpreter's loop is in its script";
	else
		phases_find(&a->phases, &a->reach, &how);
}

int elf_analyze(struct elf_analysis *a, const struct elf_files *files, const char *path,
		const struct elf_options *opt, struct err *e)
{
	int r;

	memset(a, 0, sizeof(*a));
	r = link_open(&a->linker, files, opt->facts ? opt->facts : scan_facts, opt->facts_ctx, path,
		      e);
	if (r)
		goto failed;
	reach_init(&a->reach, &a->linker);
	if (opt->no_assumptions)
		a->reach.gates_open = ~(gate_rows)0;
	else if (!opt->script)
		a->reach.gates_open |= gates_by_keyword();
	else
		r = open_script(a, opt->script, e);
	if (r)
		goto failed;
	a->reach.python = a->python;
	a->reach.node = a->node;
	reach_add_start(&a->reach);
	r = add_libraries(a, &a->reach, opt, e);
	if (r)
		goto failed;
	modules_add(&a->reach);
	if (!opt->no_assumptions) {
		programs_open(&a->programs, &a->linker, opt->commands, opt->commands_n);
		reach_leave_out(&a->reach, &a->programs);
	}
	run(&a->reach);
	find_phases(a, opt);
	add_restart(a, &a->reach);
	add_restart(a, &a->phases.start);
	add_restart(a, &a->phases.serving);
	add_return(a, &a->reach, &a->reach);
	add_return(a, &a->phases.start, &a->phases.start);
	add_return(a, &a->phases.serving, &a->reach);
	return 0;
failed:
	elf_analysis_free(a);
	return r;
}

void elf_analysis_free(struct elf_analysis *a)
{
	python_free(a->python);
	phases_free(&a->phases);
	node_free(a->node);
	reach_free(&a->reach);
	programs_free(&a->programs);
	link_close(&a->linker);
}

enum sc_abi elf_analysis_abi(const struct elf_analysis *a)
{
	return a->linker.objects[0]->image.machine == ELF_X86_64 ? SC_X86_64 : SC_AARCH64;
}

/* Whether a call through the 64-bit entry, or through the i386 one, has an unknown number. */
static bool any_number(const struct elf_analysis *a, bool compat)
{
	for (size_t i = 0; i < a->reach.open_n; i++)
		if (a->reach.open[i].compat == compat)
			return true;
	return false;
}

bool elf_analysis_has(const struct elf_analysis *a, enum sc_abi abi, unsigned nr)
{
	bool compat = abi == SC_I386;

	if (nr >= REACH_MAX_NR || (!compat && abi != elf_analysis_abi(a)))
		return false;
	return a->reach.calls[compat][nr].seen || (any_number(a, compat) && sc_by_nr(abi, nr));
}

uint32_t elf_analysis_phases(const struct elf_analysis *a, enum sc_abi abi, unsigned nr)
{
	bool compat = abi == SC_I386;
	uint32_t phases = 0;

	if (!elf_analysis_has(a, abi, nr))
		return 0;
	if (!a->phases.why_not && a->phases.start.calls[compat][nr].seen)
		phases |= WL_PHASE_BIT(WL_START);
	if (!a->phases.why_not && a->phases.serving.calls[compat][nr].seen)
		phases |= WL_PHASE_BIT(WL_SERVING);
	return phases ? phases : WL_PROGRAM_PHASES;
}

static void add_calls(const struct elf_analysis *a, struct workload *w, enum sc_abi abi,
		      int program, int source)
{
	for (unsigned nr = 0; nr < REACH_MAX_NR; nr++) {
		struct wl_syscall *s;

		if (!elf_analysis_has(a, abi, nr))
			continue;
		s = wl_syscall_add(w, abi, nr);
		wl_prov_add(&s->prov, elf_analysis_phases(a, abi, nr), program, source);
	}
}

int elf_analysis_model(const struct elf_analysis *a, struct workload *w)
{
	const struct link_object *o = a->linker.objects[0];
	int source = wl_source_add(w, WL_STATIC), program = wl_program_add(w, o->path);
	struct wl_source *s = &w->sources[source];

	s->runs = 0; /* nothing ran */
	s->complete = !a->linker.missing_n && !a->reach.open_n;
	if (a->reach.open_n)
		s->incomplete_reason = wl_string(w, "system calls with unknown numbers: any is "
						    "possible");
	else if (a->linker.missing_n)
		s->incomplete_reason = wl_string(w, "libraries are missing");
	if (a->linker.missing_n)
		wl_loss_add(w, source, "libraries", a->linker.missing_n);
	if (program >= 0 && o->image.interp)
		w->programs[program].interpreter = wl_string(w, o->image.interp);
	if (program >= 0)
		wl_set_add(&w->programs[program].sources, (uint32_t)source);
	if (program >= 0)
		elf_analysis_add_executed(a, w, program, source);
	add_calls(a, w, elf_analysis_abi(a), program, source);
	if (elf_analysis_abi(a) == SC_X86_64)
		add_calls(a, w, SC_I386, program, source);
	return source;
}
