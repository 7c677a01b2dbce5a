/* A workload model, prepared for questions. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "baseline/baseline_private.h"

/* The phases that programs of a running container are in; the runtime's own are not looked at. */
#define JUDGED (WL_PROGRAM_PHASES | WL_PHASE_BIT(WL_SEALED))

/* A recording; not a policy, an analysis, or a log of what a policy refused. */
static bool is_recording(const struct wl_source *s)
{
	return s->kind == WL_EBPF || s->kind == WL_PTRACE ||
	       (s->kind == WL_IMPORT && !s->supplement);
}

static void add_folder(struct bl_model *m, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash && slash[1])
		*map_at(&m->folders, path, (size_t)(slash - path) + 1) = m;
}

static void prepare_files(struct bl_model *m)
{
	for (size_t i = 0; i < m->w.files_n; i++) {
		const struct wl_file *f = &m->w.files[i];

		if (f->pattern)
			*vec_push(m->patterns, m->patterns_n, m->patterns_cap) = f;
		else
			*map_at(&m->paths, f->path, strlen(f->path)) = (void *)(uintptr_t)(i + 1);
		if (!f->pattern && f->access & WL_F_READ)
			add_folder(m, f->path);
	}
}

struct bl_model *bl_model_new(struct workload *w, const char *file)
{
	struct bl_model *m = xcalloc(1, sizeof(*m));

	m->w = *w;
	wl_init(w);
	m->file = xstrdup(file);
	for (size_t i = 0; i < m->w.sources_n; i++)
		m->recorded |= is_recording(&m->w.sources[i]);
	for (size_t i = 0; i < m->w.syscalls_n; i++) {
		const struct wl_syscall *s = &m->w.syscalls[i];

		if (!(s->prov.phases & JUDGED))
			continue;
		m->abis |= 1u << s->abi;
		m->classes |= UINT64_C(1)
			      << call_class_index(call_class_of(s->desc ? s->desc->name : NULL));
	}
	prepare_files(m);
	return m;
}

void bl_model_free(struct bl_model *m)
{
	if (!m)
		return;
	wl_free(&m->w);
	map_free(&m->paths);
	map_free(&m->folders);
	free(m->patterns);
	free(m->file);
	free(m);
}

const char *bl_model_file(const struct bl_model *m)
{
	return m->file;
}

uint32_t bl_access(const struct bl_model *m, const char *path)
{
	void **slot = map_find(&m->paths, path, strlen(path));
	uint32_t access = slot ? m->w.files[(size_t)(uintptr_t)*slot - 1].access : 0;

	for (size_t i = 0; i < m->patterns_n; i++)
		if (wl_file_matches(m->patterns[i], path))
			access |= m->patterns[i]->access;
	return access & ~(uint32_t)BL_NO_USE;
}

bool bl_folder_is_read(const struct bl_model *m, const char *path)
{
	/* Folders that belong to the system, where one file says nothing of the next. */
	static const char *const shared[] = { "/",     "/etc/", "/root/",    "/home/", "/dev/",
					      "/run/", "/tmp/", "/var/run/", "/proc/", "/sys/" };
	static const char *const below[] = { "/proc/", "/sys/", "/dev/", "/root/", "/home/" };
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if (strlen(shared[i]) == n && !memcmp(path, shared[i], n))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(below); i++)
		if (!strncmp(path, below[i], strlen(below[i])))
			return false;
	return n && map_find(&m->folders, path, n);
}

static const struct wl_syscall *call_of(const struct bl_model *m, enum sc_abi abi, uint32_t nr)
{
	for (size_t i = 0; i < m->w.syscalls_n; i++) {
		const struct wl_syscall *s = &m->w.syscalls[i];

		if (s->abi == abi && s->nr == nr && s->prov.phases & JUDGED)
			return s;
	}
	return NULL;
}

bool bl_has_call(const struct bl_model *m, enum sc_abi abi, uint32_t nr)
{
	return call_of(m, abi, nr) != NULL;
}

/* Probes count as well: whether a check was one is not known when it happens. */
static uint64_t known_caps(const struct bl_model *m)
{
	uint64_t caps = m->recorded ? 0 : ~UINT64_C(0);

	for (size_t i = 0; m->recorded && i < m->w.caps_n; i++)
		if (m->w.caps[i].result == WL_CAP_GRANTED && m->w.caps[i].nr < 64)
			caps |= UINT64_C(1) << m->w.caps[i].nr;
	return caps;
}

void bl_model_calls(const struct bl_model *m, unsigned watch_abi, struct watch_ns *out)
{
	int abi = observe_abi(watch_abi);

	*out = (struct watch_ns){ .caps = known_caps(m), .state = WATCH_NS_KNOWN };
	for (uint32_t nr = 0; nr < WATCH_NRS; nr++) {
		const struct sc_desc *d = abi < 0 ? NULL : sc_by_nr((enum sc_abi)abi, nr);

		if (!m->w.syscalls_n || (d && call_is_common(d->name)))
			out->known[nr / 64] |= UINT64_C(1) << (nr % 64);
	}
	for (size_t i = 0; i < m->w.syscalls_n; i++) {
		const struct wl_syscall *s = &m->w.syscalls[i];

		if ((int)s->abi == abi && s->nr < WATCH_NRS && s->prov.phases & JUDGED)
			out->known[s->nr / 64] |= UINT64_C(1) << (s->nr % 64);
	}
}

/* Whether all arguments of the call are in the model, as values that were seen. */
static bool arguments_known(const struct bl_model *m, const struct wl_syscall *s)
{
	cleanup_prov struct wl_prov open = { 0 };

	wl_open_prov(s, &open);
	if (!s->calls_n || open.phases & JUDGED)
		return false;
	for (size_t i = 0; i < s->calls_n; i++)
		if (s->calls[i].rule)
			return false;
	for (size_t i = 0; i < s->prov.sources.n; i++) {
		const struct wl_source *src = &m->w.sources[s->prov.sources.v[i]];

		for (size_t k = 0; k < src->loss_n; k++)
			if (strstr(src->loss[k].what, "argument"))
				return false;
	}
	return true;
}

bool bl_model_arguments(const struct bl_model *m, const char *call,
			void (*fn)(void *ctx, const uint64_t value[WL_MAX_ARGS]), void *ctx)
{
	const struct sc_desc *d = sc_by_name(call);
	const struct wl_syscall *s = NULL;

	if (d && d->nr[sc_abi_native()] >= 0)
		s = call_of(m, sc_abi_native(), (uint32_t)d->nr[sc_abi_native()]);
	if (!s || !arguments_known(m, s))
		return false;
	for (size_t i = 0; i < s->calls_n; i++) {
		uint64_t value[WL_MAX_ARGS] = { 0 };

		memcpy(value, s->calls[i].value, s->calls[i].n * sizeof(*value));
		fn(ctx, value);
	}
	return true;
}
