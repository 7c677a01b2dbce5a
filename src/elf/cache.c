#include "elf/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/sha256.h"

/* Magic, version, content; then the SHA-256 of all before. Numbers are little-endian. */
static const char magic[8] = "bseal-E1";

static void put(struct buf *b, uint64_t v, unsigned n)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < n; i++)
		raw[i] = (uint8_t)(v >> (8 * i));
	buf_append(b, raw, n);
}

void elf_facts_write(const struct elf_facts *f, struct buf *out)
{
	put(out, f->functions_n, 8);
	for (size_t i = 0; i < f->functions_n; i++) {
		const struct elf_function *x = &f->functions[i];

		put(out, x->start, 8);
		put(out, x->end, 8);
		put(out, x->refs, 4);
		put(out, x->refs_n, 4);
		put(out, x->sites, 4);
		put(out, x->sites_n, 4);
		put(out, (uint8_t)x->param, 1);
		put(out, (uint32_t)x->field, 4);
		put(out, x->framed | x->returns << 1 | x->continues << 2 | x->pointers << 3, 1);
	}
	put(out, f->refs_n, 8);
	for (size_t i = 0; i < f->refs_n; i++) {
		put(out, f->refs[i].kind, 1);
		put(out, f->refs[i].size, 1);
		put(out, f->refs[i].numbers_n, 1);
		put(out, f->refs[i].group, 1);
		put(out, f->refs[i].to, 4);
		put(out, f->refs[i].at, 8);
		put(out, f->refs[i].numbers, 8);
	}
	put(out, f->sites_n, 8);
	for (size_t i = 0; i < f->sites_n; i++) {
		put(out, f->sites[i].addr, 8);
		put(out, f->sites[i].numbers, 4);
		put(out, f->sites[i].numbers_n, 4);
		put(out, f->sites[i].kind, 1);
		put(out, f->sites[i].compat, 1);
		put(out, f->sites[i].group, 1);
	}
	put(out, f->numbers_n, 8);
	for (size_t i = 0; i < f->numbers_n; i++)
		put(out, f->numbers[i], 4);
	put(out, f->masks_n, 8);
	for (size_t i = 0; i < f->masks_n; i++)
		put(out, f->masks[i], 8);
	put(out, f->starts_n, 8);
	for (size_t i = 0; i < f->starts_n; i++)
		put(out, f->starts[i], 8);
	put(out, f->inner_n, 8);
	for (size_t i = 0; i < f->inner_n; i++)
		put(out, f->inner[i], 8);
}

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static uint64_t get(struct reader *r, unsigned n)
{
	uint64_t v;

	if ((size_t)(r->end - r->p) < n) {
		r->bad = true;
		return 0;
	}
	v = elf_number(r->p, n);
	r->p += n;
	return v;
}

/* A number of elements that can follow with this many bytes each. */
static size_t get_count(struct reader *r, unsigned size)
{
	uint64_t n = get(r, 8);

	if (r->bad || n > (uint64_t)(r->end - r->p) / size) {
		r->bad = true;
		return 0;
	}
	return (size_t)n;
}

static void read_functions(struct reader *r, struct elf_facts *f)
{
	f->functions_n = get_count(r, 38);
	f->functions = xcalloc(f->functions_n + 1, sizeof(*f->functions));
	for (size_t i = 0; i < f->functions_n; i++) {
		struct elf_function *x = &f->functions[i];
		unsigned flags;

		x->start = get(r, 8);
		x->end = get(r, 8);
		x->refs = (uint32_t)get(r, 4);
		x->refs_n = (uint32_t)get(r, 4);
		x->sites = (uint32_t)get(r, 4);
		x->sites_n = (uint32_t)get(r, 4);
		x->param = (int8_t)get(r, 1);
		x->field = (int32_t)get(r, 4);
		flags = (unsigned)get(r, 1);
		x->framed = flags & 1;
		x->returns = flags & 2;
		x->continues = flags & 4;
		x->pointers = flags & 8;
		r->bad |= x->end <= x->start || (i && x->start < x[-1].end);
	}
}

static void read_refs(struct reader *r, struct elf_facts *f)
{
	f->refs_n = get_count(r, 24);
	f->refs = xcalloc(f->refs_n + 1, sizeof(*f->refs));
	for (size_t i = 0; i < f->refs_n; i++) {
		f->refs[i].kind = (uint8_t)get(r, 1);
		f->refs[i].size = (uint8_t)get(r, 1);
		f->refs[i].numbers_n = (uint8_t)get(r, 1);
		f->refs[i].group = (uint8_t)get(r, 1);
		f->refs[i].to = (uint32_t)get(r, 4);
		f->refs[i].at = get(r, 8);
		f->refs[i].numbers = get(r, 8);
	}
}

static void read_sites(struct reader *r, struct elf_facts *f)
{
	f->sites_n = get_count(r, 19);
	f->sites = xcalloc(f->sites_n + 1, sizeof(*f->sites));
	for (size_t i = 0; i < f->sites_n; i++) {
		f->sites[i].addr = get(r, 8);
		f->sites[i].numbers = (uint32_t)get(r, 4);
		f->sites[i].numbers_n = (uint32_t)get(r, 4);
		f->sites[i].kind = (uint8_t)get(r, 1);
		f->sites[i].compat = (uint8_t)get(r, 1);
		f->sites[i].group = (uint8_t)get(r, 1);
	}
}

static uint32_t *read_numbers(struct reader *r, size_t *n)
{
	uint32_t *v;

	*n = get_count(r, 4);
	v = xcalloc(*n + 1, sizeof(*v));
	for (size_t i = 0; i < *n; i++)
		v[i] = (uint32_t)get(r, 4);
	return v;
}

