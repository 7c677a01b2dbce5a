/* Damaged and hostile ELF files, the cache's format, SHA-256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/sha256.h"
#include "elf/analyze.h"
#include "elf/cache.h"
#include "elf/frames.h"

static const char *program(void)
{
	const char *p = getenv("BOLTSEAL");

	return p ? p : "build/boltseal";
}

static void read_program(struct buf *b)
{
	struct err e;

	if (io_read_file(program(), ELF_MAX_FILE, b, &e))
		fail_msg("%s", e.msg);
}

static void test_headers(void **state)
{
	static const struct {
		size_t at;
		unsigned n;
		uint64_t value;
		int result;
		const char *message;
	} cases[] = {
		{ 0, 1, 0, -ENOEXEC, "not an ELF file" },
		{ 4, 1, 1, -ENOTSUP, "only 64-bit" },
		{ 5, 1, 2, -ENOTSUP, "little-endian" },
		{ 16, 2, 1, -EINVAL, "neither a program nor a shared object" },
		{ 18, 2, 3, -ENOTSUP, "machine 3" },
		{ 32, 8, 1ull << 60, -EINVAL, "no program headers" },
		{ 54, 2, 1, -EINVAL, "no program headers" },
		{ 56, 2, 0xffff, -EINVAL, "" },
	};
	cleanup_buf struct buf b = { 0 };

	(void)state;
	read_program(&b);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free uint8_t *copy = malloc(b.len);
		struct elf_image m;
		struct err e;
		int r;

		memcpy(copy, buf_str(&b), b.len);
		for (unsigned k = 0; k < cases[i].n; k++)
			copy[cases[i].at + k] = (uint8_t)(cases[i].value >> 8 * k);
		r = elf_image_read(&m, "file", copy, b.len, &e);
		if (r != cases[i].result || !strstr(e.msg, cases[i].message))
			fail_msg("case %zu: %d %s", i, r, r ? e.msg : "");
	}
}

/* A file cut off anywhere is refused, or read without its missing part; under the sanitizers. */
static void test_truncated(void **state)
{
	cleanup_buf struct buf b = { 0 };

	(void)state;
	read_program(&b);
	for (size_t n = 0; n < b.len; n += n < 8192 ? 61 : b.len / 97) {
		cleanup_free uint8_t *copy = malloc(n ? n : 1);
		cleanup_elf_image struct elf_image m = { 0 };
		struct err e;

		memcpy(copy, buf_str(&b), n);
		if (elf_image_read(&m, "file", copy, n, &e))
			assert_true(*e.msg);
	}
}

static void test_frames(void **state)
{
	cleanup_buf struct buf b = { 0 };
	cleanup_elf_image struct elf_image m = { 0 };
	cleanup_free struct elf_range *v = NULL;
	uint64_t end = 0;
	struct err e;
	size_t n;

	(void)state;
	read_program(&b);
	assert_int_equal(elf_image_read(&m, "file", (const uint8_t *)buf_str(&b), b.len, &e), 0);
	v = elf_frames(&m, &n);
	assert_true(n > 100);
	for (size_t i = 0; i < n; i++) {
		assert_true(v[i].start >= end && v[i].end > v[i].start);
		assert_true(elf_is_code(&m, v[i].start));
		end = v[i].end;
	}
	free(v);
	/* Without sections the index of the table says where it is. */
	m.eh_frame = (struct elf_range){ 0 };
	v = elf_frames(&m, &n);
	assert_true(n > 100);
}

static void test_facts(void **state)
{
	cleanup_buf struct buf b = { 0 }, text = { 0 };
	cleanup_elf_image struct elf_image m = { 0 };
	cleanup_elf_facts struct elf_facts f = { 0 }, again = { 0 };
	struct err e;

	(void)state;
	read_program(&b);
	assert_int_equal(elf_image_read(&m, "file", (const uint8_t *)buf_str(&b), b.len, &e), 0);
	elf_scan(&m, &f);
	elf_facts_write(&f, &text);
	assert_int_equal(elf_facts_read(&again, (const uint8_t *)buf_str(&text), text.len), 0);
	assert_int_equal(again.functions_n, f.functions_n);
	assert_int_equal(again.refs_n, f.refs_n);
	elf_facts_free(&again);
	for (size_t n = 0; n < text.len; n += text.len / 200 + 1)
		assert_int_equal(elf_facts_read(&again, (const uint8_t *)buf_str(&text), n),
				 -EINVAL);
	/* An index beyond the end. */
	f.refs[0].kind = ELF_REF_CODE;
	f.refs[0].to = (uint32_t)f.functions_n;
	buf_free(&text);
	elf_facts_write(&f, &text);
	assert_int_equal(elf_facts_read(&again, (const uint8_t *)buf_str(&text), text.len),
			 -EINVAL);
}

static void test_sha256(void **state)
{
	/* FIPS 180-4 examples, and the empty text. */
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct sha256 s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sha256(cases[i].text, strlen(cases[i].text), digest);
		sha256_hex(digest, hex);
		assert_string_equal(hex, cases[i].digest);
	}
	sha256_begin(&s); /* a million times "a", in pieces of odd sizes */
	for (size_t n = 0, k = 1; n < 1000000; n += k, k = k * 7 % 1009 + 1) {
		char piece[1024];

		memset(piece, 'a', sizeof(piece));
		k = k < 1000000 - n ? k : 1000000 - n;
		sha256_add(&s, piece, k);
	}
	sha256_end(&s, digest);
	sha256_hex(digest, hex);
	assert_string_equal(hex,
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_frames),	cmocka_unit_test(test_facts),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
