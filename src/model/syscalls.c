#include "model/syscalls.h"

#include <linux/audit.h>
#include <string.h>

#include "base/suggest.h"

struct nr_index {
	const uint16_t *row; /* by number: 1 + row of `rows`, 0 for a number without a call */
	unsigned len;
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* arg_pool[], rows[] sorted by name, and by_nr[SC_ABI_COUNT]. */
#include "syscalls_table.inc"

static const struct {
	const char *name;
	uint8_t bits;
	uint8_t flags;
} kinds[SC_KIND_COUNT] = {
#define KIND_ROW(id, name, bits, flags) [SC_KIND_##id] = { name, bits, flags },
	SC_KINDS(KIND_ROW)
#undef KIND_ROW
};

static const struct {
	const char *name, *scmp;
	uint32_t audit_arch;
} abis[SC_ABI_COUNT] = {
	[SC_X86_64] = { "x86_64", "SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64 },
	[SC_I386] = { "i386", "SCMP_ARCH_X86", AUDIT_ARCH_I386 },
	[SC_X32] = { "x32", "SCMP_ARCH_X32", AUDIT_ARCH_X86_64 },
	[SC_AARCH64] = { "aarch64", "SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64 },
};

static const struct {
	const char *name;
	enum sc_abi abi;
} abi_aliases[] = {
	{ "amd64", SC_X86_64 }, { "x86", SC_I386 },  { "386", SC_I386 },      { "i486", SC_I386 },
	{ "i586", SC_I386 },	{ "i686", SC_I386 }, { "arm64", SC_AARCH64 },
};

static bool abi_ok(enum sc_abi abi)
{
	return (unsigned)abi < SC_ABI_COUNT;
}

static bool kind_ok(enum sc_kind kind)
{
	return (unsigned)kind < SC_KIND_COUNT;
}

const struct sc_desc *sc_by_nr(enum sc_abi abi, unsigned nr)
{
	unsigned row;

	if (!abi_ok(abi) || nr >= by_nr[abi].len)
		return NULL;
	row = by_nr[abi].row[nr];
	return row ? &rows[row - 1] : NULL;
}

const struct sc_desc *sc_by_name(const char *name)
{
	size_t lo = 0, hi = ARRAY_SIZE(rows);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(name, rows[mid].name);

		if (!c)
			return &rows[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

int sc_nr(enum sc_abi abi, const char *name)
{
	const struct sc_desc *d = sc_by_name(name);

	return d && abi_ok(abi) ? d->nr[abi] : -1;
}

unsigned sc_max_nr(enum sc_abi abi)
{
	return abi_ok(abi) ? by_nr[abi].len - 1 : 0;
}

size_t sc_count(void)
{
	return ARRAY_SIZE(rows);
}

const struct sc_desc *sc_at(size_t i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const struct sc_arg *sc_args(const struct sc_desc *d, enum sc_abi abi, unsigned *n)
{
	*n = abi_ok(abi) ? d->arg_count[abi] : 0;
	return *n ? &arg_pool[d->arg_at[abi]] : NULL;
}

unsigned sc_arg_width(enum sc_abi abi, enum sc_kind kind)
{
	unsigned bits = kind_ok(kind) ? kinds[kind].bits : 64;

	return abi == SC_I386 && bits > 32 ? 32 : bits;
}

bool sc_arg_signed(enum sc_kind kind)
{
	return kind_ok(kind) && (kinds[kind].flags & SC_KIND_SIGNED);
}

bool sc_arg_is_pointer(enum sc_kind kind)
{
	return kind_ok(kind) && (kinds[kind].flags & SC_KIND_POINTER);
}

const char *sc_kind_name(enum sc_kind kind)
{
	return kind_ok(kind) ? kinds[kind].name : NULL;
}

enum sc_abi sc_abi_native(void)
{
#if defined(__x86_64__)
	return SC_X86_64;
#elif defined(__aarch64__)
	return SC_AARCH64;
#else
#error "boltseal knows x86-64 and AArch64"
#endif
}

const char *sc_abi_name(enum sc_abi abi)
{
	return abi_ok(abi) ? abis[abi].name : NULL;
}

const char *sc_abi_scmp(enum sc_abi abi)
{
	return abi_ok(abi) ? abis[abi].scmp : NULL;
}

uint32_t sc_abi_audit_arch(enum sc_abi abi)
{
	return abi_ok(abi) ? abis[abi].audit_arch : 0;
}

int sc_abi_parse(const char *name)
{
	for (size_t i = 0; i < SC_ABI_COUNT; i++)
		if (!strcmp(name, abis[i].name) || !strcmp(name, abis[i].scmp))
			return (int)i;
	for (size_t i = 0; i < ARRAY_SIZE(abi_aliases); i++)
		if (!strcmp(name, abi_aliases[i].name))
			return (int)abi_aliases[i].abi;
	return -1;
}

const char *sc_suggest(const char *name)
{
	struct suggest s;

	suggest_begin(&s, name);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		suggest_offer(&s, rows[i].name, strlen(rows[i].name));
	return s.found;
}

int sc_kver_cmp(struct sc_kver a, struct sc_kver b)
{
	if (a.major != b.major)
		return a.major - b.major;
	if (a.minor != b.minor)
		return a.minor - b.minor;
	return a.patch - b.patch;
}
