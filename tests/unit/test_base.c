/* The ground floor: errors, buffers, maps, arenas, vectors, files, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/version.h"

/* ---- err */

static void test_err(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, EINVAL, "line %d", 7), -EINVAL);
	assert_int_equal(e.code, EINVAL);
	assert_string_equal(e.msg, "line 7");
	assert_int_equal(err_prefix(&e, "%s:%d", "a.json", 3), -EINVAL);
	assert_string_equal(e.msg, "a.json:3: line 7");
	assert_int_equal(err_errno(&e, ENOENT, "%s", "x"), -ENOENT);
	assert_string_equal(e.msg, "x: No such file or directory");
	assert_int_equal(err_errno(&e, 524, "%s", "x"), -524);
	assert_string_equal(e.msg, "x: Operation not supported"); /* the kernel's ENOTSUPP */
	assert_int_equal(err_set(NULL, EPERM, "nobody reads this"), -EPERM);
	assert_int_equal(err_errno(NULL, EPERM, "nor this"), -EPERM);
	assert_int_equal(err_prefix(NULL, "nor this"), -EINVAL);
}

static void test_err_long(void **state)
{
	cleanup_free char *text = xcalloc(1, 2000);
	struct err e = { 0 };

	(void)state;
	memset(text, 'x', 1999);
	err_set(&e, EINVAL, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_prefix(&e, "place");
	assert_int_equal(strncmp(e.msg, "place: xxx", 10), 0);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_prefix(&e, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_errno(&e, ENOENT, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

/* ---- buf */

static void test_buf(void **state)
{
	struct buf b = { 0 };
	char *taken;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_append(&b, "d\0e", 3);
	buf_append(&b, NULL, 0);
	buf_printf(&b, "%d", 42);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.p, "abcd\0e42", 9);
	taken = buf_take(&b);
	assert_string_equal(taken, "abcd");
	assert_int_equal(b.len, 0);
	free(taken);
	taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	assert_int_equal(b.p[99999], 'a' + 99999 % 26);
	assert_false(b.overflow);
	buf_free(&b);
	assert_null(b.p);
}

static void test_buf_max(void **state)
{
	cleanup_buf struct buf b = { .max = 10 };

	(void)state;
	buf_puts(&b, "123456789");
	assert_false(b.overflow);
	buf_putc(&b, 'x');
	assert_true(b.overflow);
	assert_string_equal(buf_str(&b), "123456789");
	buf_puts(&b, "");
	assert_true(b.overflow); /* stays set, so that it can be asked once at the end */
	buf_printf(&b, "%d", 1);
	assert_string_equal(buf_str(&b), "123456789");
}

/* ---- map */

static void test_map(void **state)
{
	struct map m = { 0 };

	(void)state;
	assert_null(map_find(&m, "a", 1));
	for (intptr_t i = 0; i < 20000; i++) {
		char key[32];
		int n = snprintf(key, sizeof(key), "key %d", (int)i);
		void **slot = map_at(&m, key, (size_t)n);

		assert_null(*slot);
		*slot = (void *)(i + 1);
	}
	assert_int_equal(m.n, 20000);
	for (intptr_t i = 0; i < 20000; i++) {
		char key[32];
		int n = snprintf(key, sizeof(key), "key %d", (int)i);

		assert_ptr_equal(*map_find(&m, key, (size_t)n), (void *)(i + 1));
		assert_ptr_equal(*map_at(&m, key, (size_t)n), (void *)(i + 1));
	}
	assert_int_equal(m.n, 20000);
	assert_null(map_find(&m, "key", 3));
	map_free(&m);
	assert_null(map_find(&m, "key 1", 5));
}

static void test_map_keys(void **state)
{
	struct map m = { 0 };
	char key[] = "ab", values[4];

	(void)state;
	*map_at(&m, "", 0) = &values[0];
	*map_at(&m, "\0", 1) = &values[1];
	*map_at(&m, "\0\0", 2) = &values[2];
	*map_at(&m, key, 2) = &values[3];
	key[0] = 'x';
	assert_ptr_equal(*map_find(&m, "", 0), &values[0]);
	assert_ptr_equal(*map_find(&m, "\0", 1), &values[1]);
	assert_ptr_equal(*map_find(&m, "\0\0", 2), &values[2]);
	assert_ptr_equal(*map_find(&m, "ab", 2), &values[3]);
	assert_null(map_find(&m, "xb", 2));
	map_free(&m);
}

/* ---- arena, vectors */

static void test_arena(void **state)
{
	struct arena a = { 0 };
	char *first = arena_strdup(&a, "first");
	unsigned char *big;

	(void)state;
	for (int i = 1; i < 3000; i++) {
		unsigned char *p = arena_alloc(&a, (size_t)i % 97);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (int k = 0; k < i % 97; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, (size_t)i % 97);
	}
	big = arena_alloc(&a, 1000000);
	assert_int_equal(big[999999], 0);
	assert_string_equal(first, "first");
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 5), "x-5");
	assert_true(a.used >= 1000000);
	arena_free(&a);
	assert_int_equal(a.used, 0);
	assert_string_equal(arena_strdup(&a, "again"), "again");
	arena_free(&a);
}

static void test_vec(void **state)
{
	struct {
		int a, b;
	} *v = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		__typeof__(v) p = vec_push(v, n, cap);

		assert_int_equal(p->a, 0);
		p->a = p->b = i;
	}
	assert_int_equal(n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v[i].b, i);
	free(v);
}

