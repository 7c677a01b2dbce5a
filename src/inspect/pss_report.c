/* The Pod Security Standards as findings, for reports by that standard alone. */
#include <stdlib.h>
#include <string.h>

#include "inspect/run.h"

#define PSS_WHY                                                                                    \
	"A pod that does not conform is refused where a namespace enforces this level of the Pod " \
	"Security Standards."
#define PSS_ROW(check, name, sev, cat, remedy)                                  \
	{                                                                       \
		.id = check, .title = name, .severity = sev, .category = cat,   \
		.targets = 1u << INS_KUBERNETES, .why = PSS_WHY, .fix = remedy, \
		.refs = { .pss = check },                                       \
	}

const struct ins_check ins_pss_checks[] = {
	PSS_ROW("appArmorProfile", "AppArmor profile", INS_HIGH, INS_CONFINEMENT,
		"Leave the AppArmor profile out, or use RuntimeDefault or Localhost."),
	PSS_ROW("capabilities_baseline", "Capabilities beyond the default", INS_HIGH, INS_PRIVILEGE,
		"Do not add capabilities beyond the default set."),
	PSS_ROW("hostNamespaces", "Namespaces of the host", INS_HIGH, INS_HOST,
		"Do not share the host's network, process or IPC namespace."),
	PSS_ROW("hostPathVolumes", "hostPath volumes", INS_HIGH, INS_HOST,
		"Use another type of volume."),
	PSS_ROW("hostPorts", "Ports of the host", INS_HIGH, INS_NETWORK,
		"Publish the port with a Service."),
	PSS_ROW("hostProbesAndHostLifecycle", "Hosts of probes and hooks", INS_HIGH, INS_NETWORK,
		"Leave the host of probes and lifecycle hooks out."),
	PSS_ROW("privileged", "Privileged containers", INS_CRITICAL, INS_PRIVILEGE,
		"Do not run privileged containers."),
	PSS_ROW("procMount", "/proc without masks", INS_HIGH, INS_HOST,
		"Leave procMount out or set it to Default."),
	PSS_ROW("seLinuxOptions", "SELinux options", INS_HIGH, INS_CONFINEMENT,
		"Use container types, and neither user nor role."),
	PSS_ROW("seccompProfile_baseline", "Seccomp profile", INS_HIGH, INS_CONFINEMENT,
		"Leave the seccomp profile out, or use RuntimeDefault or Localhost."),
	PSS_ROW("sysctls", "Sysctls", INS_HIGH, INS_HOST, "Set only safe sysctls."),
	PSS_ROW("windowsHostProcess", "Windows HostProcess", INS_CRITICAL, INS_PRIVILEGE,
		"Do not run HostProcess containers."),
	PSS_ROW("allowPrivilegeEscalation", "Privilege escalation", INS_HIGH, INS_PRIVILEGE,
		"Set allowPrivilegeEscalation: false in every container."),
	PSS_ROW("capabilities_restricted", "Capabilities", INS_HIGH, INS_PRIVILEGE,
		"Drop ALL in every container; add NET_BIND_SERVICE at most."),
	PSS_ROW("procMount_restricted", "/proc without masks", INS_HIGH, INS_HOST,
		"Leave procMount out or set it to Default."),
	PSS_ROW("restrictedVolumes", "Types of volumes", INS_HIGH, INS_HOST,
		"Use only the types that level restricted allows."),
	PSS_ROW("runAsNonRoot", "Runs as root", INS_HIGH, INS_IDENTITY,
		"Set runAsNonRoot: true in the pod or in every container."),
	PSS_ROW("runAsUser", "Runs as user 0", INS_HIGH, INS_IDENTITY, "Do not set runAsUser: 0."),
	PSS_ROW("seccompProfile_restricted", "Seccomp profile", INS_HIGH, INS_CONFINEMENT,
		"Set the seccomp profile to RuntimeDefault or Localhost."),
	{ 0 },
};

static const struct ins_check *row_of(const char *id)
{
	const struct ins_check *c = ins_pss_checks;

	while (strcmp(c->id, id))
		c++;
	return c;
}

static bool lists(const char *refs, const char *id)
{
	size_t n = strlen(id);

	for (const char *p = refs; p && *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (!strncmp(p, id, n) && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/*
 * The fix is that of the checks about the same subject: they run in a report of their own, and what
 * they would change goes over to the standard's finding.
 */
static void borrow_fixes(struct ins_run *r, size_t first)
{
	size_t end = r->report->findings_n;
	size_t kept = end;

	for (const struct ins_check *c = ins_checks; c->id; c++) {
		if (!c->refs.pss || !(c->targets & 1u << INS_KUBERNETES))
			continue;
		r->check = c;
		c->run(r);
	}
	for (size_t i = first; i < end; i++) {
		struct ins_finding *f = &r->report->findings[i];

		for (size_t k = kept; k < r->report->findings_n; k++) {
			const struct ins_finding *from = &r->report->findings[k];
			struct ins_edit *e;

			if (!lists(from->check->refs.pss, f->check->id) || !from->edits_n)
				continue;
			e = arena_alloc(r->arena, (f->edits_n + from->edits_n) * sizeof(*e));
			if (f->edits_n)
				memcpy(e, f->edits, f->edits_n * sizeof(*e));
			memcpy(e + f->edits_n, from->edits, from->edits_n * sizeof(*e));
			f->edits = e;
			f->edits_n += from->edits_n;
		}
	}
	r->report->findings_n = kept;
}

void ins_run_pss(struct ins_run *r)
{
	struct pss_violation v[PSS_MAX_CHECKS];
	struct arena scratch = { 0 };
	size_t n = pss_evaluate(r->pod, r->o->policy, &scratch, v), first = r->report->findings_n;
	struct ins_subject *s;

	if (r->pod->platform != PS_KUBERNETES) {
		r->report->subjects_n--; /* the standard is about pods */
		r->report->skipped++;
		arena_free(&scratch);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		r->check = row_of(v[i].id);
		if (*v[i].detail)
			ins_find(r, NULL, r->pod->spec, NULL, NULL, "%s (%s)", v[i].reason,
				 v[i].detail);
		else
			ins_find(r, NULL, r->pod->spec, NULL, NULL, "%s", v[i].reason);
	}
	arena_free(&scratch);
	borrow_fixes(r, first);
	ins_patches(r, first);
	s = &r->report->subjects[r->subject];
	s->failed = (unsigned)n;
	s->run = 0;
	for (const struct ins_check *c = ins_pss_checks; c->id; c++)
		s->run += pss_check_runs(c->id, r->o->policy);
	s->passed = arena_alloc(r->arena, s->run * sizeof(*s->passed));
	for (const struct ins_check *c = ins_pss_checks; c->id; c++) {
		bool bad = false;

		for (size_t i = 0; i < n; i++)
			bad |= !strcmp(v[i].id, c->id);
		if (!bad && pss_check_runs(c->id, r->o->policy))
			s->passed[s->passed_n++] = c;
	}
}
