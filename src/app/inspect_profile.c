#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/inspect.h"
#include "model/syscalls.h"
#include "profile/seccomp.h"

/* Calls that change the kernel or reach other processes: worth naming. */
static const char *const dangerous[] = {
	"bpf",	 "mount",   "ptrace",	   "kexec_load", "init_module", "finit_module",
	"setns", "unshare", "userfaultfd", "keyctl",	 "add_key",	"perf_event_open"
};

static bool is_dangerous(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(dangerous); i++)
		if (!strcmp(dangerous[i], name))
			return true;
	return false;
}

/* Whether some call of this number gets through: with all arguments zero, or by a rule that allows.
 */
static bool allows(const struct sp_profile *p, enum sc_abi abi, const struct sc_desc *d)
{
	static const uint64_t zero[6];
	uint32_t nr = (uint32_t)d->nr[abi];
	enum sp_action action = sp_eval(p, sc_abi_audit_arch(abi), nr, zero).action;

	if (action == SP_ALLOW || action == SP_LOG)
		return true;
	for (size_t i = 0; i < p->rules_n; i++) {
		const struct sp_rule *rule = &p->rules[i];

		for (size_t k = 0; rule->ret.action >= SP_LOG && k < rule->names_n; k++)
			if (!strcmp(rule->names[k], d->name))
				return true;
	}
	return false;
}

int inspect_excess(const char *profile, const struct workload *w, struct ins_excess *out,
		   struct err *e)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_buf struct buf unknown = { 0 };
	int arch = w->identity.arch ? sc_abi_parse(w->identity.arch) : -1;
	enum sc_abi abi = arch >= 0 ? (enum sc_abi)arch : sc_abi_native();
	size_t len = 0;
	int r;

	sp_init(&p);
	r = sp_load(&p, profile, NULL, &unknown, e);
	if (r < 0)
		return r;
	for (unsigned nr = 0; nr <= sc_max_nr(abi); nr++) {
		const struct sc_desc *d = sc_by_nr(abi, nr);

		if (!d || !allows(&p, abi, d))
			continue;
		out->allowed++;
		if (wl_syscall_find(w, abi, d->name)) {
			out->used++;
			continue;
		}
		if (is_dangerous(d->name) && len + strlen(d->name) + 3 < sizeof(out->examples))
			len += (size_t)snprintf(out->examples + len, sizeof(out->examples) - len,
						"%s%s", len ? ", " : "", d->name);
	}
	return 0;
}