/* ---- io */

static char dir[] = "/tmp/boltseal-base-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir); /* fails when a test left something behind */
}

static size_t files_in_dir(void)
{
	cleanup_closedir DIR *d = opendir(dir);
	size_t n = 0;

	while (readdir(d))
		n++;
	return n - 2;
}

static void assert_content(const char *path, const char *want)
{
	cleanup_buf struct buf b = { 0 };

	assert_int_equal(io_read_file(path, 1 << 20, &b, NULL), 0);
	assert_string_equal(buf_str(&b), want);
}

static void test_write_file(void **state)
{
	cleanup_free char *path = xasprintf("%s/f", dir);
	struct stat st, old;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_write_file(path, "one", 3, &e), 0);
	assert_content(path, "one");
	assert_int_equal(stat(path, &old), 0);
	assert_int_equal(old.st_mode & 07777, 0644);
	assert_int_equal(io_write_file(path, "second", 6, &e), 0);
	assert_content(path, "second");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_ino != old.st_ino); /* a new file took its place, whole */
	assert_int_equal(files_in_dir(), 1);
	unlink(path);
}

/* Whoever has the old file open goes on seeing all of it. */
static void test_write_is_one_step(void **state)
{
	cleanup_free char *path = xasprintf("%s/f", dir);
	cleanup_close int fd = -1;
	char text[8] = "";

	(void)state;
	assert_int_equal(io_write_file(path, "old", 3, NULL), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(io_write_file(path, "newer", 5, NULL), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	unlink(path);
}

/* An error leaves the old file and no temporary one. */
static void test_write_error(void **state)
{
	cleanup_free char *folder = xasprintf("%s/d", dir), *inside = xasprintf("%s/d/x", dir);
	cleanup_free char *missing = xasprintf("%s/none/f", dir);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_write_file(missing, "x", 1, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "none/f: cannot create"));
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_true(io_write_file(folder, "x", 1, &e) < 0);
	assert_non_null(strstr(e.msg, folder));
	assert_int_equal(io_write_file(inside, "kept", 4, &e), 0);
	assert_int_equal(files_in_dir(), 1);
	unlink(inside);
	rmdir(folder);
}

static void test_make_folder(void **state)
{
	cleanup_free char *up = xasprintf("%s/up", dir), *deep = xasprintf("%s/up/deep/", dir);
	cleanup_free char *file = xasprintf("%s/f", dir), *under = xasprintf("%s/f/x/y", dir);
	struct err e = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(io_make_folder(deep, 0700, &e), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(up, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(io_make_folder(deep, 0755, &e), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(io_make_folder("/", 0700, &e), 0);
	assert_int_equal(io_make_folder("", 0700, &e), -ENOENT);
	assert_int_equal(io_write_file(file, "x", 1, &e), 0);
	assert_int_equal(io_make_folder(under, 0700, &e), -ENOTDIR);
	assert_non_null(strstr(e.msg, "f/x: cannot make the folder"));
	unlink(file);
	rmdir(deep);
	rmdir(up);
}

static void test_write_pipe(void **state)
{
	cleanup_free char *path = xasprintf("%s/pipe", dir);
	cleanup_close int fd = -1;
	char text[8] = "";

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK);
	assert_int_equal(io_write_file(path, "abc", 3, NULL), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "abc");
	unlink(path);
}

static void test_read_file(void **state)
{
	cleanup_free char *path = xasprintf("%s/f", dir);
	cleanup_buf struct buf b = { 0 };
	struct err e = { 0 };
	char small[4];

	(void)state;
	assert_int_equal(io_read_file(path, 10, &b, &e), -ENOENT);
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(io_write_file(path, "0123456789", 10, NULL), 0);
	buf_puts(&b, ">");
	assert_int_equal(io_read_file(path, 10, &b, &e), 0);
	assert_string_equal(buf_str(&b), ">0123456789");
	assert_int_equal(io_read_file(path, 9, &b, &e), -EFBIG);
	assert_non_null(strstr(e.msg, "limit of 9 bytes"));
	assert_int_equal(io_read_file(dir, 9, &b, &e), -EISDIR);
	assert_int_equal(io_read_small(path, small, sizeof(small)), 0);
	assert_string_equal(small, "012");
	unlink(path);
	assert_int_equal(io_read_small(path, small, sizeof(small)), -ENOENT);
}

/* ---- json */

static int parse(struct json_doc *d, const char *text, struct err *e)
{
	return json_parse(d, "t", text, strlen(text), e);
}

static const struct {
	const char *text, *message;
} bad_json[] = {
	{ "", "t:1:1: not valid JSON: the text ends too early" },
	{ "[1, 2", "t:1:6: not valid JSON: the text ends too early" },
	{ "{\"a\": \"b", "the text ends too early" },
	{ "{}\n x", "t:2:2: not valid JSON" },
	{ "{} {}", "t:1:4: not valid JSON" },
	{ "[1,]", "t:1:4: not valid JSON" },
	{ "{\"a\": 1,}", "t:1:9: not valid JSON" },
	{ "['a']", "t:1:2: not valid JSON" },
	{ "// note\n[]", "t:1:1: not valid JSON" },
	{ "null", "t:1:1: the document is null" },
	{ "[NaN]", "t:1:2: not valid JSON: NaN is not a number in JSON" },
	{ "[1,\n Infinity]", "t:2:2: not valid JSON: Infinity is not a number" },
	{ "[-Infinity]", "-Infinity is not a number" },
	{ "[1e999]", "t:1:2: not valid JSON: the number 1e999 is too large" },
	{ "[-1e999]", "the number -1e999 is too large" },
	{ "[00]", "00 is not a number" },
	{ "[-01]", "not valid JSON" },
	{ "[1.]", "1. is not a number" },
	{ "[0x10]", "not valid JSON" },
	{ "[+1]", "not valid JSON" },
	{ "{\"a\": {\"b\": 18446744073709551616}}",
	  "t:1:13: not valid JSON: the number 18446744073709551616 is beyond 64 bits" },
	{ "[-9223372036854775809]", "the number -9223372036854775809 is beyond 64 bits" },
	{ "{\"a\": 1,\n \"a\": 2}", "t:2:2: not valid JSON: the key \"a\" stands twice" },
	{ "[{\"x\": {\"b\": 1, \"c\": 2, \"b\": 3}}]", "the key \"b\" stands twice" },
	{ "{\"a\": 1, \"\\u0061\": 2}", "t:1:10: not valid JSON: the key \"a\" stands twice" },
	{ "[\"a\nb\"]", "the control character 0x0a must be written as \\u000a" },
	{ "[\"\xff\"]", "not valid JSON" },
	{ "[\"\xc0\x80\"]", "the byte 0xc0 is not UTF-8" },
	{ "[\"\xed\xa0\x80\"]", "the byte 0xed is not UTF-8" },
	{ "[\"\xf4\x90\x80\x80\"]", "the byte 0xf4 is not UTF-8" },
	{ "{\"\xc1\xbf\": 1}", "the byte 0xc1 is not UTF-8" },
};

static void test_json_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_json); i++) {
		struct json_doc d = { 0 };
		struct err e = { 0 };

		if (parse(&d, bad_json[i].text, &e) != -EINVAL)
			fail_msg("accepted: %s", bad_json[i].text);
		if (!strstr(e.msg, bad_json[i].message))
			fail_msg("%s: %s", bad_json[i].text, e.msg);
		assert_null(d.root);
		assert_null(d.text);
	}
}

