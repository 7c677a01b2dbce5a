/* container.*, k8s.* */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/enrich_private.h"

static const char *mount_line(struct enrich *e, const struct container_mount *m)
{
	return scratch_printf(e, "%s:%s:%s:%s:%s", m->source ? m->source : "", m->dest,
			      m->mode ? m->mode : "", m->rw ? "true" : "false",
			      m->propagation ? m->propagation : "");
}

/* By number, or by a path that may be a pattern. */
static const struct container_mount *find_mount(const struct container *c, const struct ev_ref *ref,
						bool by_dest)
{
	char key[512], *end;
	unsigned long n;

	if (!ref->key.len || ref->key.len >= sizeof(key))
		return NULL;
	memcpy(key, ref->key.p, ref->key.len);
	key[ref->key.len] = '\0';
	n = strtoul(key, &end, 10);
	if (*key && !*end)
		return n < c->mounts_n ? &c->mounts[n] : NULL;
	for (size_t i = 0; i < c->mounts_n; i++) {
		const char *s = by_dest ? c->mounts[i].dest : c->mounts[i].source;

		if (s && fnmatch(key, s, 0) == 0)
			return &c->mounts[i];
	}
	return NULL;
}

static bool read_mount(struct enrich *e, const struct container *c, const struct ev_ref *ref,
		       struct ev_values *out)
{
	const struct container_mount *m = find_mount(c, ref,
						     ref->field->id == EV_CONTAINER_MOUNT_SOURCE);

	if (!m)
		return false;
	switch (ref->field->id) {
	case EV_CONTAINER_MOUNT:
		return give_text(out, mount_line(e, m));
	case EV_CONTAINER_MOUNT_SOURCE:
		return give_text(out, m->source);
	case EV_CONTAINER_MOUNT_DEST:
		return give_text(out, m->dest);
	case EV_CONTAINER_MOUNT_MODE:
		return give_text(out, m->mode ? m->mode : "");
	case EV_CONTAINER_MOUNT_RDWR:
		return give_text(out, m->rw ? "true" : "false");
	case EV_CONTAINER_MOUNT_PROPAGATION:
		return give_text(out, m->propagation ? m->propagation : "");
	}
	return false;
}

static bool all_mounts(struct enrich *e, const struct container *c, struct ev_values *out)
{
	e->names.len = 0;
	for (size_t i = 0; i < c->mounts_n; i++) {
		const char *line = mount_line(e, &c->mounts[i]);

		if (i)
			buf_putc(&e->names, ',');
		buf_puts(&e->names, line ? line : "");
	}
	return give_text(out, scratch_printf(e, "%s", e->names.len ? buf_str(&e->names) : ""));
}

static bool all_labels(struct enrich *e, const struct container *c, struct ev_values *out)
{
	e->names.len = 0;
	for (size_t i = 0; i < c->labels_n; i++)
		buf_printf(&e->names, "%s%s:%s", i ? ", " : "", c->labels[i].key,
			   c->labels[i].value);
	return give_text(out, scratch_printf(e, "%s", e->names.len ? buf_str(&e->names) : ""));
}

/* What the host's processes have. */
static bool read_host(unsigned id, struct ev_values *out)
{
	switch (id) {
	case EV_CONTAINER_ID:
	case EV_CONTAINER_FULL_ID:
	case EV_CONTAINER_NAME:
	case EV_CONTAINER_TYPE:
		return give_text(out, "host");
	}
	return false;
}

static bool give_flag(struct ev_values *out, int known)
{
	return known >= 0 && give_bool(out, known);
}

static bool read_k8s(const struct container *c, const struct ev_ref *ref, struct ev_values *out)
{
	switch (ref->field->id) {
	case EV_K8S_POD_NAME:
		return give_text(out, c->pod_name);
	case EV_K8S_NS_NAME:
		return give_text(out, c->pod_namespace);
	case EV_K8S_POD_ID:
	case EV_K8S_POD_UID:
		return give_text(out, c->pod_uid);
	case EV_K8S_POD_FULL_SANDBOX_ID:
		return give_text(out, c->sandbox_id);
	case EV_K8S_POD_SANDBOX_ID:
		return c->sandbox_id && give_bytes(out, c->sandbox_id, strnlen(c->sandbox_id, 12));
	case EV_K8S_POD_LABEL:
		return give_text(out, container_label(c, ref->key.p, ref->key.len));
	}
	return false;
}

bool read_container_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	const struct container *c = e->p->container;
	unsigned id = ref->field->id;

	if (id == EV_CONTAINER_START_TS)
		return e->p->program->facts.ns_start &&
		       give_number(out, e->boot + e->p->program->facts.ns_start);
	if (id == EV_CONTAINER_DURATION)
		return e->p->program->facts.ns_start &&
		       give_number(out, e->rec->time > e->p->program->facts.ns_start
						? e->rec->time - e->p->program->facts.ns_start
						: 0);
	if (!c)
		return read_host(id, out);
	switch (id) {
	case EV_CONTAINER_ID:
		return give_text(out, c->short_id);
	case EV_CONTAINER_FULL_ID:
		return give_text(out, c->id);
	case EV_CONTAINER_NAME:
		return give_text(out, c->name);
	case EV_CONTAINER_TYPE:
		return give_text(out, container_engine_name(c->engine));
	case EV_CONTAINER_IMAGE:
		return give_text(out, c->image);
	case EV_CONTAINER_IMAGE_ID:
		return give_text(out, c->image_id);
	case EV_CONTAINER_IMAGE_REPOSITORY:
		return give_text(out, c->repository);
	case EV_CONTAINER_IMAGE_TAG:
		return give_text(out, c->tag);
	case EV_CONTAINER_IMAGE_DIGEST:
		return give_text(out, c->digest);
	case EV_CONTAINER_IP:
	case EV_K8S_POD_IP:
		return give_text(out, c->ip);
	case EV_CONTAINER_PRIVILEGED:
		return give_flag(out, c->privileged);
	case EV_CONTAINER_HOST_PID:
		return give_flag(out, c->host_pid);
	case EV_CONTAINER_HOST_NETWORK:
		return give_flag(out, c->host_network);
	case EV_CONTAINER_HOST_IPC:
		return give_flag(out, c->host_ipc);
	case EV_CONTAINER_MOUNTS:
		return c->known && all_mounts(e, c, out);
	case EV_CONTAINER_LABELS:
	case EV_K8S_POD_LABELS:
		return c->known && all_labels(e, c, out);
	case EV_CONTAINER_LABEL:
		return give_text(out, container_label(c, ref->key.p, ref->key.len));
	}
	return read_mount(e, c, ref, out) || read_k8s(c, ref, out);
}
