/*
 * Facts of files that were read before, in a directory: one file per content, named by its SHA-256.
 * What does not fit exactly (another version, a wrong checksum, an index out of range) counts as
 * absent.
 */
#ifndef ELF_CACHE_H
#define ELF_CACHE_H

#include "elf/link.h"

enum {
	ELF_CACHE_VERSION = 12, /* to be raised whenever elf_scan gives other results */
	ELF_CACHE_MAX = 512 * 1024 * 1024,
};

struct elf_cache {
	char *folder; /* NULL: nothing is kept */
};

/*
 * $XDG_CACHE_HOME/boltseal, for root without that variable /var/cache/boltseal, else
 * ~/.cache/boltseal; created when needed. That it cannot be created or written is no error.
 */
void elf_cache_open(struct elf_cache *c);
void elf_cache_close(struct elf_cache *c);

/* A link_facts_fn; `ctx` is a struct elf_cache. */
int elf_cache_facts(void *ctx, const struct elf_image *m, const struct elf_bytes *b,
		    struct elf_facts *out, struct err *e);

/* Facts as bytes and back; -EINVAL: these bytes are no facts. */
void elf_facts_write(const struct elf_facts *f, struct buf *out);
int elf_facts_read(struct elf_facts *f, const uint8_t *p, size_t n);

#endif
