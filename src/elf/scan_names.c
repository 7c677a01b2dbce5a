/* Names of functions and files that code looks up while it runs: dlsym(3), dlopen(3). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/scan_private.h"

enum { CALLER_LEVELS = 3 }; /* callers of callers of what calls dlsym may bring the name */

static const char *const loaders[] = { "dlopen", "dlsym", "dlvsym", "dlmopen" };

const struct elf_executor elf_executors[] = {
	{ "execve", false, ELF_BY_PATH },      { "execv", false, ELF_BY_PATH },
	{ "execvp", false, ELF_BY_NAME },      { "execvpe", false, ELF_BY_NAME },
	{ "execl", false, ELF_BY_PATH },       { "execlp", false, ELF_BY_NAME },
	{ "execle", false, ELF_BY_PATH },      { "system", false, ELF_BY_SHELL },
	{ "popen", false, ELF_BY_SHELL },      { "posix_spawn", true, ELF_BY_PATH },
	{ "posix_spawnp", true, ELF_BY_NAME },
};
const uint32_t elf_executors_n = ARRAY_SIZE(elf_executors);

void scan_executed(struct scan *s, const struct flow_state *st, uint64_t slot)
{
	const struct elf_reloc *rel = slot ? elf_reloc_at(s->m, slot) : NULL;
	const char *name = rel && rel->kind == ELF_REL_SYMBOL ? s->m->syms[rel->sym].name : "";

	for (uint32_t i = 0; i < elf_executors_n; i++) {
		struct elf_ref r = { .kind = ELF_REF_EXECUTES, .to = i };
		const struct flow_value *v;

		if (strcmp(name, elf_executors[i].name) != 0)
			continue;
		v = &st->reg[elf_executors[i].second ? s->flow.cc->second_arg
						     : s->flow.cc->number_arg];
		if (v->kind == FLOW_ADDRESS || (v->kind == FLOW_CONST && s->m->fixed))
			r.at = v->base + (uint64_t)v->off;
		if (r.at && !elf_string_at(s->m, r.at, 4096))
			r.at = 0;
		*vec_push(s->refs, s->refs_n, s->refs_cap) = r;
	}
}

static bool is_loader(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
		if (!strcmp(name, loaders[i]))
			return true;
	return false;
}

bool scan_loads_names(const struct elf_image *m)
{
	for (size_t i = 0; i < m->syms_n; i++)
		if (is_loader(m->syms[i].name))
			return true;
	return false;
}

static bool reads_loader(const struct elf_image *m, const struct elf_ref *r)
{
	const struct elf_reloc *rel = r->kind == ELF_REF_READ ? elf_reloc_at(m, r->at) : NULL;

	return rel && rel->kind == ELF_REL_SYMBOL && is_loader(m->syms[rel->sym].name);
}

/* Functions that call a loader, or one of those, directly. */
static bool *near_loader(const struct scan *s)
{
	const struct elf_facts *f = s->facts;
	bool *near = xcalloc(f->functions_n + 1, sizeof(*near));
	unsigned char *level = xcalloc(f->functions_n + 1, 1);

	for (unsigned round = 0; round <= CALLER_LEVELS; round++)
		for (size_t i = 0; i < f->functions_n; i++)
			for (uint32_t k = 0; !near[i] && k < f->functions[i].refs_n; k++) {
				const struct elf_ref *r = &f->refs[f->functions[i].refs + k];
				bool hit = !round ? reads_loader(s->m, r)
						  : r->kind == ELF_REF_CODE && near[r->to] &&
							    level[r->to] < round;

				if (hit) {
					near[i] = true;
					level[i] = (unsigned char)round;
				}
			}
	free(level);
	return near;
}

static bool names_file(const struct elf_image *m, uint64_t addr)
{
	const char *t = elf_string_at(m, addr, 256);

	return t && (strstr(t, ".so") || !strncmp(t, "libnss_%s", 9) || !strcmp(t, "gconv_init"));
}

void scan_filter_names(struct scan *s)
{
	struct elf_facts *f = s->facts;
	bool *near = near_loader(s);

	for (size_t i = 0; i < f->functions_n; i++) {
		struct elf_function *x = &f->functions[i];
		uint32_t kept = 0;

		for (uint32_t k = 0; k < x->refs_n; k++) {
			struct elf_ref r = f->refs[x->refs + k];

			if (r.kind == ELF_REF_ADDRESS && !near[i] &&
			    !scan_holds_pointers(s->m, r.at) && !names_file(s->m, r.at)) {
				if (!s->all_names)
					continue;
				r.size = 1;
			}
			f->refs[x->refs + kept++] = r;
		}
		x->refs_n = kept;
	}
	free(near);
}