static uint64_t *read_addresses(struct reader *r, size_t *n)
{
	uint64_t *v;

	*n = get_count(r, 8);
	v = xcalloc(*n + 1, sizeof(*v));
	for (size_t i = 0; i < *n; i++)
		v[i] = get(r, 8);
	return v;
}

static bool within(uint64_t at, uint64_t n, size_t limit)
{
	return at <= limit && n <= limit - at;
}

/* Every index stays inside. */
static bool fits(const struct elf_facts *f)
{
	for (size_t i = 0; i < f->functions_n; i++)
		if (!within(f->functions[i].refs, f->functions[i].refs_n, f->refs_n) ||
		    !within(f->functions[i].sites, f->functions[i].sites_n, f->sites_n) ||
		    f->functions[i].param < -1 || f->functions[i].param >= 32)
			return false;
	for (size_t i = 0; i < f->refs_n; i++) {
		const struct elf_ref *r = &f->refs[i];
		bool code = r->kind == ELF_REF_CODE || r->kind == ELF_REF_TAKEN ||
			    r->kind == ELF_REF_NAMED || r->kind == ELF_REF_CASES ||
			    r->kind == ELF_REF_WRAPPER || (r->kind == ELF_REF_WATCHED && !r->at);
		bool numbers = r->kind >= ELF_REF_WRAPPER;

		if (r->kind >= ELF_REF_KIND_COUNT || r->group > f->masks_n ||
		    (code && r->to >= f->functions_n) ||
		    (numbers && !within(r->numbers, r->numbers_n, f->numbers_n)))
			return false;
	}
	for (size_t i = 0; i < f->refs_n; i++)
		if (f->refs[i].kind == ELF_REF_EXECUTES && f->refs[i].to >= elf_executors_n)
			return false;
	for (size_t i = 0; i < f->sites_n; i++)
		if (f->sites[i].kind >= ELF_SITE_KIND_COUNT || f->sites[i].group > f->masks_n ||
		    f->sites[i].compat > 1 ||
		    !within(f->sites[i].numbers, f->sites[i].numbers_n, f->numbers_n))
			return false;
	return true;
}

int elf_facts_read(struct elf_facts *f, const uint8_t *p, size_t n)
{
	struct reader r = { p, p + n, false };

	*f = (struct elf_facts){ 0 };
	read_functions(&r, f);
	read_refs(&r, f);
	read_sites(&r, f);
	f->numbers = read_numbers(&r, &f->numbers_n);
	f->masks = read_addresses(&r, &f->masks_n);
	f->starts = read_addresses(&r, &f->starts_n);
	f->inner = read_addresses(&r, &f->inner_n);
	if (!r.bad && r.p == r.end && fits(f))
		return 0;
	elf_facts_free(f);
	return -EINVAL;
}

static int make_folder(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

void elf_cache_open(struct elf_cache *c)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	cleanup_free char *parent = NULL;

	*c = (struct elf_cache){ 0 };
	if (xdg && *xdg == '/')
		parent = xstrdup(xdg);
	else if (geteuid() == 0)
		parent = xstrdup("/var/cache");
	else if (home && *home == '/')
		parent = xasprintf("%s/.cache", home);
	if (!parent)
		return;
	c->folder = xasprintf("%s/boltseal", parent);
	make_folder(parent);
	if (make_folder(c->folder)) {
		free(c->folder);
		c->folder = NULL;
	}
}

void elf_cache_close(struct elf_cache *c)
{
	free(c->folder);
	*c = (struct elf_cache){ 0 };
}

static char *cache_path(const struct elf_cache *c, const struct elf_bytes *b)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256(b->data, b->len, digest);
	sha256_hex(digest, hex);
	return xasprintf("%s/%s.elf", c->folder, hex);
}

static int load(const char *path, struct elf_facts *out)
{
	cleanup_buf struct buf text = { .max = ELF_CACHE_MAX };
	uint8_t digest[SHA256_SIZE];
	const uint8_t *p;
	size_t n;

	if (io_read_file(path, ELF_CACHE_MAX, &text, NULL))
		return -ENOENT;
	p = (const uint8_t *)buf_str(&text);
	n = text.len;
	if (n < sizeof(magic) + 4 + SHA256_SIZE || memcmp(p, magic, sizeof(magic)) != 0 ||
	    elf_number(p + sizeof(magic), 4) != ELF_CACHE_VERSION)
		return -EINVAL;
	n -= SHA256_SIZE;
	sha256(p, n, digest);
	if (memcmp(digest, p + n, SHA256_SIZE) != 0)
		return -EINVAL;
	return elf_facts_read(out, p + sizeof(magic) + 4, n - sizeof(magic) - 4);
}

static void save(const char *path, const struct elf_facts *f)
{
	cleanup_buf struct buf out = { .max = ELF_CACHE_MAX };
	uint8_t digest[SHA256_SIZE];

	buf_append(&out, magic, sizeof(magic));
	put(&out, ELF_CACHE_VERSION, 4);
	elf_facts_write(f, &out);
	sha256(buf_str(&out), out.len, digest);
	buf_append(&out, digest, sizeof(digest));
	if (!out.overflow)
		io_write_file(path, buf_str(&out), out.len, NULL);
}

int elf_cache_facts(void *ctx, const struct elf_image *m, const struct elf_bytes *b,
		    struct elf_facts *out, struct err *e)
{
	struct elf_cache *c = ctx;
	cleanup_free char *path = NULL;

	(void)e;
	if (!c->folder) {
		elf_scan(m, out);
		return 0;
	}
	path = cache_path(c, b);
	if (!load(path, out))
		return 0;
	elf_scan(m, out);
	save(path, out);
	return 0;
}
