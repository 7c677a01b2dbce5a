/* Rules on arguments: which values a generated seccomp profile pins, and when it must not. */
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "model/caps.h"
#include "profile/generate_builder.h"
#include "profile/seen.h"

/* The flags of clone(2) that make a namespace, as in Docker's default profile. CLONE_NEWTIME is not
 * among them: its bit is part of the exit signal there. */
#define CLONE_NAMESPACES UINT64_C(0x7e020000)

/* More combinations than that are no longer a filter but a log; each costs instructions per call.
 */
enum { MAX_COMBINATIONS = 64 };

int builder_kind(const struct builder *b, const struct sc_desc *d, unsigned index)
{
	int kind = -1;

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		unsigned n;
		const struct sc_arg *args;

		if (!b->p->abi[abi] || d->nr[abi] < 0)
			continue;
		args = sc_args(d, (enum sc_abi)abi, &n);
		if (index >= n || (kind >= 0 && kind != (int)args[index].kind))
			return -1;
		kind = (int)args[index].kind;
	}
	return kind;
}

/*
 * (argument & mask) == value, so that bits which the kernel ignores have no effect under runtimes
 * that compare all 64: for narrow arguments the mask is never wider than the argument.
 */
static void pin(struct builder *b, struct sp_rule *r, const struct sc_desc *d, uint8_t index,
		uint64_t mask, uint64_t value)
{
	unsigned bits = sc_arg_width(SC_X86_64, (enum sc_kind)builder_kind(b, d, index));
	uint64_t width = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;

	if (mask == UINT64_MAX && width == UINT64_MAX)
		sp_rule_cond(r, index, SP_EQ, value, 0);
	else
		sp_rule_cond(r, index, SP_MASKED_EQ, mask & width, value & mask & width);
}

struct filter {
	const char *name;
	uint8_t n;
	uint8_t index[WL_MAX_ARGS];
	bool strict; /* only with GEN_ARGS_STRICT */
};

static const struct filter filters[] = {
	{ "bpf", 1, { 0 }, false },
	{ "keyctl", 1, { 0 }, false },
	{ "personality", 1, { 0 }, false },
	{ "prctl", 1, { 0 }, false },
	{ "ptrace", 1, { 0 }, false },
	{ "setns", 1, { 1 }, false },
	{ "unshare", 1, { 0 }, false },
	/* These differ with the terminal, the network and the version of a library. */
	{ "arch_prctl", 1, { 0 }, true },
	{ "fcntl", 1, { 1 }, true },
	{ "fcntl64", 1, { 1 }, true },
	{ "getsockopt", 2, { 1, 2 }, true },
	{ "ioctl", 1, { 1 }, true },
	{ "setsockopt", 2, { 1, 2 }, true },
};

/* Whether the call can have argument rules at all: it is the program's alone. */
static bool filterable(struct builder *b, const char *name, unsigned n, const uint8_t *index)
{
	size_t i = builder_place(name);

	if (!(b->why[i] & (WHY_PROGRAM | WHY_PAIR)) || b->why[i] & DONE ||
	    builder_by_rules(b, name))
		return false;
	if (b->why[i] & WHY_BASE) {
		gen_note(b->notes,
			 "%s: any arguments, since the container runtime calls it too (%s)", name,
			 b->base);
		return false;
	}
	for (unsigned k = 0; k < n; k++) {
		if (builder_kind(b, sc_at(i), index[k]) >= 0)
			continue;
		gen_note(b->notes, "%s: any arguments, since they differ between the ABIs seen",
			 name);
		return false;
	}
	return true;
}

/* One ALLOW rule per row; false when the rows are not known or too many. */
static bool pin_rows(struct builder *b, const char *name, unsigned n, const uint8_t *index,
		     const uint64_t *mask, const struct seen *s, const char *comment)
{
	const struct sc_desc *d = sc_by_name(name);

	if (s->state != SEEN_KNOWN || s->n > MAX_COMBINATIONS) {
		gen_note(b->notes, "%s: any arguments, since %s", name,
			 s->state == SEEN_KNOWN ? "too many combinations were seen"
						: "not all that were used are in the model");
		return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct sp_rule *r = sp_rule_add(b->p, (struct sp_ret){ SP_ALLOW, 0 }, comment);

		sp_rule_name(b->p, r, name);
		for (unsigned k = 0; k < n; k++)
			pin(b, r, d, index[k], mask[k], s->rows[i].v[k]);
	}
	b->why[builder_place(name)] |= DONE;
	return true;
}

static void filter_plain(struct builder *b, const struct filter *f)
{
	static const uint64_t all[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
	cleanup_seen struct seen s = { 0 };

	if ((f->strict && b->o->arguments != GEN_ARGS_STRICT) ||
	    !filterable(b, f->name, f->n, f->index))
		return;
	seen_collect(b->w, f->name, WL_PROGRAM_PHASES, f->n, f->index, all, &s);
	pin_rows(b, f->name, f->n, f->index, all, &s, "with the arguments that were seen");
}

static void filter_sockets(struct builder *b, const char *name)
{
	static const uint8_t index[] = { 0, 1, 2 };
	/* The flags SOCK_NONBLOCK and SOCK_CLOEXEC of the type are free. */
	static const uint64_t mask[] = {
		UINT64_MAX,
		~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC),
		UINT64_MAX,
	};
	cleanup_seen struct seen s = { 0 };

	if (!filterable(b, name, 3, index))
		return;
	seen_sockets(b->w, name, WL_PROGRAM_PHASES, b->o->equivalents != GEN_EQ_OFF, &s);
	pin_rows(
		b, name, 3, index, mask, &s,
		b->p->abi[SC_I386] && !b->p->abi[SC_AARCH64]
			? "family, type and protocol that were seen; 32-bit callers go around this "
			  "through socketcall"
			: "family, type and protocol that were seen");
}

