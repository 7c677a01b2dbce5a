/* The policy that labels of a namespace ask for (api/helpers.go of pod-security-admission). */
#include <string.h>

#include "inspect/admit_private.h"

struct reading {
	const struct ps_entries *labels;
	struct adm_fault *faults;
	size_t n;
};

static void fault(struct reading *rd, const char *key, const char *value, const char *why)
{
	rd->faults[rd->n++] = (struct adm_fault){ key, value, why };
}

/* True when the label is there and good; what is wrong is the strictest level. */
static bool read_level(struct reading *rd, const char *key, enum pss_level wrong,
		       enum pss_level *out)
{
	const char *value = adm_label(rd->labels, key);

	if (!value)
		return false;
	if (pss_level_parse(value, out, NULL) == 0)
		return true;
	*out = wrong;
	fault(rd, key, value, "must be one of privileged, baseline, restricted");
	return false;
}

static void read_version(struct reading *rd, const char *key, unsigned *out)
{
	const char *value = adm_label(rd->labels, key);

	if (!value || pss_version_parse(value, out, NULL) == 0)
		return;
	*out = PSS_LATEST;
	fault(rd, key, value, "must be \"latest\" or \"v1.x\"");
}

struct adm_policy adm_policy_of(const struct ps_entries *labels, const struct adm_policy *defaults,
				struct adm_fault faults[ADM_MAX_FAULTS], size_t *faults_n)
{
	struct reading rd = { labels, faults, 0 };
	struct adm_policy p = *defaults;
	bool enforced = read_level(&rd, ADM_LABEL "enforce", PSS_RESTRICTED, &p.enforce.level);

	read_version(&rd, ADM_LABEL "enforce-version", &p.enforce.minor);
	read_level(&rd, ADM_LABEL "audit", PSS_PRIVILEGED, &p.audit.level);
	read_version(&rd, ADM_LABEL "audit-version", &p.audit.minor);
	read_level(&rd, ADM_LABEL "warn", PSS_PRIVILEGED, &p.warn.level);
	read_version(&rd, ADM_LABEL "warn-version", &p.warn.minor);
	/* Who enforces without a word about warnings is warned of what will be refused. */
	if (!adm_label(labels, ADM_LABEL "warn") && enforced && p.enforce.level > p.warn.level) {
		p.warn.level = p.enforce.level;
		if (!adm_label(labels, ADM_LABEL "warn-version"))
			p.warn.minor = p.enforce.minor;
	}
	*faults_n = rd.n;
	return p;
}
