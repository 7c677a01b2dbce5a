#include "elf/gates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "elf/gates_private.h"
#include "model/syscalls.h"

enum { MAX_REFS = 256 }; /* the functions meant are small */

unsigned gates_count(void)
{
	return gates_n;
}

const char *gates_what(unsigned row)
{
	return gates[row].what;
}

gate_rows gates_opened_by(const char *name)
{
	gate_rows r = 0;

	for (unsigned i = 0; i < gates_n; i++)
		for (unsigned k = 0; k < GATE_NAMES && gates[i].openers[k]; k++)
			if (text_matches(gates[i].openers[k], name))
				r |= gates_row(i);
	return r;
}

gate_rows gates_by_keyword(void)
{
	gate_rows r = 0;

	for (unsigned i = 0; i < gates_n; i++)
		for (unsigned k = 0; k < GATE_NAMES && gates[i].openers[k]; k++)
			if (*gates[i].openers[k] == '=')
				r |= gates_row(i);
	return r;
}

static bool is_watched(const struct gate *g, const char *name)
{
	for (unsigned k = 0; k < GATE_NAMES && g->watched[k]; k++)
		if (!strcmp(g->watched[k], name))
			return true;
	return false;
}

int gates_argument(const char *name)
{
	for (unsigned i = 0; i < gates_n; i++)
		if (is_watched(&gates[i], name))
			return gates[i].argument;
	return -1;
}

gate_rows gates_opened_by_call(const char *name, const uint32_t *values, size_t n)
{
	gate_rows r = 0;

	for (unsigned i = 0; i < gates_n; i++) {
		bool opens = !n;

		if (!is_watched(&gates[i], name))
			continue;
		for (size_t k = 0; k < n; k++)
			opens |= gates[i].opens(values[k]);
		r |= opens ? gates_row(i) : 0;
	}
	return r;
}

/* Rows that are opened by the function itself. */
static gate_rows opened_by_reach(const char *name)
{
	gate_rows r = 0;

	for (unsigned i = 0; i < gates_n; i++)
		for (unsigned k = 0; k < GATE_NAMES && gates[i].openers[k]; k++)
			if (*gates[i].openers[k] == '@' &&
			    text_matches(gates[i].openers[k] + 1, name))
				r |= gates_row(i);
	return r;
}

gate_rows *gates_opened_at(const struct link_object *o)
{
	gate_rows *rows = NULL;

	for (size_t i = 0; i < o->image.syms_n; i++) {
		const struct elf_sym *s = &o->image.syms[i];
		gate_rows opened = s->defined ? gates_opened_by_call(s->name, NULL, 0) |
							opened_by_reach(s->name)
					      : 0;
		long f = opened ? elf_function_at(&o->facts, s->value) : -1;

		if (f < 0)
			continue;
		if (!rows)
			rows = xcalloc(o->facts.functions_n + 1, sizeof(*rows));
		rows[f] |= opened;
	}
	return rows;
}

static bool is_named(const struct link_object *o, uint64_t target, const char *name)
{
	for (uint32_t s = link_defined(o, name); s; s = o->same_name[s])
		if (o->image.syms[s].value == target)
			return true;
	return false;
}

/* The function of this object that the reference calls or takes the address of; NULL: none. */
static const struct elf_function *function_of(const struct link_object *o, const struct elf_ref *r)
{
	bool code = r->kind == ELF_REF_CODE || r->kind == ELF_REF_TAKEN ||
		    (r->kind == ELF_REF_WATCHED && !r->at);

	return code ? &o->facts.functions[r->to] : NULL;
}

/* The symbol that a slot of the linker stands for; NULL: the reference reads none. */
static const char *symbol_of(const struct link_object *o, const struct elf_ref *r)
{
	const struct elf_reloc *rel = NULL;

	if (r->kind == ELF_REF_READ || (r->kind == ELF_REF_WATCHED && r->at))
		rel = elf_reloc_at(&o->image, r->at);
	return rel && rel->kind == ELF_REL_SYMBOL ? o->image.syms[rel->sym].name : NULL;
}