static void test_json_nul(void **state)
{
	struct json_doc d = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(json_parse(&d, "t", "[1]\0", 4, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "NUL byte"));
	assert_int_equal(json_parse(&d, "t", "\0", 1, &e), -EINVAL);
	assert_int_equal(json_parse(&d, "t", "\xef\xbb\xbf[1]", 6, &e), -EINVAL);
	assert_string_equal(e.msg, "t:1:1: not valid JSON: a byte order mark is in front");
	assert_int_equal(json_parse(&d, "t", "[1]\0", 3, &e), 0);
	json_doc_free(&d);
}

static void test_json_depth(void **state)
{
	(void)state;
	for (int depth = 1; depth < 2000; depth = depth < 70 ? depth + 1 : depth * 2) {
		cleanup_buf struct buf b = { 0 };
		cleanup_json_doc struct json_doc d = { 0 };
		struct err e = { 0 };
		int r;

		for (int i = 0; i < depth; i++)
			buf_putc(&b, '[');
		for (int i = 0; i < depth; i++)
			buf_putc(&b, ']');
		r = parse(&d, buf_str(&b), &e);
		if (depth <= 64)
			assert_int_equal(r, 0);
		else
			assert_int_equal(r, -EINVAL);
	}
}

static void test_json_numbers(void **state)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_path at = { .key = "a" };
	static const uint64_t want[] = { 0, 0, 9223372036854775807u, 9223372036854775808u,
					 18446744073709551615u };
	uint64_t n;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse(&d,
			       "[0, -0, 9223372036854775807, 9223372036854775808,"
			       " 18446744073709551615, 1.5e3, -1, \"1\", 0.0, 1E-2]",
			       &e),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(
			json_u64(&d, &at, json_object_array_get_idx(d.root, i), UINT64_MAX, &n, &e),
			0);
		assert_true(n == want[i]);
	}
	n = 5;
	for (size_t i = ARRAY_SIZE(want); i < 10; i++)
		assert_int_equal(
			json_u64(&d, &at, json_object_array_get_idx(d.root, i), UINT64_MAX, &n, &e),
			-EINVAL);
	assert_int_equal(n, 5);
	assert_int_equal(json_u64(&d, &at, json_object_array_get_idx(d.root, 2), 100, &n, &e),
			 -ERANGE);
	assert_non_null(strstr(e.msg, "expected at most 100, found 9223372036854775807"));
}

