/* What pods lack, as MutatingAdmissionPolicy objects (Kubernetes 1.32 and later). */
#include <string.h>

#include "inspect/admit_cel.h"

/* What the pattern stands for, as RE2 has it. */
static void put_glob(struct buf *re, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '*' || *pattern == '?')
			buf_puts(re, *pattern == '*' ? ".*" : ".");
		else if (strchr(".+()|[]{}^$\\", *pattern))
			buf_printf(re, "[%s%c]", *pattern == '^' || *pattern == '\\' ? "\\" : "",
				   *pattern);
		else
			buf_putc(re, *pattern);
	}
}

/* "TEXT.matches('^…$')" */
static void put_matches(struct buf *out, const char *text, const char *before, const char *pattern,
			const char *behind)
{
	struct buf re = { 0 };

	buf_printf(&re, "^%s", before);
	put_glob(&re, pattern);
	buf_printf(&re, "%s$", behind);
	buf_printf(out, "%s.matches(", text);
	cel_put_string(out, re.p);
	buf_putc(out, ')');
	buf_free(&re);
}

static void put_image(struct buf *out, const char *pattern)
{
	const char *slash = strrchr(pattern, '/');
	bool tag = strchr(slash ? slash : pattern, ':') != NULL;

	put_matches(out, "c.image", "(docker[.]io/)?(library/)?", pattern,
		    tag ? "(@.*)?" : "(:[^/@]*)?(@.*)?");
}

static void put_mutating(const struct adm_cel *p, const char *name, struct buf *conditions,
			 struct buf *mutations, struct buf *out)
{
	const char *api = cel_api_of(p->config->kubernetes, 36, 34);

	buf_printf(out,
		   "---\napiVersion: admissionregistration.k8s.io/%s\n"
		   "kind: MutatingAdmissionPolicy\nmetadata:\n  name: %s\nspec:\n"
		   "  failurePolicy: Ignore\n  reinvocationPolicy: IfNeeded\n  matchConstraints:\n"
		   "    resourceRules:\n    - {apiGroups: [\"\"], apiVersions: [v1], operations: "
		   "[CREATE], resources: [pods]}\n  matchConditions:\n%s  mutations:\n%s",
		   api, name, buf_str(conditions), buf_str(mutations));
	buf_printf(out,
		   "---\napiVersion: admissionregistration.k8s.io/%s\n"
		   "kind: MutatingAdmissionPolicyBinding\nmetadata:\n  name: %s\nspec:\n"
		   "  policyName: %s\n  matchResources:\n    namespaceSelector:\n"
		   "      matchExpressions:\n      - {key: " ADM_OPT_OUT
		   ", operator: DoesNotExist}\n",
		   api, name, name);
	buf_free(conditions);
	buf_free(mutations);
}

/* Which pods: not those for Windows, no mirrors, not where the configuration leaves them alone. */
static void put_scope(const struct adm_config *c, const char *ns, struct buf *out)
{
	struct buf b = { 0 };

	buf_puts(&b, "!(has(object.spec.os) && object.spec.os.name == 'windows')");
	cel_put_condition(out, "linux", &b);
	buf_puts(&b, "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in "
		     "object.metadata.annotations)");
	cel_put_condition(out, "no-mirror", &b);
	if (ns) {
		put_matches(&b, "request.namespace", "", ns, "");
		cel_put_condition(out, "namespace", &b);
	}
	for (size_t i = 0; i < c->mutate.except.n; i++) {
		buf_puts(&b, i ? " && !" : "!");
		put_matches(&b, "request.namespace", "", c->mutate.except.v[i], "");
	}
	if (c->mutate.except.n)
		cel_put_condition(out, "except", &b);
}

static void put_mutation(struct buf *out, const char *type, const char *member,
			 struct buf *expression)
{
	buf_printf(out, "  - patchType: %s\n    %s:\n      expression: ", type, member);
	cel_put_quoted(out, buf_str(expression));
	buf_putc(out, '\n');
	buf_free(expression);
}

/* Adds a member to a map that may not be there: annotations, the node selector. */
static void put_member(struct buf *out, const char *map, const char *path, const char *key,
		       const char *value)
{
	struct buf b = { 0 };

	buf_printf(&b, "has(%s) ? [JSONPatch{op: 'add', path: '%s/' + jsonpatch.escapeKey(", map,
		   path);
	cel_put_string(&b, key);
	buf_puts(&b, "), value: ");
	cel_put_string(&b, value);
	buf_printf(&b, "}] : [JSONPatch{op: 'add', path: '%s', value: {", path);
	cel_put_string(&b, key);
	buf_puts(&b, ": ");
	cel_put_string(&b, value);
	buf_puts(&b, "}}]");
	put_mutation(out, "JSONPatch", "jsonPatch", &b);
}