static int number_of(const struct link_object *o, const char *name)
{
	return sc_nr(o->image.machine == ELF_X86_64 ? SC_X86_64 : SC_AARCH64, name);
}

bool gates_hold_number(unsigned row, const struct link_object *o, uint32_t nr)
{
	if (!gates[row].held[0])
		return true;
	for (unsigned k = 0; k < GATE_NAMES && gates[row].held[k]; k++) {
		const char *name = gates[row].held[k];

		if (number_of(o, name + (*name == '#')) == (int)nr)
			return true;
	}
	return false;
}

static bool makes_call(const struct link_object *o, const struct elf_function *f, const char *name)
{
	const struct elf_facts *x = &o->facts;
	int nr = number_of(o, name);

	for (uint32_t k = 0; nr >= 0 && k < f->sites_n; k++)
		if (x->sites[f->sites + k].numbers_n == 1 &&
		    (int)x->numbers[x->sites[f->sites + k].numbers] == nr)
			return true;
	return false;
}

static bool calls(const struct link_object *o, const struct elf_function *f, const char *name)
{
	const struct elf_facts *x = &o->facts;
	bool through = *name == '>';

	if (!through && makes_call(o, f, name))
		return true;
	for (uint32_t k = 0; k < f->refs_n && k < MAX_REFS; k++) {
		const struct elf_ref *r = &x->refs[f->refs + k];
		const struct elf_function *to = function_of(o, r);
		const char *symbol = through ? NULL : symbol_of(o, r);

		if (to &&
		    (through ? to != f && calls(o, to, name + 1) : is_named(o, to->start, name)))
			return true;
		if (symbol && !strcmp(symbol, name))
			return true;
	}
	return false;
}

bool gates_hold_ref(unsigned row, const struct link_object *o, const struct elf_ref *ref)
{
	const struct elf_function *to = function_of(o, ref);
	const char *symbol = symbol_of(o, ref);

	if (!gates[row].held[0])
		return to || symbol;
	for (unsigned k = 0; k < GATE_NAMES && gates[row].held[k]; k++) {
		const char *name = gates[row].held[k];

		if (to && (*name == '>' ? calls(o, to, name + 1) : is_named(o, to->start, name)))
			return true;
		if (symbol && !strcmp(symbol, name))
			return true;
	}
	return false;
}

static bool is_exported(const struct elf_image *m, const struct elf_function *f)
{
	for (size_t i = 0; i < m->syms_n; i++)
		if (m->syms[i].defined && m->syms[i].value == f->start)
			return true;
	return false;
}

static bool is_fini(const struct elf_image *m, const struct elf_function *f)
{
	const struct elf_range *fini = &m->arrays[2];

	for (size_t i = elf_reloc_from(m, fini->start);
	     i < m->relocs_n && m->relocs[i].at < fini->end; i++)
		if (m->relocs[i].kind == ELF_REL_ADDRESS && m->relocs[i].addend == f->start)
			return true;
	return m->fini && m->fini == f->start;
}

static bool fits(const struct link_object *o, const struct elf_function *f, const char *signature)
{
	if (*signature == '!')
		return !calls(o, f, signature + 1);
	if (*signature == '-')
		return is_fini(&o->image, f);
	if (*signature == '@')
		return is_named(o, f->start, signature + 1);
	return calls(o, f, signature);
}

/* The rows of the object's library. */
static gate_rows rows_of(const struct link_object *o)
{
	gate_rows r = 0;

	for (unsigned i = 0; i < gates_n; i++)
		if (link_defined(o, gates[i].library))
			r |= gates_row(i);
	return r;
}