static void test_json_members(void **state)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_object *o = NULL;
	struct err e = { 0 };
	const char *s = "before";
	uint64_t n = 1;
	bool b = false;

	(void)state;
	assert_int_equal(parse(&d,
			       "{\n \"s\": \"x\", \"n\": 7, \"b\": true,\n \"a\": [1],"
			       " \"o\": {}, \"z\": null, \"nul\": \"a\\u0000b\"}",
			       &e),
			 0);
	assert_int_equal(json_get_str(&d, NULL, d.root, "none", false, &s, &e), 0);
	assert_int_equal(json_get_str(&d, NULL, d.root, "z", false, &s, &e), 0);
	assert_string_equal(s, "before");
	assert_int_equal(json_get_str(&d, NULL, d.root, "s", true, &s, &e), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_str(&d, NULL, d.root, "z", true, &s, &e), -ENOENT);
	assert_string_equal(e.msg, "t:1:1: /: the member \"z\" is missing (expected a string)");
	assert_int_equal(json_get_str(&d, NULL, d.root, "n", true, &s, &e), -EINVAL);
	assert_string_equal(e.msg, "t:2:17: /n: expected a string, found a whole number");
	assert_int_equal(json_get_str(&d, NULL, d.root, "nul", true, &s, &e), -EINVAL);
	assert_int_equal(json_get_u64(&d, NULL, d.root, "n", true, 7, &n, &e), 0);
	assert_int_equal(n, 7);
	assert_int_equal(json_get_u64(&d, NULL, d.root, "n", true, 6, &n, &e), -ERANGE);
	assert_int_equal(json_get_bool(&d, NULL, d.root, "b", true, &b, &e), 0);
	assert_true(b);
	assert_int_equal(json_get_bool(&d, NULL, d.root, "a", true, &b, &e), -EINVAL);
	assert_string_equal(e.msg, "t:3:7: /a: expected true or false, found an array");
	assert_int_equal(json_get_array(&d, NULL, d.root, "a", true, &o, &e), 0);
	assert_int_equal(json_object_array_length(o), 1);
	assert_int_equal(json_get_object(&d, NULL, d.root, "o", true, &o, &e), 0);
	assert_int_equal(json_get_object(&d, NULL, d.root, "b", true, &o, &e), -EINVAL);
}

