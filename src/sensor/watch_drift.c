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
	struct stat st;

	if (stat("/proc/1/ns/mnt", &st) < 0 && stat("/proc/self/ns/mnt", &st) < 0)
		return 0;
	return (uint32_t)st.st_ino;
}

void watch_drift(struct watch *w)
{
	struct watch_drifting *d = &w->drift;

	d->on = true;
	d->kept_n = 1;
}

int watch_also(struct watch *w, const char *call, bool success, struct err *e)
{
	int nr = sc_nr(sc_abi_native(), call), r;
	struct want *want = nr < 0 ? NULL : watch_want_of(w, nr);
	uint8_t bits = WATCH_DRIFT_WANTED | (success ? WATCH_DRIFT_SUCCESS : 0);

	if (!want) {
		r = watch_want(w, call, NULL, 0, e);
		if (r < 0)
			return r;
		want = watch_want_of(w, nr);
		bits |= WATCH_DRIFT_ALONE;
	}
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
	d->kept_nr[d->kept_n] = (uint16_t)nr;
	d->kept[d->kept_n++] = *k;
	return 0;
}

int watch_ns_set(struct watch *w, uint32_t mnt_ns, unsigned abi, const struct watch_ns *n,
		 struct err *e)
{
	const struct watch_ns_key key = { mnt_ns, abi };

	if (bpf_map_update_elem(bpf_map__fd(w->skel->maps.namespaces), &key, n, BPF_ANY) < 0)
		return err_errno(e, errno, "cannot set what is known of mount namespace %u",
				 mnt_ns);
	return 0;
}

bool watch_ns_asked(struct watch *w, uint32_t mnt_ns, unsigned abi, struct watch_asked *out)
{
	const struct watch_ns_key key = { mnt_ns, abi };
	int fd = bpf_map__fd(w->skel->maps.asked);

	if (bpf_map_lookup_elem(fd, &key, out) < 0)
		return false;
	bpf_map_delete_elem(fd, &key);
	return true;
}

int watch_ns_args(struct watch *w, const struct watch_args *a, struct err *e)
{
	const uint8_t yes = 1;

	if (bpf_map_update_elem(bpf_map__fd(w->skel->maps.known_args), a, &yes, BPF_ANY) < 0)
		return err_errno(e, errno, "cannot keep the known arguments of a call");
	return 0;
}

bool watch_drift_caps(const struct watch *w)
{
	return w->drift.caps;
}