static bool is_meant(const struct link_object *o, const struct elf_function *f,
		     const struct gate *g)
{
	for (unsigned k = 0; k < GATE_NAMES && g->signature[k]; k++)
		if (!fits(o, f, g->signature[k]))
			return false;
	return !g->signature[0] || *g->signature[0] == '@' || !is_exported(&o->image, f);
}

gate_rows *gates_of(const struct link_object *o)
{
	const struct elf_facts *x = &o->facts;
	gate_rows known = rows_of(o), *rows;

	if (!known)
		return NULL;
	rows = xcalloc(x->functions_n + 1, sizeof(*rows));
	for (size_t f = 0; f < x->functions_n; f++)
		for (unsigned i = 0; i < gates_n; i++)
			if (known & gates_row(i) && is_meant(o, &x->functions[f], &gates[i]))
				rows[f] |= gates_row(i);
	return rows;
}

static gate_rows rows_about(const char *what)
{
	gate_rows r = 0;

	for (unsigned i = 0; i < gates_n; i++)
		if (!strcmp(gates[i].what, what))
			r |= gates_row(i);
	return r;
}

/* A program that answers at nscd's socket, or that socket. */
static int is_nscd(void *arg, const char *name)
{
	static const char *const names[] = { "nscd", "unscd", "nsncd", "socket" };

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

static bool has_nscd(const struct elf_files *files)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/run/nscd",
					       "/var/run/nscd" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (elf_files_list(files, folders[i], is_nscd, NULL, NULL) == 1)
			return true;
	return false;
}

/* DNS for anything but hosts and networks: any lookup may use it then. */
static bool has_more_dns(const struct elf_files *files)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	cleanup_free char *text = NULL;
	char *lines = NULL;

	if (elf_files_open(files, "/etc/nsswitch.conf", ELF_MAX_TEXT, &b, NULL))
		return false; /* the built-in default has it for hosts and networks only */
	text = xcalloc(b.len + 1, 1);
	memcpy(text, b.data, b.len);
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t");
		if (strstr(line, "dns") && strncmp(line, "hosts", 5) != 0 &&
		    strncmp(line, "networks", 8) != 0)
			return true;
	}
	return false;
}

/* The cache of iconv(3), where Debian, Fedora and others have it. */
static bool has_gconv_cache(const struct elf_files *files)
{
	static const char *const folders[] = { "/usr/lib/x86_64-linux-gnu", "/usr/lib64",
					       "/usr/lib", "/usr/lib/aarch64-linux-gnu" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		cleanup_free char *path = xasprintf("%s/gconv/gconv-modules.cache", folders[i]);
		cleanup_elf_bytes struct elf_bytes b = { 0 };

		if (!elf_files_open(files, path, ELF_MAX_TEXT, &b, NULL))
			return true;
	}
	return false;
}

/* Whether a file has the text. */
static bool has_text(const struct elf_files *files, const char *path, const char *text)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };

	return !elf_files_open(files, path, ELF_MAX_TEXT, &b, NULL) &&
	       memmem(b.data, b.len, text, strlen(text));
}

static int has_keyring(void *arg, const char *name)
{
	cleanup_free char *path = xasprintf("/etc/krb5.conf.d/%s", name);

	return has_text(arg, path, "KEYRING");
}

/* Whether Kerberos' configuration names a cache in a keyring, or includes what is not read here. */
static bool has_keyrings(const struct elf_files *files)
{
	struct elf_files copy = *files;

	return has_text(files, "/etc/krb5.conf", "KEYRING") ||
	       elf_files_list(files, "/etc/krb5.conf.d", has_keyring, &copy, NULL) == 1;
}

gate_rows gates_open_always(const struct elf_files *files)
{
	return (has_nscd(files) ? rows_about(gates_by_nscd) : 0) |
	       (has_gconv_cache(files) ? 0 : rows_about(gates_by_gconv)) |
	       (has_more_dns(files) ? rows_about(gates_by_dns) : 0) |
	       (has_keyrings(files) ? rows_about(gates_by_keyring) : 0);
}
