/* A workload model of what is observed. */
#include <string.h>

#include "baseline/baseline.h"
#include "model/capture.h"

static void learn_call(struct workload *w, int source, int program, const struct observation *o)
{
	struct wl_syscall *s = wl_syscall_add(w, o->abi, o->nr);
	const struct capture *c = s->desc ? capture_by_name(s->desc->name) : NULL;
	struct wl_call *call;

	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, program, source);
	if (o->kind != OBS_ARGUMENTS || !c)
		return;
	call = wl_call_add(s, c->args_n, c->arg, o->value);
	wl_prov_add(&call->prov, WL_PROGRAM_PHASES, program, source);
}

static void learn_file(struct workload *w, int source, int program, const struct observation *o,
		       uint32_t access)
{
	struct wl_file *f = wl_file_add(w, o->path, false, access);

	if (f)
		wl_prov_add(&f->prov, WL_PROGRAM_PHASES, program, source);
	else
		wl_loss_add(w, source, "files", 1);
}

static void learn_net(struct workload *w, int source, int program, const struct observation *o)
{
	struct wl_net *n = wl_net_add(w, o->op, o->family, o->type, o->protocol, o->address,
				      o->port);

	wl_prov_add(&n->prov, WL_PROGRAM_PHASES, program, source);
}

static int learn_program(struct workload *w, int source, const char *path)
{
	int i = path && *path == '/' ? wl_program_add(w, path) : -1;

	if (i >= 0)
		wl_set_add(&w->programs[i].sources, (uint32_t)source);
	return i;
}

static void learn_execve(struct workload *w, int source, int program)
{
	struct wl_syscall *s = wl_syscall_add_name(w, sc_abi_native(), sc_by_name("execve"));

	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, program, source);
}

void baseline_learn(struct workload *w, int source, const char *program,
		    const struct observation *o)
{
	int by = learn_program(w, source, o->kind == OBS_EXEC && !o->in_memory ? o->path : program);
	struct wl_cap_use *use;

	switch (o->kind) {
	case OBS_EXEC:
		learn_execve(w, source, by);
		if (!o->in_memory)
			learn_file(w, source, by, o, WL_F_EXEC | WL_F_READ | WL_F_MAP);
		break;
	case OBS_CALL:
	case OBS_ARGUMENTS:
		if (o->call || o->kind == OBS_CALL)
			learn_call(w, source, by, o);
		break;
	case OBS_CAPABILITY:
		use = wl_cap_add(w, o->capability, WL_CAP_GRANTED, "", "", false, false);
		wl_prov_add(&use->prov, WL_PROGRAM_PHASES, by, source);
		break;
	case OBS_FILE:
		learn_file(w, source, by, o, o->access);
		break;
	case OBS_NET:
		learn_net(w, source, by, o);
		break;
	}
}