static void test_json_places(void **state)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct err e = { 0 };
	struct json_path a = { .key = "a/b~c" }, i = { .up = &a, .idx = 1 };
	struct json_path k = { .up = &i, .key = "k\"" }, none = { .up = &i, .key = "none" };

	(void)state;
	assert_int_equal(parse(&d,
			       "{\"x\": \"]}\\\"\", \"a/b~c\":\n  [{\"k\\\"\": 0},\n"
			       "   {\"q\": [], \"k\\\"\":  17}]}",
			       &e),
			 0);
	assert_int_equal(json_err(&d, &k, &e, ERANGE, "%s", "here"), -ERANGE);
	assert_string_equal(e.msg, "t:3:22: /a~1b~0c/1/k\": here");
	json_err(&d, &i, &e, EINVAL, "x");
	assert_string_equal(e.msg, "t:3:4: /a~1b~0c/1: x");
	json_err(&d, &none, &e, EINVAL, "x");
	assert_string_equal(e.msg, "t:1:1: /a~1b~0c/1/none: x");
	json_err(&d, NULL, &e, EINVAL, "x");
	assert_string_equal(e.msg, "t:1:1: /: x");
}

static const struct {
	const char *bytes, *json;
} byte_strings[] = {
	{ "", "\"\"" },
	{ "a\"\\/", "\"a\\\"\\\\/\"" },
	{ "\b\t\n\v\f\r\x1f\x7f", "\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\"" },
	{ "\xc3\xa4\xf0\x9f\x90\xb3", "\"\xc3\xa4\xf0\x9f\x90\xb3\"" },
	{ "\x80\xff", "\"\xef\xa0\x80\xef\xa1\xbf\"" }, /* U+F800, U+F87F */
	{ "\xc3", "\"\xef\xa1\x83\"" },
	{ "\xef\xa0\x80", "\"\xef\xa1\xaf\xef\xa0\xa0\xef\xa0\x80\"" },
	{ "\xef\xa2\x80", "\"\xef\xa2\x80\"" }, /* U+F880 is not one of them */
};

static void test_json_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(byte_strings); i++) {
		cleanup_buf struct buf b = { 0 };
		cleanup_json_doc struct json_doc d = { 0 };
		cleanup_free char *back = NULL;

		json_put_bytes(&b, byte_strings[i].bytes);
		assert_string_equal(buf_str(&b), byte_strings[i].json);
		assert_int_equal(parse(&d, buf_str(&b), NULL), 0);
		back = json_bytes(xstrdup(json_object_get_string(d.root)));
		assert_string_equal(back, byte_strings[i].bytes);
	}
}

/* All strings of two bytes, and random longer ones. */
static void test_json_bytes_all(void **state)
{
	(void)state;
	srand(3);
	for (unsigned i = 0; i < 80000; i++) {
		char text[12] = { (char)(i >> 8), (char)i };
		cleanup_buf struct buf b = { 0 };
		cleanup_json_doc struct json_doc d = { 0 };
		cleanup_free char *back = NULL;

		for (size_t k = 0; i > 65535 && k < 11; k++)
			text[k] = (char)("\xef\xa0\x80\xe2\xf0\x9f\xc3\xa1\xbf\x01"
					 "a"[rand() % 11]);
		json_put_bytes(&b, text);
		assert_int_equal(parse(&d, buf_str(&b), NULL), 0);
		back = json_bytes(xstrdup(json_object_get_string(d.root)));
		assert_string_equal(back, text);
	}
}

