/* What the API is told: labels first, then the taint, events and status. */
#include <stdlib.h>
#include <string.h>

#include "app/node.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { EVENTS_MAX = 10, RETRY_MIN_MS = 500, RETRY_MAX_MS = 30000 };

static const char *label_value(const struct node_agent *a, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(a->labels, key, &v) ? json_object_get_string(v) : NULL;
}

/* ---- labels */

/*
 * The value that the profile's label should have, or NULL for none. While a new version cannot be
 * used, the version before, which is still on the disk, counts.
 */
static const char *wanted_value(const struct node_agent *a, const struct node_profile *p,
				const char *key)
{
	const char *now = label_value(a, key);

	if (p->state == NODE_INSTALLED)
		return p->hash;
	return p->kind == NODE_SECCOMP && now && node_has_version(a, p->name, now) ? now : NULL;
}

static void want(struct node_agent *a, struct json_object *changes, const char *key,
		 const char *value)
{
	const char *now = label_value(a, key);

	if (value && (!now || strcmp(now, value)))
		json_add(changes, key, json_object_new_string(value));
	else if (!value && now)
		json_object_object_add(changes, key, NULL);
}

/* Labels of profiles that no source has; sources that are not read yet may have them. */
static void drop_others(struct node_agent *a, struct json_object *changes,
			struct json_object *known)
{
	if (!node_sources_synced(a))
		return;
	json_object_object_foreach (a->labels, key, v) {
		struct json_object *found;

		(void)v;
		if (node_label_is_ours(key) && !json_object_object_get_ex(known, key, &found))
			json_object_object_add(changes, key, NULL);
	}
}

static struct json_object *label_changes(struct node_agent *a)
{
	cleanup_json struct json_object *known = json_object_new_object();
	struct json_object *changes = json_object_new_object();

	for (size_t i = 0; i < a->set.n; i++) {
		const struct node_profile *p = a->set.v[i];
		cleanup_free char *key = NULL;

		if (!node_name_ok(p->name) || !node_is_winner(a, p))
			continue;
		key = node_label(p->kind, p->name);
		want(a, changes, key, wanted_value(a, p, key));
		json_add(known, key, json_object_new_boolean(true));
	}
	drop_others(a, changes, known);
	return changes;
}

static void remember_labels(struct node_agent *a, struct json_object *changes)
{
	struct json_object *copy = NULL;

	if (json_object_deep_copy(a->labels, &copy, NULL) < 0)
		mem_exhausted();
	json_object_object_foreach (changes, key, v) {
		if (v)
			json_add(copy, key, json_object_get(v));
		else
			json_object_object_del(copy, key);
	}
	json_object_put(a->labels);
	a->labels = copy;
}

static int publish_labels(struct node_agent *a, struct err *e)
{
	cleanup_json struct json_object *changes = label_changes(a);
	cleanup_json struct json_object *patch = json_object_new_object();
	cleanup_free char *path = kube_path("v1", "nodes", NULL, a->o.name, NULL);
	struct json_object *meta = json_object_new_object();
	int r;

	json_add(patch, "metadata", meta);
	if (!json_object_object_length(changes))
		return 0;
	json_add(meta, "labels", json_object_get(changes));
	r = kube_patch(a->kube, path, KUBE_PATCH_MERGE, patch, NULL, e);
	if (r == 0)
		remember_labels(a, changes);
	return r;
}

/* ---- the taint of new nodes */

static struct json_object *patch_step(const char *op, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "op", json_object_new_string(op));
	json_add(o, "path", json_object_new_string("/spec/taints"));
	json_object_object_add(o, "value", value);
	return o;
}

/* Without those of the key; NULL when there are none. */
static struct json_object *taints_without(struct json_object *taints, const char *key)
{
	struct json_object *left = json_object_new_array();
	size_t n = taints ? json_object_array_length(taints) : 0;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		struct json_object *t = json_object_array_get_idx(taints, i), *k;

		if (json_object_object_get_ex(t, "key", &k) &&
		    !strcmp(json_object_get_string(k), key))
			found = true;
		else
			json_append(left, json_object_get(t));
	}
	if (found)
		return left;
	json_object_put(left);
	return NULL;
}

/* Only when the taints are still those that were seen. */
static int publish_taint(struct node_agent *a, struct err *e)
{
	cleanup_json struct json_object *left = NULL, *patch = NULL;
	cleanup_free char *path = kube_path("v1", "nodes", NULL, a->o.name, NULL);

	if (!node_in_sync(a))
		return 0;
	left = taints_without(a->taints, a->o.taint);
	if (!left)
		return 0;
	patch = json_object_new_array();
	json_append(patch, patch_step("test", json_object_get(a->taints)));
	json_append(patch, patch_step("replace", json_object_get(left)));
	return kube_patch(a->kube, path, KUBE_PATCH_JSON, patch, NULL, e);
}

/* ---- events */

static int post(struct node_agent *a, bool warning, const char *reason, const char *message,
		struct err *e)
{
	const struct kube_event ev = { .api_version = "v1",
				       .kind = "Node",
				       .name = a->o.name,
				       .uid = a->uid,
				       .warning = warning,
				       .reason = reason,
				       .message = message,
				       .host = a->o.name };

	return kube_post_event(a->kube, &ev, e);
}

static int post_bad(struct node_agent *a, struct node_profile *p, struct err *e)
{
	cleanup_free char *message = xasprintf("%s %s (%s): %s", node_kind_name(p->kind), p->name,
					       p->origin, p->message);

	return post(a, true, p->state == NODE_REFUSED ? "ProfileRefused" : "ProfileFailed", message,
		    e);
}

