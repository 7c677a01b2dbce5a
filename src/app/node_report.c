#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/node.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"

static void put(struct json_object *o, const char *key, const char *v)
{
	if (v && *v)
		json_add(o, key, json_object_new_string(v));
}

struct json_object *node_profile_json(const struct node_agent *a, const struct node_profile *p)
{
	struct json_object *o = json_object_new_object();
	cleanup_free char *key = node_name_ok(p->name) ? node_label(p->kind, p->name) : NULL;
	char since[32];
	struct tm t;

	put(o, "kind", node_kind_name(p->kind));
	put(o, "name", p->name);
	put(o, "source", p->origin);
	put(o, "hash", p->problem ? NULL : p->hash);
	put(o, "state", node_state_name(p->state));
	put(o, "message", p->message);
	if (p->since) {
		gmtime_r(&p->since, &t);
		strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &t);
		put(o, "since", since);
	}
	if (p->state == NODE_INSTALLED) {
		put(o, "label", key);
		if (p->kind == NODE_SECCOMP) {
			cleanup_free char *file = xasprintf("%s/%s-%s.json", a->o.subfolder,
							    p->name, p->hash);

			put(o, "localhostProfile", file);
		}
	}
	return o;
}

static struct json_object *docker_json(const struct node_agent *a)
{
	struct json_object *o = json_object_new_object();

	put(o, "file", a->o.docker);
	put(o, "state", a->docker < 0 ? "Failed" : a->docker ? "Changed" : "Unchanged");
	if (a->docker < 0)
		put(o, "message", a->docker_error);
	return o;
}

static void report_json(const struct node_agent *a)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	cleanup_free char *text = NULL;

	put(o, "format", "boltseal.node/1");
	put(o, "node", a->o.name);
	put(o, "folder", a->o.dir);
	json_add(o, "dryRun", json_object_new_boolean(a->o.dry));
	json_add(o, "inSync", json_object_new_boolean(node_in_sync(a)));
	json_add(o, "published", json_object_new_boolean(a->published));
	json_add(o, "removed", json_object_new_int64((int64_t)a->numbers.removed));
	json_add(o, "profiles", list);
	for (size_t i = 0; i < a->set.n; i++)
		json_append(list, node_profile_json(a, a->set.v[i]));
	if (a->o.docker)
		json_add(o, "docker", docker_json(a));
	text = json_text(o);
	fputs(text, stdout);
}

static void report_line(const struct node_agent *a, const struct node_profile *p)
{
	printf("%-12s%-9s %s %s%s%s%s\n", node_state_name(p->state), node_kind_name(p->kind),
	       p->name, p->problem ? "" : p->hash, *p->message ? ": " : "", p->message,
	       a->o.dry ? " (dry run)" : "");
}

void node_report(struct node_agent *a)
{
	size_t refused = 0;

	if (a->o.json) {
		report_json(a);
		return;
	}
	for (size_t i = 0; i < a->set.n; i++) {
		report_line(a, a->set.v[i]);
		refused += a->set.v[i]->state == NODE_REFUSED;
	}
	if (a->o.docker && a->docker < 0)
		printf("Failed      %s: %s\n", a->o.docker, a->docker_error);
	else if (a->o.docker && a->docker)
		printf("%s %s: Docker takes it when it is started anew\n",
		       a->o.dry ? "would change" : "Changed    ", a->o.docker);
	printf("%zu profile%s, ", a->set.n, a->set.n == 1 ? "" : "s");
	if (refused)
		printf("%zu refused, ", refused);
	puts(node_in_sync(a) ? "in sync" : "not in sync");
}

void node_changes(struct node_agent *a)
{
	for (size_t i = 0; i < a->set.n; i++) {
		const struct node_profile *p = a->set.v[i];

		if (p->told || p->state == NODE_PENDING)
			continue;
		if (a->o.json) {
			cleanup_json struct json_object *o = node_profile_json(a, p);

			puts(json_object_to_json_string_ext(
				o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		} else {
			report_line(a, p);
		}
	}
	if (a->repaired.len)
		log_warn("changed by somebody else, and repaired: %s", buf_str(&a->repaired));
	fflush(stdout);
}

int node_exit_code(const struct node_agent *a)
{
	bool refused = false, missing = !node_sources_synced(a) || (a->kube && !a->published);

	for (size_t i = 0; i < a->set.n; i++) {
		refused |= a->set.v[i]->state == NODE_REFUSED;
		missing |= a->set.v[i]->state == NODE_FAILED ||
			   a->set.v[i]->state == NODE_UNAVAILABLE;
	}
	missing |= a->o.docker && a->docker < 0;
	return missing ? EXIT_INCOMPLETE : refused ? EXIT_FINDINGS : EXIT_OK;
}
