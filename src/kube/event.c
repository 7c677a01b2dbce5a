#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "kube/kube_private.h"

enum { MESSAGE_BYTES = 1024 }; /* the API takes no longer ones */

static void put(struct json_object *o, const char *key, const char *v)
{
	if (v)
		json_add(o, key, json_object_new_string(v));
}

static struct json_object *subject(const struct kube_event *ev)
{
	struct json_object *o = json_object_new_object();

	put(o, "apiVersion", ev->api_version);
	put(o, "kind", ev->kind);
	put(o, "namespace", ev->ns);
	put(o, "name", ev->name);
	put(o, "uid", ev->uid);
	return o;
}

/* At most so many bytes, not within a character. */
static char *cut(const char *text)
{
	size_t n = strlen(text);

	if (n > MESSAGE_BYTES)
		for (n = MESSAGE_BYTES; n && (text[n] & 0xc0) == 0x80;)
			n--;
	return xasprintf("%.*s", (int)n, text);
}

int kube_post_event(struct kube *k, const struct kube_event *ev, struct err *e)
{
	/* Events about objects of no namespace are kept in this one. */
	const char *ns = ev->ns ? ev->ns : "default";
	cleanup_free char *path = kube_path("v1", "events", ns, NULL, NULL);
	cleanup_free char *message = cut(ev->message), *name = NULL;
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *meta = json_object_new_object(), *source = json_object_new_object();
	char time[32];
	struct timespec now;
	struct tm t;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &t);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &t);
	name = xasprintf("%.200s.%llx%09lx", ev->name, (unsigned long long)now.tv_sec, now.tv_nsec);
	put(o, "apiVersion", "v1");
	put(o, "kind", "Event");
	json_add(o, "metadata", meta);
	put(meta, "name", name);
	put(meta, "namespace", ns);
	json_add(o, "involvedObject", subject(ev));
	put(o, "type", ev->warning ? "Warning" : "Normal");
	put(o, "reason", ev->reason);
	put(o, "message", message);
	put(o, "firstTimestamp", time);
	put(o, "lastTimestamp", time);
	json_add(o, "count", json_object_new_int(1));
	json_add(o, "source", source);
	put(source, "component", k->manager);
	put(source, "host", ev->host);
	return kube_create(k, path, o, NULL, e);
}
