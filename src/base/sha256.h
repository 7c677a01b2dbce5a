/* SHA-256 (FIPS 180-4), by libcrypto, which uses what the processor has for it. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { SHA256_SIZE = 32, SHA256_HEX = 65 };

struct sha256 {
	void *md;
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* The digest; `s` is given back and can begin again. */
void sha256_end(struct sha256 *s, uint8_t out[SHA256_SIZE]);
/* Without a digest; nothing to do behind sha256_end. */
void sha256_drop(struct sha256 *s);
#define cleanup_sha256 cleanup(sha256_drop)

/* All of it at once. */
void sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE]);
/* 64 lower-case digits and a NUL. */
void sha256_hex(const uint8_t digest[SHA256_SIZE], char out[SHA256_HEX]);

#endif
