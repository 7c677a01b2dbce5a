#include "sensor/watch_drift.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "model/syscalls.h"
#include "sensor/watch_private.h"

uint32_t watch_host_space(void)
{
	static uint32_t space;
	struct stat st;

	if (!space && (stat("/proc/1/ns/mnt", &st) == 0 || stat("/proc/self/ns/mnt", &st) == 0))
		space = (uint32_t)st.st_ino;
	return space;
}

void watch_drift(struct watch *w)
{
	struct watch_drifting *d = &w->drift;

	watch_plan_drift(w);
	d->on = true;
	d->kept_n = 1;
}

int watch_also(struct watch *w, const char *call, bool success, struct err *e)
{
	int nr = sc_nr(sc_abi_native(), call), r;
	struct want *want = nr < 0 ? NULL : watch_want_of(w, nr);
	uint8_t bits = WATCH_DRIFT_WANTED | (success ? WATCH_DRIFT_SUCCESS : 0);
	size_t planned = w->plan.len;

	if (!want) {
		r = watch_want(w, call, NULL, 0, e);
		if (r < 0)
			return r;
		want = watch_want_of(w, nr);
		bits |= WATCH_DRIFT_ALONE;
		w->plan.len = planned; /* that is part of what follows */
	}
	watch_plan_also(w, call, success);
	want->spec.drift = bits;
	return 0;
}

int watch_keep(struct watch *w, const char *call, const struct watch_kept *k, struct err *e)
{
	struct watch_drifting *d = &w->drift;
	int nr = sc_nr(sc_abi_native(), call);

	if (nr < 0 || nr >= WATCH_NRS)
		return 0;
	if (d->kept_n == WATCH_KEPTS)
		return err_set(e, E2BIG, "more than %d calls whose arguments are compared",
			       WATCH_KEPTS - 1);
	if (!d->kept_n || k->n > WATCH_KEPT)
		return err_set(e, EINVAL, "%s: arguments that cannot be compared", call);
	for (uint32_t i = 0; i < k->n; i++)
		if (k->arg[i] >= WATCH_ARGS)
			return err_set(e, EINVAL, "%s: has no argument %u", call, k->arg[i]);
	watch_plan_keep(w, call, k);
	d->kept_nr[d->kept_n] = (uint16_t)nr;
	d->kept[d->kept_n++] = *k;
	return 0;
}

/* ---- the kernel's sets */

static int update(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_ANY) < 0 ? -errno : 0;
}

static int take_asked(struct watch *w, const struct watch_ns_key *key, struct watch_asked *out)
{
	int map = bpf_map__fd(w->skel->maps.asked);

	if (bpf_map_lookup_elem(map, key, out) < 0)
		return -ENOENT;
	bpf_map_delete_elem(map, key);
	return 0;
}

static void forget(struct watch *w, uint32_t mnt_ns)
{
	for (uint32_t abi = 0; abi < WATCH_ABIS; abi++) {
		const struct watch_ns_key key = { mnt_ns, abi };

		bpf_map_delete_elem(bpf_map__fd(w->skel->maps.namespaces), &key);
		bpf_map_delete_elem(bpf_map__fd(w->skel->maps.asked), &key);
	}
}

int watch_drift_do(struct watch *w, const struct watch_drift_ask *q, struct watch_asked *out)
{
	const struct watch_ns_key key = { q->mnt_ns, q->abi };
	const uint8_t yes = 1;

	if (q->abi >= WATCH_ABIS || !w->drift.on)
		return -EINVAL;
	switch (q->op) {
	case WATCH_DRIFT_SET:
		return q->known.state > WATCH_NS_IGNORED
			       ? -EINVAL
			       : update(bpf_map__fd(w->skel->maps.namespaces), &key, &q->known);
	case WATCH_DRIFT_ARGS:
		return q->args.nr >= WATCH_NRS
			       ? -EINVAL
			       : update(bpf_map__fd(w->skel->maps.known_args), &q->args, &yes);
	case WATCH_DRIFT_ASKED:
		return take_asked(w, &key, out);
	case WATCH_DRIFT_FORGET:
		forget(w, q->mnt_ns);
		return 0;
	case WATCH_DRIFT_FORGET_ARGS:
		bpf_map_delete_elem(bpf_map__fd(w->skel->maps.known_args), &q->args);
		return 0;
	}
	return -EINVAL;
}

/* Here, or by the process that has the programs. */
static int put(struct watch *w, const struct watch_drift_ask *q, struct watch_asked *out)
{
	const struct watch_drift_there *t = &w->drift.there;

	return t->ask ? t->ask(t->ctx, t->slot, q, out) : watch_drift_do(w, q, out);
}

int watch_ns_set(struct watch *w, uint32_t mnt_ns, unsigned abi, const struct watch_ns *n,
		 struct err *e)
{
	struct watch_drift_ask q = {
		.op = WATCH_DRIFT_SET, .mnt_ns = mnt_ns, .abi = abi, .known = *n
	};
	int err = put(w, &q, NULL);

	return err < 0 ? err_errno(e, -err, "cannot set what is known of mount namespace %u",
				   mnt_ns)
		       : 0;
}

bool watch_ns_asked(struct watch *w, uint32_t mnt_ns, unsigned abi, struct watch_asked *out)
{
	struct watch_drift_ask q = { .op = WATCH_DRIFT_ASKED, .mnt_ns = mnt_ns, .abi = abi };

	return put(w, &q, out) == 0;
}

int watch_ns_args(struct watch *w, const struct watch_args *a, struct err *e)
{
	struct watch_drift_ask q = { .op = WATCH_DRIFT_ARGS, .args = *a };
	int err = put(w, &q, NULL);

	return err < 0 ? err_errno(e, -err, "cannot keep the known arguments of a call") : 0;
}

void watch_ns_forget(struct watch *w, uint32_t mnt_ns)
{
	put(w, &(struct watch_drift_ask){ .op = WATCH_DRIFT_FORGET, .mnt_ns = mnt_ns }, NULL);
}

void watch_ns_forget_args(struct watch *w, const struct watch_args *a)
{
	put(w, &(struct watch_drift_ask){ .op = WATCH_DRIFT_FORGET_ARGS, .args = *a }, NULL);
}

bool watch_drift_caps(const struct watch *w)
{
	return w->drift.caps;
}

void watch_drift_join(struct watch *w, const struct watch_drift_there *there)
{
	w->drift.there = *there;
	w->drift.caps = there->caps;
}