static void test_json_load(void **state)
{
	cleanup_free char *path = xasprintf("%s/f.json", dir);
	struct json_doc d = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(json_load(&d, path, 100, &e), -ENOENT);
	assert_int_equal(io_write_file(path, "{\"a\":\n}", 7, NULL), 0);
	assert_int_equal(json_load(&d, path, 100, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "f.json:2:1: not valid JSON"));
	assert_int_equal(io_write_file(path, "{\"a\": 1}\n", 9, NULL), 0);
	assert_int_equal(json_load(&d, path, 8, &e), -EFBIG);
	assert_int_equal(json_load(&d, path, 9, &e), 0);
	assert_string_equal(d.name, path);
	json_doc_free(&d);
	unlink(path);
}

static void test_json_text(void **state)
{
	cleanup_json struct json_object *o = json_object_new_object();
	cleanup_free char *text = NULL;

	(void)state;
	json_object_object_add(o, "b", json_object_new_uint64(UINT64_MAX));
	json_object_object_add(o, "a", json_object_new_string("x/y"));
	text = json_text(o);
	assert_string_equal(text, "{\n  \"b\": 18446744073709551615,\n  \"a\": \"x/y\"\n}\n");
}

static void test_version(void **state)
{
	static const struct {
		const char *text;
		int numbers;
		struct version v;
		const char *rest;
	} cases[] = {
		{ "1.1.5+ds1", 3, { { 1, 1, 5 } }, "+ds1" },
		{ "v1.2.8-rc.1", 3, { { 1, 2, 8 } }, "-rc.1" },
		{ "20.10", 2, { { 20, 10, 0 } }, "" },
		{ "7.", 1, { { 7, 0, 0 } }, "." },
		{ "2.5.4.3", 3, { { 2, 5, 4 } }, ".3" },
		{ "0.100000", 2, { { 0, 100000, 0 } }, "" },
		{ "0.100001", 0, { { 0 } }, NULL },
		{ "18446744073709551617", 0, { { 0 } }, NULL },
		{ "", 0, { { 0 } }, NULL },
		{ "v", 0, { { 0 } }, NULL },
		{ "-1", 0, { { 0 } }, NULL },
		{ " 1", 0, { { 0 } }, NULL },
	};
	static const char *const order[] = { "0.9.10", "0.10", "1", "1.0.1", "1.1" };
	struct version a, b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *rest = NULL;

		a = (struct version){ 0 };
		assert_int_equal(version_parse(cases[i].text, &a, &rest), cases[i].numbers);
		assert_int_equal(version_cmp(&a, &cases[i].v), 0);
		if (cases[i].rest)
			assert_string_equal(rest, cases[i].rest);
	}
	for (size_t i = 1; i < ARRAY_SIZE(order); i++) {
		assert_int_not_equal(version_parse(order[i - 1], &a, NULL), 0);
		assert_int_not_equal(version_parse(order[i], &b, NULL), 0);
		assert_true(version_cmp(&a, &b) < 0 && version_cmp(&b, &a) > 0);
	}
	a = version_of_kernel();
	assert_true(version_kernel_at_least(a.part[0], a.part[1]));
	assert_true(version_kernel_at_least(a.part[0] - 1, a.part[1] + 1));
	assert_false(version_kernel_at_least(a.part[0], a.part[1] + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err),	     cmocka_unit_test(test_err_long),
		cmocka_unit_test(test_buf),	     cmocka_unit_test(test_buf_max),
		cmocka_unit_test(test_map),	     cmocka_unit_test(test_map_keys),
		cmocka_unit_test(test_arena),	     cmocka_unit_test(test_vec),
		cmocka_unit_test(test_write_file),   cmocka_unit_test(test_write_is_one_step),
		cmocka_unit_test(test_write_error),  cmocka_unit_test(test_make_folder),
		cmocka_unit_test(test_write_pipe),   cmocka_unit_test(test_read_file),
		cmocka_unit_test(test_json_refused), cmocka_unit_test(test_json_nul),
		cmocka_unit_test(test_json_depth),   cmocka_unit_test(test_json_numbers),
		cmocka_unit_test(test_json_members), cmocka_unit_test(test_json_places),
		cmocka_unit_test(test_json_bytes),   cmocka_unit_test(test_json_bytes_all),
		cmocka_unit_test(test_json_load),    cmocka_unit_test(test_json_text),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
