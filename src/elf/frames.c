#include "elf/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* DW_EH_PE_*: the format in the low four bits, what it is relative to above. */
enum {
	PE_ABSPTR = 0x00,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_PCREL = 0x10,
	PE_APPLICATION = 0x70,
	PE_INDIRECT = 0x80,
};

struct cursor {
	const uint8_t *p, *end;
	uint64_t addr; /* of p */
	bool bad;
};

static uint64_t take(struct cursor *c, unsigned n)
{
	uint64_t v;

	if (c->bad || (size_t)(c->end - c->p) < n) {
		c->bad = true;
		return 0;
	}
	v = elf_number(c->p, n);
	c->p += n;
	c->addr += n;
	return v;
}

static uint64_t take_leb128(struct cursor *c)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = take(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !c->bad);
	return v;
}

/* A pointer in one of the encodings that compilers use for code; others: bad. */
static uint64_t take_encoded(struct cursor *c, unsigned encoding, bool is_length)
{
	uint64_t at = c->addr, v;

	switch (encoding & 15) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		v = take(c, 8);
		break;
	case PE_UDATA4:
		v = take(c, 4);
		break;
	case PE_SDATA4:
		v = (uint64_t)(int32_t)take(c, 4);
		break;
	case PE_UDATA2:
		v = take(c, 2);
		break;
	case PE_SDATA2:
		v = (uint64_t)(int16_t)take(c, 2);
		break;
	default:
		c->bad = true;
		return 0;
	}
	if (encoding & PE_INDIRECT)
		c->bad = true;
	if (is_length)
		return (encoding & 15) == PE_SDATA4 ? (uint32_t)v : v;
	if ((encoding & PE_APPLICATION) == PE_PCREL)
		return v + at;
	if (encoding & PE_APPLICATION)
		c->bad = true;
	return v;
}

/* The encoding of code addresses that a CIE prescribes; -1: not understood. */
static int cie_encoding(struct cursor c)
{
	const char *augmentation;
	unsigned version = (unsigned)take(&c, 1);

	if (version != 1 && version != 3)
		return -1;
	augmentation = (const char *)c.p;
	while (take(&c, 1))
		;
	if (c.bad)
		return -1;
	take_leb128(&c); /* code alignment */
	take_leb128(&c); /* data alignment */
	if (version == 1)
		take(&c, 1);
	else
		take_leb128(&c);
	if (!*augmentation)
		return PE_ABSPTR;
	if (*augmentation++ != 'z')
		return -1;
	take_leb128(&c);
	for (; *augmentation; augmentation++) {
		unsigned encoding;

		switch (*augmentation) {
		case 'R':
			encoding = (unsigned)take(&c, 1);
			return c.bad ? -1 : (int)encoding;
		case 'L':
			take(&c, 1);
			break;
		case 'P':
			encoding = (unsigned)take(&c, 1);
			take_encoded(&c, encoding & ~(unsigned)PE_INDIRECT, false);
			break;
		case 'S':
		case 'B':
			break;
		default:
			return -1;
		}
		if (c.bad)
			return -1;
	}
	return PE_ABSPTR;
}

struct frames {
	struct elf_range *v;
	size_t n, cap;
};

static void add_frame(const struct elf_image *m, struct frames *f, uint64_t start, uint64_t len)
{
	if (!len || f->n == ELF_MAX_FUNCTIONS || !elf_is_code(m, start) || elf_room(m, start) < len)
		return;
	*vec_push(f->v, f->n, f->cap) = (struct elf_range){ start, start + len };
}

static void read_frames(const struct elf_image *m, struct cursor c, struct frames *f)
{
	const uint8_t *begin = c.p, *cie_of_last = NULL;
	uint64_t begin_addr = c.addr;
	int encoding = -1;

	while (!c.bad && c.p < c.end) {
		uint64_t len = take(&c, 4), id;
		struct cursor entry;

		if (!len)
			return; /* the end, by convention */
		if (len == 0xffffffff)
			len = take(&c, 8);
		if (c.bad || len < 4 || len > (uint64_t)(c.end - c.p))
			return;
		entry = (struct cursor){ c.p, c.p + len, c.addr, false };
		c.p += len;
		c.addr += len;
		id = take(&entry, 4);
		if (id && id <= (uint64_t)(entry.p - 4 - begin)) {
			const uint8_t *cie = entry.p - 4 - id;
			struct cursor head = { cie, c.end, begin_addr + (uint64_t)(cie - begin),
					       false };
			uint64_t start;

			if (cie != cie_of_last) {
				uint64_t n = take(&head, 4);

				if (n == 0xffffffff)
					n = take(&head, 8);
				encoding = n >= 4 && !take(&head, 4) ? cie_encoding(head) : -1;
				cie_of_last = cie;
			}
			if (encoding < 0)
				continue;
			start = take_encoded(&entry, (unsigned)encoding, false);
			add_frame(m, f, start, take_encoded(&entry, (unsigned)encoding, true));
		}
	}
}

static int compare_ranges(const void *a, const void *b)
{
	const struct elf_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Where .eh_frame is: the section, or what the header of its index points to. */
static struct cursor find_table(const struct elf_image *m)
{
	struct cursor hdr = { .addr = m->eh_frame_hdr };
	uint64_t at = m->eh_frame.start, n = m->eh_frame.end - at;

	if (!n && m->eh_frame_hdr && elf_at(m, m->eh_frame_hdr, 4)) {
		unsigned encoding;

		hdr.p = elf_at(m, m->eh_frame_hdr, 4);
		hdr.end = hdr.p + elf_room(m, m->eh_frame_hdr);
		take(&hdr, 1);
		encoding = (unsigned)take(&hdr, 1);
		take(&hdr, 2);
		at = take_encoded(&hdr, encoding, false);
		n = hdr.bad ? 0 : elf_room(m, at);
	}
	if (!n || !elf_at(m, at, n))
		return (struct cursor){ .bad = true };
	return (struct cursor){ elf_at(m, at, n), elf_at(m, at, n) + n, at, false };
}

struct elf_range *elf_frames(const struct elf_image *m, size_t *n)
{
	struct frames f = { 0 };
	size_t kept = 0;

	read_frames(m, find_table(m), &f);
	if (f.n)
		qsort(f.v, f.n, sizeof(*f.v), compare_ranges);
	for (size_t i = 0; i < f.n; i++) {
		if (kept && f.v[i].start < f.v[kept - 1].end)
			continue;
		f.v[kept++] = f.v[i];
	}
	*n = kept;
	return f.v;
}
