#include "respond/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "respond/procinfo.h"

#define FORMAT "boltseal.respond/1"

enum { STATE_MAX = 64 * 1024, NAME_BYTES = 8 };

/* "freeze-0a1b2c3d4e5f6071.json": the action, and a hash of what it is about. */
static char *file_of(const char *folder, enum respond_action a, const struct respond_request *q)
{
	const char *about = q->container[0] ? q->container : q->cgroup;
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256(about, strlen(about), digest);
	sha256_hex(digest, hex);
	return xasprintf("%s/%s-%.*s.json", folder, respond_action_name(a), 2 * NAME_BYTES, hex);
}

int state_put(const char *folder, const struct respond_state *s, struct err *e)
{
	const struct respond_request *q = &s->request;
	cleanup_free char *path = file_of(folder, q->action, q), *text = NULL;
	cleanup_json struct json_object *o = json_object_new_object();

	if (io_make_folder(folder, 0700, e) < 0)
		return -e->code;
	json_add(o, "format", json_object_new_string(FORMAT));
	json_add(o, "action", json_object_new_string(respond_action_name(q->action)));
	json_add(o, "container", json_object_new_string(q->container));
	json_add(o, "cgroup", json_object_new_string(q->cgroup));
	json_add(o, "rule", json_object_new_string(q->rule));
	json_add(o, "flags", json_object_new_uint64(q->flags));
	json_add(o, "operations", json_object_new_uint64(q->operations));
	json_add(o, "capabilities", json_object_new_uint64(q->capabilities));
	json_add(o, "since", json_object_new_uint64(s->since));
	json_add(o, "agent", json_object_new_uint64((uint64_t)s->agent));
	json_add(o, "agent_start", json_object_new_uint64(s->agent_start));
	json_add(o, "detail", json_object_new_string(s->detail));
	text = json_text(o);
	return io_write_file(path, text, strlen(text), e);
}

void state_remove(const char *folder, enum respond_action a, const struct respond_request *q)
{
	cleanup_free char *path = file_of(folder, a, q);

	unlink(path);
}

static int get_text(const struct json_doc *d, const char *key, char *out, size_t size)
{
	const char *s = "";

	if (json_get_str(d, NULL, d->root, key, true, &s, NULL) < 0 || strlen(s) >= size)
		return -EINVAL;
	strcpy(out, s);
	return 0;
}

static int get_number(const struct json_doc *d, const char *key, uint64_t max, uint64_t *out)
{
	*out = 0;
	return json_get_u64(d, NULL, d->root, key, true, max, out, NULL);
}

static int read_state(const char *path, struct respond_state *s)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct respond_request *q = &s->request;
	char action[32];
	uint64_t flags, operations, agent;

	*s = (struct respond_state){ 0 };
	if (json_load(&d, path, STATE_MAX, NULL) < 0 || get_text(&d, "action", action, 32) < 0 ||
	    get_text(&d, "container", q->container, sizeof(q->container)) < 0 ||
	    get_text(&d, "cgroup", q->cgroup, sizeof(q->cgroup)) < 0 ||
	    get_text(&d, "rule", q->rule, sizeof(q->rule)) < 0 ||
	    get_text(&d, "detail", s->detail, sizeof(s->detail)) < 0 ||
	    get_number(&d, "flags", UINT32_MAX, &flags) < 0 ||
	    get_number(&d, "operations", UINT32_MAX, &operations) < 0 ||
	    get_number(&d, "capabilities", UINT64_MAX, &q->capabilities) < 0 ||
	    get_number(&d, "since", UINT64_MAX, &s->since) < 0 ||
	    get_number(&d, "agent", INT32_MAX, &agent) < 0 ||
	    get_number(&d, "agent_start", UINT64_MAX, &s->agent_start) < 0)
		return -EINVAL;
	q->action = respond_action_by_name(action);
	q->flags = (uint32_t)flags;
	q->operations = (uint32_t)operations;
	s->agent = (pid_t)agent;
	return q->action < RESPOND_ACTION_COUNT ? 0 : -EINVAL;
}

void state_each(const char *folder, void (*each)(const struct respond_state *s, void *ctx),
		void *ctx)
{
	cleanup_closedir DIR *dir = opendir(folder);
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		size_t len = strlen(d->d_name);
		cleanup_free char *path = NULL;
		struct respond_state s;

		if (len < 6 || strcmp(d->d_name + len - 5, ".json") != 0)
			continue;
		path = xasprintf("%s/%s", folder, d->d_name);
		if (read_state(path, &s) == 0)
			each(&s, ctx);
	}
}

bool state_agent_runs(const struct respond_state *s)
{
	struct procinfo info;

	return procinfo_read(s->agent, &info) == 0 && info.start == s->agent_start &&
	       info.state != 'Z';
}

void state_sign(struct respond_state *s)
{
	struct procinfo info;

	s->agent = getpid();
	s->agent_start = procinfo_read(s->agent, &info) == 0 ? info.start : 0;
}
