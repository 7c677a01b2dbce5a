/* Small models for the tests of the generators. */
#ifndef TEST_GENERATE_MODEL_H
#define TEST_GENERATE_MODEL_H

#include <assert.h>
#include <string.h>

#include "model/workload.h"
#include "profile/generate.h"

/* One call without recorded arguments. */
static inline struct wl_syscall *model_call(struct workload *w, enum sc_abi abi, const char *name,
					    enum wl_phase phase)
{
	const struct sc_desc *d = sc_by_name(name);
	struct wl_syscall *s;

	assert(d && d->nr[abi] >= 0);
	s = wl_syscall_add_name(w, abi, d);
	wl_prov_add(&s->prov, WL_PHASE_BIT(phase), 0, 0);
	return s;
}

/* One call with up to three recorded arguments; unused ones have index -1. */
static inline void model_args(struct workload *w, enum sc_abi abi, const char *name,
			      enum wl_phase phase, int i0, uint64_t v0, int i1, uint64_t v1, int i2,
			      uint64_t v2)
{
	struct wl_syscall *s = model_call(w, abi, name, phase);
	uint8_t index[3] = { (uint8_t)i0, (uint8_t)i1, (uint8_t)i2 };
	uint64_t value[3] = { v0, v1, v2 };
	unsigned n = i2 >= 0 ? 3 : i1 >= 0 ? 2 : 1;

	wl_prov_add(&wl_call_add(s, n, index, value)->prov, WL_PHASE_BIT(phase), 0, 0);
}

static inline void model_arg(struct workload *w, const char *name, int index, uint64_t value)
{
	model_args(w, SC_X86_64, name, WL_START, index, value, -1, 0, -1, 0);
}

static inline void model_socket(struct workload *w, uint64_t family, uint64_t type,
				uint64_t protocol)
{
	model_args(w, SC_X86_64, "socket", WL_START, 0, family, 1, type, 2, protocol);
}

/* A complete recording of a program that only starts, reads and ends. */
static inline void model_init(struct workload *w)
{
	wl_init(w);
	w->identity.name = wl_string(w, "app");
	w->identity.arch = wl_string(w, "x86_64");
	w->identity.runtime = wl_string(w, "runc");
	wl_source_add(w, WL_EBPF);
	wl_program_add(w, "/bin/app");
	model_call(w, SC_X86_64, "execve", WL_SEALED);
	model_call(w, SC_X86_64, "read", WL_START);
	model_call(w, SC_X86_64, "exit_group", WL_START);
}

#endif
