#include "profile/seen.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/seccomp.h"

static bool source_lost_arguments(const struct wl_source *s)
{
	for (size_t i = 0; i < s->loss_n; i++)
		if (strstr(s->loss[i].what, "argument"))
			return true;
	return false;
}

bool seen_complete(const struct workload *w, const struct wl_syscall *s, uint32_t phases)
{
	cleanup_prov struct wl_prov open = { 0 };

	wl_open_prov(s, &open);
	if (!s->calls_n || open.phases & phases)
		return false;
	for (size_t i = 0; i < s->prov.sources.n; i++) {
		uint32_t source = s->prov.sources.v[i];

		if (source >= w->sources_n || source_lost_arguments(&w->sources[source]))
			return false;
	}
	return true;
}

bool seen_rules_only(const struct workload *w, const struct wl_syscall *s, uint32_t phases)
{
	bool any = false;

	for (size_t i = 0; i < s->calls_n; i++) {
		if (!(s->calls[i].prov.phases & phases))
			continue;
		if (!s->calls[i].rule)
			return false;
		any = true;
	}
	return any && seen_complete(w, s, phases);
}

bool seen_allowed_by_policy(const struct workload *w, const char *name, uint32_t phases)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		const struct wl_syscall *s = wl_syscall_find(w, (enum sc_abi)abi, name);
		cleanup_prov struct wl_prov open = { 0 };

		if (s)
			wl_open_prov(s, &open);
		for (size_t i = 0; open.phases & phases && i < open.sources.n; i++)
			if (w->sources[open.sources.v[i]].kind == WL_POLICY)
				return true;
	}
	return false;
}

static int row_cmp(const void *pa, const void *pb)
{
	const struct seen_row *a = pa, *b = pb;

	for (size_t i = 0; i < WL_MAX_ARGS; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}

void seen_add(struct seen *s, const uint64_t *v, unsigned n)
{
	struct seen_row *r = vec_push(s->rows, s->n, s->cap);

	for (unsigned i = 0; i < n; i++)
		r->v[i] = v[i];
}

void seen_sort(struct seen *s)
{
	size_t out = 0;

	if (!s->n)
		return;
	qsort(s->rows, s->n, sizeof(*s->rows), row_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (!i || row_cmp(&s->rows[i], &s->rows[out - 1]))
			s->rows[out++] = s->rows[i];
	s->n = out;
}

void seen_free(struct seen *s)
{
	free(s->rows);
	*s = (struct seen){ 0 };
}

/* Whether the set says what the wanted bits of its argument at place `k` are. */
static bool tells(const struct wl_syscall *s, const struct wl_call *c, unsigned k, uint64_t mask)
{
	unsigned n;
	const struct sc_arg *args = sc_args(s->desc, s->abi, &n);
	unsigned bits = sp_arg_bits(s->abi, s->desc, c->index[k]);
	uint64_t all = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;

	if (!c->rule) /* of what a pointer leads to, a recorder keeps the value there */
		return true;
	return c->index[k] < n && !sc_arg_is_pointer(args[c->index[k]].kind) &&
	       !(mask & all & ~c->mask[k]);
}

/* The wanted arguments of one argument set; false when one of them is not there. */
static bool call_row(const struct wl_syscall *s, const struct wl_call *c, unsigned n,
		     const uint8_t *index, const uint64_t *mask, uint64_t *v)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < c->n; k++) {
			if (c->index[k] != index[i] || !tells(s, c, k, mask[i]))
				continue;
			v[i] = c->value[k] & mask[i];
			found++;
			break;
		}
	}
	return found == n;
}

static bool collect_abi(const struct workload *w, const struct wl_syscall *s, uint32_t phases,
			unsigned n, const uint8_t *index, const uint64_t *mask, struct seen *out)
{
	bool complete = seen_complete(w, s, phases);

	for (size_t i = 0; i < s->calls_n; i++) {
		uint64_t v[WL_MAX_ARGS];

		if (!(s->calls[i].prov.phases & phases))
			continue;
		if (call_row(s, &s->calls[i], n, index, mask, v))
			seen_add(out, v, n);
		else
			complete = false;
	}
	return complete;
}

void seen_collect(const struct workload *w, const char *name, uint32_t phases, unsigned n,
		  const uint8_t *index, const uint64_t *mask, struct seen *out)
{
	*out = (struct seen){ .state = SEEN_NEVER };
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		const struct wl_syscall *s = wl_syscall_find(w, (enum sc_abi)abi, name);

		if (!s || !(s->prov.phases & phases))
			continue;
		if (!collect_abi(w, s, phases, n, index, mask, out))
			out->state = SEEN_UNKNOWN;
		else if (out->state == SEEN_NEVER)
			out->state = SEEN_KNOWN;
	}
	seen_sort(out);
}

bool seen_called(const struct workload *w, const char *name, uint32_t phases)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		const struct wl_syscall *s = wl_syscall_find(w, (enum sc_abi)abi, name);

		if (s && s->prov.phases & phases)
			return true;
	}
	return false;
}

bool seen_abi(const struct workload *w, enum sc_abi abi, uint32_t phases)
{
	for (size_t i = 0; i < w->syscalls_n; i++)
		if (w->syscalls[i].abi == abi && w->syscalls[i].prov.phases & phases)
			return true;
	return false;
}

/* The protocol that 0 stands for; 0 where there is none or no such rule. */
static uint64_t default_protocol(uint64_t type)
{
	return type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
}

static void close_over(struct seen *s)
{
	size_t n = s->n;

	for (size_t i = 0; i < n; i++) {
		uint64_t type = s->rows[i].v[1], protocol = s->rows[i].v[2];
		uint64_t normal = default_protocol(type);

		if (s->rows[i].v[0] != AF_INET && s->rows[i].v[0] != AF_INET6)
			continue;
		for (unsigned k = 0; k < 2; k++) {
			uint64_t family = k ? AF_INET6 : AF_INET;

			/* ICMP has a number of its own in IPv6. */
			if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
				protocol = k ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
			seen_add(s, (uint64_t[]){ family, type, protocol }, 3);
			if (normal && (protocol == 0 || protocol == normal)) {
				seen_add(s, (uint64_t[]){ family, type, 0 }, 3);
				seen_add(s, (uint64_t[]){ family, type, normal }, 3);
			}
		}
	}
}

void seen_sockets(const struct workload *w, const char *name, uint32_t phases, bool close,
		  struct seen *out)
{
	static const uint8_t index[] = { 0, 1, 2 };
	static const uint64_t mask[] = {
		UINT32_MAX,
		UINT32_MAX & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC),
		UINT32_MAX,
	};

	seen_collect(w, name, phases, 3, index, mask, out);
	if (out->state == SEEN_KNOWN && close) {
		close_over(out);
		seen_sort(out);
	}
}
