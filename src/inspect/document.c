#include "inspect/document.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void ins_problem(struct ins_report *r, const char *file, uint32_t line, uint32_t col,
		 const char *text)
{
	struct ins_problem *p = vec_push(r->problems, r->problems_n, r->problems_cap);
	size_t n = strlen(file);

	/* The message may know the place better: "file:line:column: …". */
	if (!strncmp(text, file, n) && text[n] == ':')
		sscanf(text + n, ":%u:%u:", &line, &col);
	p->text = arena_strdup(&r->arena, text);
	p->place = (struct ins_place){ arena_strdup(&r->arena, file), "", line, col };
}

static void new_subject(struct ins_run *run, enum ins_target target, const char *kind,
			const char *ns, const char *name)
{
	struct ins_report *r = run->report;
	struct ins_subject *s = vec_push(r->subjects, r->subjects_n, r->subjects_cap);

	run->subject = r->subjects_n - 1;
	s->target = target;
	s->kind = ins_keep(r, kind);
	s->ns = ins_keep(r, ns);
	s->name = ins_keep(r, name);
	s->place.file = ins_keep(r, run->s->name);
	s->place = ins_place_of(run, run->object, NULL);
	s->doc_off = run->root->start.off;
}

/* "registry/name:tag@digest" without what changes from build to build. */
static size_t image_name_len(const char *image)
{
	const char *at = strchr(image, '@'), *slash, *colon;
	size_t len = at ? (size_t)(at - image) : strlen(image);

	slash = memrchr(image, '/', len);
	colon = memrchr(slash ? slash : image, ':',
			len - (size_t)((slash ? slash : image) - image));
	return colon ? (size_t)(colon - image) : len;
}

/* Docker's own registry and its official images are named without them, too. */
static const char *short_image(const char *image)
{
	static const char *const prefixes[] = { "docker.io/", "library/" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(image, prefixes[i], strlen(prefixes[i])))
			image += strlen(prefixes[i]);
	return image;
}

static bool same_image(const char *a, const char *b)
{
	size_t n;

	a = short_image(a);
	b = short_image(b);
	n = image_name_len(a);

	return n && n == image_name_len(b) && !memcmp(a, b, n);
}

/* The model whose image one of the containers runs; a single model without image fits all. */
static const struct ins_model *model_of(const struct ins_doc *d, const struct ps_pod *pod)
{
	for (size_t i = 0; i < d->o->models_n; i++) {
		const char *image = d->o->models[i].w.identity.image;

		for (size_t c = 0; image && c < pod->containers_n; c++)
			if (same_image(image, pod->containers[c].image))
				return &d->o->models[i];
	}
	return d->o->models_n == 1 && !d->o->models[0].w.identity.image ? &d->o->models[0] : NULL;
}

void ins_workload(struct ins_doc *d, struct ps_pod *pod, const struct yaml_node *object)
{
	struct ins_run run = { .report = d->report,
			       .o = d->o,
			       .s = d->s,
			       .pod = pod,
			       .root = d->root,
			       .object = object,
			       .model = model_of(d, pod),
			       .arena = &d->report->arena,
			       .prefix = d->prefix,
			       .outer = d->outer };

	new_subject(&run, (enum ins_target)pod->platform, pod->kind, pod->ns, pod->name);
	if (run.model)
		d->report->subjects[run.subject].model = ins_keep(run.report, run.model->path);
	ins_waivers_annotations(d->report, &pod->annotations, &d->report->subjects[run.subject],
				d->s->name);
	if (pod->own_annotations.at != pod->annotations.at)
		ins_waivers_annotations(d->report, &pod->own_annotations,
					&d->report->subjects[run.subject], d->s->name);
	if (d->o->policy)
		ins_run_pss(&run);
	else
		ins_run_checks(&run);
}

void ins_configuration(struct ins_doc *d, enum ins_target target, const char *kind,
		       const char *name, const struct yaml_node *object)
{
	struct ins_run run = { .report = d->report,
			       .o = d->o,
			       .s = d->s,
			       .root = d->root,
			       .object = object,
			       .arena = &d->report->arena,
			       .prefix = d->prefix,
			       .outer = d->outer };

	if (d->o->policy)
		return; /* the Pod Security Standards are about pods */
	new_subject(&run, target, kind, "", name);
	ins_run_checks(&run);
}

static bool (*const readers[])(struct ins_doc *d) = {
	ins_read_state,	  ins_read_kube, ins_read_ecs,	ins_read_docker,
	ins_read_compose, ins_read_oci,	 ins_read_node,
};

static void inspect_root(struct ins_doc *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (readers[i](d))
			return;
	if (d->quiet) {
		d->report->skipped++;
		return;
	}
	yaml_err(d->s, d->root, &d->err, EINVAL,
		 "nothing that boltseal inspects: expected a Kubernetes object (apiVersion and "
		 "kind), an ECS task definition, the output of docker inspect, a Compose file, an "
		 "OCI bundle's config.json, or the configuration of the kubelet or Docker");
}

void ins_stream(struct ins_report *r, const struct ins_options *o, const struct yaml_stream *s,
		bool quiet)
{
	if (!s->docs_n && !quiet) {
		char why[512];

		snprintf(why, sizeof(why), "%s:1:1: there is no document in it", s->name);
		ins_problem(r, s->name, 1, 1, why);
	}
	for (size_t i = 0; i < s->docs_n; i++) {
		struct arena arena = { 0 };
		struct ins_doc d = { .report = r,
				     .o = o,
				     .s = s,
				     .root = s->doc[i].root,
				     .arena = &arena,
				     .quiet = quiet,
				     .prefix = "" };

		if (!d.root) {
			ins_problem(r, s->name, s->doc[i].error_at.line, s->doc[i].error_at.col,
				    s->doc[i].error);
			continue;
		}
		r->documents++;
		inspect_root(&d);
		if (d.err.code)
			ins_problem(r, s->name, d.root->start.line, d.root->start.col, d.err.msg);
		arena_free(&arena);
	}
}
