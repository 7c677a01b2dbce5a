#include "sensor/watch_uring.h"

#include <bpf/libbpf.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/uring.h"
#include "model/syscalls.h"
#include "model/uring.h"
#include "sensor/watch_private.h"

const char *watch_uring_unseen(const struct watch *w)
{
	return w->uring_why[0] ? w->uring_why : NULL;
}

/* False: nobody asks for a call that io_uring can do. */
static bool choose(struct watch *w)
{
	uint16_t *calls = (uint16_t *)w->skel->rodata->uring_call;
	const struct uring_operation *v;
	bool any = false;
	size_t n;

	v = uring_operations(&n);
	for (size_t i = 0; i < n; i++) {
		int nr = sc_nr(sc_abi_native(), v[i].call);

		if (nr < 0 || !watch_want_of(w, nr) || calls[v[i].op])
			continue;
		calls[v[i].op] = (uint16_t)(nr + 1);
		any = true;
	}
	return any;
}

void watch_uring_plan(struct watch *w)
{
	struct watch_bpf_prog__rodata *ro = w->skel->rodata;
	struct bpf_map *kept[] = { w->skel->maps.uring_kept, w->skel->maps.uring_fds,
				   w->skel->maps.uring_shots, w->skel->maps.uring_names };
	struct uring_kernel k = { 0 };
	bool on = choose(w);

	if (on)
		uring_look(&k);
	w->uring = k.there;
	if (!k.none)
		snprintf(w->uring_why, sizeof(w->uring_why), "%s", k.why);
	bpf_program__set_autoload(w->skel->progs.on_uring_submit, k.there);
	bpf_program__set_autoload(w->skel->progs.on_uring_complete, k.there);
	for (size_t i = 0; i < ARRAY_SIZE(kept) && !k.there; i++)
		bpf_map__set_max_entries(kept[i], 1);
	if (!k.there)
		return;
	bpf_program__set_attach_target(w->skel->progs.on_uring_submit, 0, k.submit);
	*(uint8_t *)&ro->uring_submit_at = (uint8_t)k.submit_at;
	*(uint8_t *)&ro->uring_by_cqe = k.by_cqe;
	*(uint32_t *)&ro->uring_creds = k.creds;
	*(uint32_t *)&ro->uring_again = k.again;
}

void watch_uring_started(struct watch *w)
{
	enum { IN_FLIGHT_NS = 1000000000 };

	w->skel->bss->uring_from = clock_ns(CLOCK_BOOTTIME) + IN_FLIGHT_NS;
}