/* What was installed is one event, whatever their number; the first of what went wrong are told. */
static int publish_events(struct node_agent *a, struct err *e)
{
	cleanup_buf struct buf good = { 0 };
	unsigned bad = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->set.n; i++) {
		struct node_profile *p = a->set.v[i];

		if (p->told)
			continue;
		if (p->state == NODE_INSTALLED)
			buf_printf(&good, "%s%s %s (%s)", good.len ? ", " : "",
				   node_kind_name(p->kind), p->name, p->hash);
		else if ((p->state == NODE_REFUSED || p->state == NODE_FAILED) &&
			 bad++ < EVENTS_MAX)
			r = post_bad(a, p, e);
	}
	if (r == 0 && good.len)
		r = post(a, false, "ProfilesInstalled", buf_str(&good), e);
	if (r == 0 && a->repaired.len)
		r = post(a, true, "ProfileRepaired", buf_str(&a->repaired), e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < a->set.n; i++)
		a->set.v[i]->told = true;
	a->repaired.len = 0;
	return 0;
}

/* ---- status */

static struct json_object *status_json(const struct node_agent *a)
{
	struct json_object *status = json_object_new_object(), *list = json_object_new_array();
	size_t installed = 0, wanted = 0;

	for (size_t i = 0; i < a->set.n; i++) {
		installed += a->set.v[i]->state == NODE_INSTALLED;
		wanted++;
		json_append(list, node_profile_json(a, a->set.v[i]));
	}
	json_add(status, "inSync", json_object_new_boolean(node_in_sync(a)));
	json_add(status, "wanted", json_object_new_int64((int64_t)wanted));
	json_add(status, "installed", json_object_new_int64((int64_t)installed));
	json_add(status, "version", json_object_new_string(BOLTSEAL_VERSION));
	json_add(status, "profiles", list);
	return status;
}

/* {ownerReferences: [the Node]}: when the Node goes, so does this. */
static struct json_object *status_meta(const struct node_agent *a)
{
	struct json_object *meta = json_object_new_object(), *owners = json_object_new_array();
	struct json_object *owner = json_object_new_object();

	json_add(meta, "name", json_object_new_string(a->o.name));
	json_add(meta, "ownerReferences", owners);
	json_append(owners, owner);
	json_add(owner, "apiVersion", json_object_new_string("v1"));
	json_add(owner, "kind", json_object_new_string("Node"));
	json_add(owner, "name", json_object_new_string(a->o.name));
	json_add(owner, "uid", json_object_new_string(a->uid));
	return meta;
}

/* The object is there, and is this Node's, not that of one of the same name before it. */
static int own_status(struct node_agent *a, struct err *e)
{
	cleanup_free char *path = kube_path(NODE_API, "nodeprofilestatuses", NULL, a->o.name, NULL);
	cleanup_json struct json_object *o = json_object_new_object();
	int r;

	if (a->status_owned)
		return 0;
	json_add(o, "apiVersion", json_object_new_string(NODE_API));
	json_add(o, "kind", json_object_new_string("NodeProfileStatus"));
	json_add(o, "metadata", status_meta(a));
	r = kube_patch(a->kube, path, KUBE_PATCH_MERGE, o, NULL, e);
	if (r == -ENOENT)
		r = kube_create(a->kube, "/apis/" NODE_API "/nodeprofilestatuses", o, NULL, e);
	a->status_owned = r == 0;
	return r;
}

static int write_status(struct node_agent *a, struct json_object *status, struct err *e)
{
	cleanup_json struct json_object *patch = json_object_new_object();
	cleanup_free char *path = kube_path(NODE_API, "nodeprofilestatuses", NULL, a->o.name,
					    "status");
	int r = own_status(a, e);

	if (r < 0)
		return r;
	json_add(patch, "status", json_object_get(status));
	r = kube_patch(a->kube, path, KUBE_PATCH_MERGE, patch, NULL, e);
	if (r == -ENOENT)
		a->status_owned = false;
	return r;
}

static int publish_status(struct node_agent *a, struct err *e)
{
	cleanup_json struct json_object *status = status_json(a);
	cleanup_free char *text = json_text(status);
	int r;

	if (a->status && !strcmp(a->status, text))
		return 0;
	r = write_status(a, status, e);
	if (r == -ENOENT) {
		if (!a->status_missing)
			log_warn("no status is reported, because the cluster does not know "
				 "NodeProfileStatus (deploy/crds): %s",
				 e->msg);
		a->status_missing = true;
		r = 0;
	} else if (r == 0) {
		a->status_missing = false;
	}
	if (r == 0) {
		free(a->status);
		a->status = take_ptr(text);
	}
	return r;
}

bool node_publish(struct node_agent *a)
{
	static int (*const steps[])(struct node_agent * a,
				    struct err * e) = { publish_labels, publish_taint,
							publish_events, publish_status };
	struct err e = { 0 };
	uint64_t pause;

	if (!a->uid || a->o.dry)
		return a->o.dry;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i](a, &e) == 0)
			continue;
		/* The watches tell when the server is not reached. */
		if (!a->publish_failures && !a->numbers.api_lost)
			log_warn("%s", e.msg);
		a->numbers.publish_failures++;
		pause = (uint64_t)RETRY_MIN_MS
			<< (a->publish_failures < 8 ? a->publish_failures : 8);
		a->publish_failures++;
		a->retry_ms = clock_ms(CLOCK_MONOTONIC) +
			      (pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
		return false;
	}
	a->publish_failures = 0;
	return true;
}