/* The flags of clone and of clone3, which have the same bits; UNKNOWN when one of the two is. */
static void clone_flags(const struct builder *b, struct seen *s)
{
	static const uint8_t first[] = { 0 };
	static const uint64_t mask[] = { CLONE_NAMESPACES };
	cleanup_seen struct seen other = { 0 };

	seen_collect(b->w, "clone", SEALED_AND_PROGRAM, 1, first, mask, s);
	seen_collect(b->w, "clone3", SEALED_AND_PROGRAM, 1, first, mask, &other);
	for (size_t i = 0; i < other.n; i++)
		seen_add(s, other.rows[i].v, 1);
	if (s->state == SEEN_UNKNOWN || other.state == SEEN_UNKNOWN)
		s->state = SEEN_UNKNOWN;
	else
		s->state = SEEN_KNOWN;
	seen_add(s, (uint64_t[]){ 0 }, 1); /* threads and processes in the same namespaces */
	seen_sort(s);
}

/* Namespaces: only those that were made. Unlike other rules this holds for runtimes' calls too,
 * which make theirs before the filter is in place. */
static void filter_clone(struct builder *b)
{
	static const uint8_t first[] = { 0 };
	static const uint64_t mask[] = { CLONE_NAMESPACES };
	unsigned admin = bcap_by_name("CAP_SYS_ADMIN")->nr;
	cleanup_seen struct seen s = { 0 };

	if (!builder_has(b, "clone", WHY_ANY) || builder_by_rules(b, "clone"))
		return;
	if (seen_allowed_by_policy(b->w, "clone", WL_PROGRAM_PHASES))
		return;
	if (b->clone3 && builder_has(b, "clone3", WHY_ANY)) {
		gen_note(b->notes, "clone: any flags, since clone3, whose flags no filter can see, "
				   "is allowed");
		return;
	}
	clone_flags(b, &s);
	if (s.state == SEEN_UNKNOWN && wl_cap_needed(b->w, admin, WL_PROGRAM_PHASES)) {
		gen_note(b->notes,
			 "clone: any flags, since those used are not in the model and the "
			 "program uses CAP_SYS_ADMIN");
		return;
	}
	if (s.state == SEEN_UNKNOWN)
		gen_note(b->notes, "clone: not all flags that were used are in the model; new "
				   "namespaces are refused, as in Docker's default profile");
	s.state = SEEN_KNOWN;
	pin_rows(b, "clone", 1, first, mask, &s,
		 s.n > 1 ? "no namespaces but those that were seen" : "no new namespaces");
}

static const char *const memory_calls[] = { "mmap", "mmap2", "mprotect", "pkey_mprotect" };

/* Whether no memory was ever writable and executable at once, and a filter can see that. */
static bool never_writable_code(const struct builder *b)
{
	static const uint8_t index[] = { 2 };
	static const uint64_t mask[] = { PROT_WRITE | PROT_EXEC };

	for (size_t i = 0; i < ARRAY_SIZE(memory_calls); i++) {
		cleanup_seen struct seen s = { 0 };

		if (!builder_has(b, memory_calls[i], WHY_ANY) ||
		    builder_by_rules(b, memory_calls[i]))
			continue;
		seen_collect(b->w, memory_calls[i], SEALED_AND_PROGRAM, 1, index, mask, &s);
		if (s.state == SEEN_UNKNOWN || builder_kind(b, sc_by_name(memory_calls[i]), 2) < 0)
			return false;
		for (size_t k = 0; k < s.n; k++)
			if (s.rows[k].v[0] == (PROT_WRITE | PROT_EXEC))
				return false;
	}
	return true;
}

/*
 * Everything but writable and executable at once. The three other values of the two bits are named
 * because a rule that refuses with the default errno would be dropped by runc. The runtimes of the
 * base map no writable code, so this holds although they may call mmap.
 */
static void filter_memory(struct builder *b)
{
	static const uint8_t index[] = { 2 };
	static const uint64_t mask[] = { PROT_WRITE | PROT_EXEC };
	static const uint64_t good[] = { 0, PROT_WRITE, PROT_EXEC };
	cleanup_seen struct seen s = { .state = SEEN_KNOWN };

	if (!builder_has(b, "mmap", WHY_ANY) && !builder_has(b, "mprotect", WHY_ANY))
		return;
	if (!never_writable_code(b)) {
		gen_note(b->notes,
			 "mmap and mprotect: any protection, since memory that is writable "
			 "and executable was seen or cannot be excluded");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		seen_add(&s, &good[i], 1);
	seen_sort(&s);
	for (size_t i = 0; i < ARRAY_SIZE(memory_calls); i++)
		if (builder_has(b, memory_calls[i], WHY_ANY) &&
		    !builder_by_rules(b, memory_calls[i]))
			pin_rows(b, memory_calls[i], 1, index, mask, &s,
				 "no memory that is writable and executable at once");
}

void builder_add_filters(struct builder *b)
{
	if (b->o->arguments == GEN_ARGS_OFF)
		return;
	filter_clone(b);
	filter_memory(b);
	filter_sockets(b, "socket");
	filter_sockets(b, "socketpair");
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		filter_plain(b, &filters[i]);
	builder_add_rules(b);
}
