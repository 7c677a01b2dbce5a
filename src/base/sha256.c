#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/mem.h"

/* What libcrypto allocates is small; it has SHA-256 in every configuration. */
static void need(int done)
{
	if (done != 1)
		mem_exhausted();
}

void sha256_begin(struct sha256 *s)
{
	s->md = EVP_MD_CTX_new();
	need(s->md && EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) == 1);
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	need(EVP_DigestUpdate(s->md, data, len));
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
	need(EVP_DigestFinal_ex(s->md, out, NULL));
	sha256_drop(s);
}

void sha256_drop(struct sha256 *s)
{
	EVP_MD_CTX_free(s->md);
	s->md = NULL;
}

void sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
	struct sha256 s;

	sha256_begin(&s);
	sha256_add(&s, data, len);
	sha256_end(&s, out);
}

void sha256_hex(const uint8_t digest[SHA256_SIZE], char out[SHA256_HEX])
{
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