/* Containers of the image that say nothing of seccomp, in a pod that says nothing. */
static void put_wanting(struct buf *out, const struct adm_profile *f)
{
	buf_puts(out, "(!has(c.securityContext) || (!has(c.securityContext.seccompProfile) && "
		      "(!has(c.securityContext.privileged) || !c.securityContext.privileged)))");
	if (f->image) {
		buf_puts(out, " && ");
		put_image(out, f->image);
	}
	if (f->container) {
		buf_puts(out, " && ");
		put_matches(out, "c.name", "", f->container, "");
	}
}

#define NO_PROFILE \
	"!has(object.spec.securityContext) || !has(object.spec.securityContext.seccompProfile)"

static void put_profile(const struct adm_cel *p, size_t i, struct buf *out)
{
	const struct adm_profile *f = &p->config->mutate.profiles[i];
	struct buf conditions = { 0 }, mutations = { 0 }, name = { 0 }, b = { 0 };
	const char *eq = f->label[0] ? strchr(f->label[0], '=') : NULL;

	if (!f->seccomp)
		return;
	buf_printf(&name, "boltseal-profile-%zu", i);
	put_scope(p->config, f->ns, &conditions);
	buf_printf(&b, "(" NO_PROFILE ") && object.spec.containers.exists(c, ");
	put_wanting(&b, f);
	buf_putc(&b, ')');
	cel_put_condition(&conditions, "wanting", &b);
	buf_puts(&b, "Object{spec: Object.spec{containers: object.spec.containers.filter(c, ");
	put_wanting(&b, f);
	buf_puts(&b, ").map(c, Object.spec.containers{name: c.name, securityContext: "
		     "Object.spec.containers.securityContext{seccompProfile: "
		     "Object.spec.containers.securityContext.seccompProfile{type: 'Localhost', "
		     "localhostProfile: ");
	cel_put_string(&b, f->seccomp);
	buf_puts(&b, "}}})}}");
	put_mutation(&mutations, "ApplyConfiguration", "applyConfiguration", &b);
	if (eq) {
		cleanup_free char *key = strndup(f->label[0], (size_t)(eq - f->label[0]));

		/* A selector holds beside whatever affinity the pod has. */
		put_member(&mutations, "object.spec.nodeSelector", "/spec/nodeSelector", key,
			   eq + 1);
	}
	put_mutating(p, name.p, &conditions, &mutations, out);
	buf_free(&name);
}

static void put_default(const struct adm_cel *p, struct buf *out)
{
	struct buf conditions = { 0 }, mutations = { 0 }, b = { 0 };

	put_scope(p->config, NULL, &conditions);
	buf_puts(&b, "(" NO_PROFILE ") && ((has(object.spec.initContainers) ? "
		     "object.spec.initContainers : []) + object.spec.containers).exists(c, "
		     "!has(c.securityContext) || (!has(c.securityContext.seccompProfile) && "
		     "(!has(c.securityContext.privileged) || !c.securityContext.privileged)))");
	cel_put_condition(&conditions, "wanting", &b);
	buf_puts(&b, "Object{spec: Object.spec{securityContext: Object.spec.securityContext{"
		     "seccompProfile: Object.spec.securityContext.seccompProfile{type: "
		     "'RuntimeDefault'}}}}");
	put_mutation(&mutations, "ApplyConfiguration", "applyConfiguration", &b);
	put_member(&mutations, "object.metadata.annotations", "/metadata/annotations", ADM_EXPLAIN,
		   "pod: seccomp RuntimeDefault");
	/* Behind the others in the order of names: what has a profile of its own is done then. */
	put_mutating(p, "boltseal-seccomp-default", &conditions, &mutations, out);
}

void adm_cel_mutating(const struct adm_cel *p, struct buf *out)
{
	buf_puts(out, "# Seccomp profiles for pods that lack them, added by the API server itself. "
		      "AppArmor and\n# capabilities by a model need the webhook.\n");
	for (size_t i = 0; i < p->config->mutate.profiles_n; i++)
		put_profile(p, i, out);
	if (p->config->mutate.seccomp)
		put_default(p, out);
}
