/* Findings of an inspection for the store that watch writes, too. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "inspect/report.h"
#include "model/finding.h"
#include "store/store.h"

enum { BATCH = 500 };

static const char *keep(struct finding *f, const char *text)
{
	return text && *text ? arena_strdup(&f->arena, text) : NULL;
}

/* "Policy:Kubernetes/PrivilegedContainer": target and title as one word each. */
static const char *type_of(struct finding *f, enum ins_target target, const char *title)
{
	static const char *const resources[INS_TARGET_COUNT] = {
		[INS_KUBERNETES] = "Kubernetes",
		[INS_ECS] = "ECS",
		[INS_DOCKER] = "Docker",
		[INS_COMPOSE] = "Compose",
		[INS_OCI] = "OCI",
		[INS_NAMESPACE] = "Kubernetes",
		[INS_KUBELET] = "Node",
		[INS_DAEMON] = "Node",
		[INS_NODE_STATE] = "Node",
	};
	cleanup_buf struct buf b = { 0 };
	bool up = true;

	buf_printf(&b, "Policy:%s/", resources[target]);
	for (const char *p = title; *p; p++) {
		if (isalnum((unsigned char)*p))
			buf_putc(&b, (char)(up ? toupper((unsigned char)*p) : *p));
		up = !isalnum((unsigned char)*p) && *p != '\'';
	}
	return keep(f, buf_str(&b));
}

static const char *evidence_of(struct finding *f, const struct ins_finding *from)
{
	struct json_object *o = json_object_new_object();
	const char *text;

	json_add(o, "file", json_object_new_string(from->place.file));
	json_add(o, "line", json_object_new_int64(from->place.line));
	json_add(o, "column", json_object_new_int64(from->place.col));
	json_add(o, "pointer", json_object_new_string(from->place.pointer));
	json_add(o, "value", json_object_new_string(from->value));
	if (from->evidence)
		json_add(o, "seen", json_object_new_string(from->evidence));
	if (from->patch)
		json_add(o, "patch", json_object_new_string(from->patch));
	text = keep(f, json_object_to_json_string(o));
	json_object_put(o);
	return text;
}

/* The same fault has the same id in every inspection: its count grows, and it was last seen now. */
static struct finding *convert(const struct ins_report *r, const struct ins_finding *from,
			       const char *hostname)
{
	/* The priorities of the rule language, for receivers that know only those. */
	static const char *const priorities[INS_SEVERITY_COUNT] = { "Informational", "Notice",
								    "Warning", "Error",
								    "Critical" };
	const struct ins_subject *s = &r->subjects[from->subject];
	struct finding *f = finding_new();
	cleanup_buf struct buf subject = { 0 };
	char essence[24];

	ins_subject_name(s, &subject);
	f->type = type_of(f, s->target, from->check->title);
	f->severity = (unsigned)(rep_score(from->severity) * 10);
	f->title = keep(f, from->check->title);
	f->description = keep(f, from->check->why);
	f->remedy = keep(f, from->check->fix);
	f->rule = from->check->id;
	f->priority = priorities[from->severity];
	f->source = "inspect";
	f->hostname = s->target == INS_KUBERNETES || s->target == INS_NAMESPACE ? NULL : hostname;
	if (s->target <= INS_NAMESPACE) {
		f->container.id = keep(f, buf_str(&subject)); /* it need not run */
		f->container.name = keep(f, from->container);
		f->container.namespace = keep(f, s->ns);
		f->container.pod = keep(f, s->name);
	}
	f->output = arena_printf(&f->arena, "%s: %s", buf_str(&subject), from->message);
	f->evidence = evidence_of(f, from);
	snprintf(essence, sizeof(essence), "%016llx", (unsigned long long)from->fingerprint);
	finding_set_key(f, essence);
	finding_set_id(f); /* first_seen is still 0: the same id each time */
	f->first_seen = f->last_seen = (uint64_t)r->now * 1000000000u;
	return f;
}

int inspect_store(const struct inspect *in, const char *path, struct err *e)
{
	static const struct store_options options;
	const struct ins_report *r = &in->report;
	cleanup(store_close_p) struct store *store = NULL;
	struct finding *batch[BATCH];
	char hostname[256] = "";
	int err = store_open(&store, path, &options, e);

	if (err < 0)
		return err;
	if (store_notice(store))
		log_warn("%s", store_notice(store));
	gethostname(hostname, sizeof(hostname) - 1);
	for (size_t i = 0; i < r->findings_n && err == 0;) {
		size_t n = 0;

		for (; i < r->findings_n && n < BATCH; i++)
			if (rep_counts(&r->findings[i]))
				batch[n++] = convert(r, &r->findings[i], hostname);
		err = n ? store_put(store, batch, n, e) : 0;
		while (n)
			finding_free(batch[--n]);
	}
	return err;
}
