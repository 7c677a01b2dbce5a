/* Tar archives, well formed and hostile, and trees made of several of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <zlib.h>

#include "base/mem.h"
#include "image/tree.h"
#include "image/unpack.h"
#include "tar_builder.h"

static char long_name[301];

/* The members of an archive as text: "TYPE PATH [LINK] [SIZE]", one a line, or the error. */
static int members(const struct buf *archive, struct buf *out, struct err *e)
{
	struct blob blob = tb_blob(archive);
	cleanup_tar struct tar t;
	struct tar_entry m;
	int r;

	tar_open(&t, &blob, "a.tar");
	while ((r = tar_next(&t, &m, e)) > 0) {
		buf_printf(out, "%c %s %s%s%ju\n", "fdshx"[m.type], m.path, m.link,
			   *m.link ? " " : "", (uintmax_t)m.data.len);
		assert_true(m.data.off + m.data.len <= blob.len);
		if (m.data.unreadable)
			buf_puts(out, "unreadable\n");
	}
	close(blob.fd);
	return r;
}

static void make_plain(struct buf *b)
{
	tb_dir(b, "etc/");
	tb_file(b, "etc/passwd", "root:x:0:0\n");
	tb_link(b, '2', "etc/link", "passwd");
	tb_link(b, '1', "etc/hard", "etc/passwd");
	tb_link(b, '3', "dev/null", "");
	tb_end(b);
	tb_file(b, "behind", "the end");
}

static void make_no_end(struct buf *b)
{
	tb_file(b, "a", "1");
}

static void make_prefix(struct buf *b)
{
	size_t at = b->len;

	tb_file(b, "name", "x");
	memcpy(b->p + at + 345, "a/long/prefix", 13);
	tb_checksum(b->p + at);
}

static void make_pax(struct buf *b)
{
	char records[400];
	int n = snprintf(records, sizeof(records), "%d path=%s\n", 10 + 300, long_name);

	n += sprintf(records + n, "10 size=3\n22 linkpath=elsewhere\n");
	tb_member(b, 'x', "PaxHeaders/x", "", records, (size_t)n);
	tb_header(b, '0', "short", "", "00000000000", 12);
	tb_content(b, "abc", 3);
	tb_file(b, "next", "");
}

static void make_gnu(struct buf *b)
{
	tb_member(b, 'L', "././@LongLink", "", long_name, 301);
	tb_member(b, 'K', "././@LongLink", "", long_name, 301);
	tb_link(b, '2', "short", "short");
	tb_header(b, '0', "big", "", "\200\0\0\0\0\0\0\0\0\0\0\005", 12);
	tb_content(b, "12345", 5);
}

static void make_sparse(struct buf *b)
{
	tb_member(b, 'S', "hole", "", "x", 1);
	tb_member(b, 'x', "p", "", "22 GNU.sparse.major=1\n", 22);
	tb_file(b, "hole2", "x");
}

static void make_global(struct buf *b)
{
	tb_member(b, 'g', "pax_global_header", "", "20 comment=whatever\n", 20);
	tb_file(b, "a", "");
}

static void test_formats(void **state)
{
	static const struct {
		void (*make)(struct buf *b);
		const char *want; /* %L: the long name */
	} cases[] = {
		{ make_plain, "d etc/ 0\nf etc/passwd 11\ns etc/link passwd 0\n"
			      "h etc/hard etc/passwd 0\nx dev/null 0\n" },
		{ make_no_end, "f a 1\n" },
		{ make_prefix, "f a/long/prefix/name 1\n" },
		{ make_pax, "f %L elsewhere 3\nf next 0\n" },
		{ make_gnu, "s %L %L 0\nf big 5\n" },
		{ make_sparse, "f hole 1\nunreadable\nf hole2 1\nunreadable\n" },
		{ make_global, "f a 0\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf archive = { 0 }, got = { 0 }, want = { 0 };
		struct err e = { 0 };

		cases[i].make(&archive);
		for (const char *p = cases[i].want; *p; p++) {
			if (p[0] == '%' && p[1] == 'L') {
				buf_puts(&want, long_name);
				p++;
			} else {
				buf_putc(&want, *p);
			}
		}
		assert_int_equal(members(&archive, &got, &e), 0);
		assert_string_equal(buf_str(&got), buf_str(&want));
	}
}

static void make_cut_header(struct buf *b)
{
	tb_file(b, "a", "");
	buf_puts(b, "too short");
}

static void make_cut_content(struct buf *b)
{
	tb_header(b, '0', "a", "", "00000002000", 12);
	tb_content(b, "x", 1);
}

static void make_huge(struct buf *b)
{
	tb_header(b, '0', "a", "", "\200\0\0\0\0\377\377\377\377\377\377\377", 12);
}

static void make_overflow(struct buf *b)
{
	tb_header(b, '0', "a", "", "\200\1\0\0\0\0\0\0\0\0\0\0", 12);
}

static void make_negative(struct buf *b)
{
	tb_header(b, '0', "a", "", "\377\377\377\377\377\377\377\377\377\377\377\000", 12);
}

static void make_no_number(struct buf *b)
{
	tb_header(b, '0', "a", "", "12x45678901", 12);
}

static void make_checksum(struct buf *b)
{
	tb_file(b, "a", "");
	b->p[0] = 'b';
}

static void make_nameless(struct buf *b)
{
	tb_file(b, "", "");
}

static void make_pax_nul(struct buf *b)
{
	tb_member(b, 'x', "p", "", "12 path=a\0b\n", 12);
	tb_file(b, "a", "");
}

static void make_pax_length(struct buf *b)
{
	tb_member(b, 'x', "p", "", "99 path=ab\n", 11);
	tb_file(b, "a", "");
}

static void make_pax_size(struct buf *b)
{
	tb_member(b, 'x', "p", "", "11 size=-1\n", 11);
	tb_file(b, "a", "");
}

static void make_pax_size_overflow(struct buf *b)
{
	tb_member(b, 'x', "p", "", "32 size=18446744073709551617000\n", 32);
	tb_file(b, "a", "");
}

static void make_pax_long(struct buf *b)
{
	cleanup_free char *big = xcalloc(2 * 1024 * 1024, 1);

	tb_member(b, 'x', "p", "", big, 2 * 1024 * 1024);
	tb_file(b, "a", "");
}

static void make_long_path(struct buf *b)
{
	cleanup_free char *big = xcalloc(5000, 1);

	memset(big, 'a', 4999);
	tb_member(b, 'L', "p", "", big, 5000);
	tb_file(b, "a", "");
}

static void test_damage(void **state)
{
	static const struct {
		void (*make)(struct buf *b);
		const char *message;
	} cases[] = {
		{ make_cut_header, "ends inside of it" },
		{ make_cut_content, "ends before the content" },
		{ make_huge, "ends before the content" },
		{ make_overflow, "size is no number" },
		{ make_negative, "size is no number or negative" },
		{ make_no_number, "size is no number" },
		{ make_checksum, "checksum" },
		{ make_nameless, "without a name" },
		{ make_pax_nul, "NUL" },
		{ make_pax_length, "damaged" },
		{ make_pax_size, "no number" },
		{ make_pax_size_overflow, "no number" },
		{ make_pax_long, "longer than 1 MiB" },
		{ make_long_path, "more than 4095" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf archive = { 0 }, got = { 0 };
		struct err e = { 0 };

		cases[i].make(&archive);
		if (members(&archive, &got, &e) != -EINVAL)
			fail_msg("case %zu is accepted", i);
		assert_non_null(strstr(e.msg, "a.tar: header at byte "));
		if (!strstr(e.msg, cases[i].message))
			fail_msg("case %zu: %s", i, e.msg);
	}
}

/* Trees from a list of layers. */
struct fixture {
	struct tree tree;
	int fds[8];
	size_t n;
};

static int add(struct fixture *f, struct buf *layer, struct err *e)
{
	struct blob blob = tb_blob(layer);
	int r = tree_add_tar(&f->tree, &blob, true, "layer", e);

	f->fds[f->n++] = blob.fd;
	buf_free(layer);
	return r;
}

static void fixture_free(struct fixture *f)
{
	tree_free(&f->tree);
	while (f->n)
		close(f->fds[--f->n]);
}

/* The text of a file, or "!ERRNO". */
static const char *text(const struct fixture *f, const char *path)
{
	static char out[256];
	struct tree_node *n;
	int r = tree_find(&f->tree, path, true, &n, NULL);

	if (r)
		snprintf(out, sizeof(out), "!%d", -r);
	else if (n->type == TREE_DIR)
		strcpy(out, "DIR");
	else if (n->type != TREE_FILE)
		strcpy(out, "OTHER");
	else if (blob_read(&n->data, 0, out, n->data.len, path, NULL))
		strcpy(out, "UNREADABLE");
	else
		out[n->data.len] = '\0';
	return out;
}

static void expect(const struct fixture *f, const char *path, const char *want)
{
	if (strcmp(text(f, path), want) != 0)
		fail_msg("%s: '%s', not '%s'", path, text(f, path), want);
}

static void test_layers(void **state)
{
	cleanup(fixture_free) struct fixture f = { 0 };
	struct buf b = { 0 };

	(void)state;
	tree_init(&f.tree);
	tb_file(&b, "./usr/lib/a", "lower a");
	tb_file(&b, "usr/lib/b", "lower b");
	tb_file(&b, "/var/x/1", "1");
	tb_file(&b, "var/x/2", "2");
	tb_file(&b, "var/y/deep/3", "3");
	tb_file(&b, "opt/d/f", "f");
	tb_link(&b, '2', "lib", "usr/lib");
	tb_file(&b, "replaced/by/file", "x");
	tb_end(&b);
	assert_int_equal(add(&f, &b, NULL), 0);
	expect(&f, "/lib/a", "lower a");

	tb_file(&b, "usr/lib/a", "upper a");
	tb_file(&b, "lib/c", "through the link");
	tb_file(&b, "usr/lib/.wh.b", "");
	/* This layer's own content of an opaque directory stays, before and behind the mark. */
	tb_file(&b, "var/x/new", "new");
	tb_file(&b, "var/x/.wh..wh..opq", "");
	tb_file(&b, "var/x/newer", "newer");
	tb_file(&b, "var/.wh.y", "");
	/* A whiteout hides what is below, not what is beside it. */
	tb_file(&b, "opt/d", "now a file");
	tb_file(&b, "opt/.wh.d", "");
	tb_file(&b, "replaced", "file");
	tb_file(&b, ".wh..wh.plnk", "aufs");
	tb_file(&b, "etc/.wh.nothing", "");
	tb_end(&b);
	assert_int_equal(add(&f, &b, NULL), 0);
	expect(&f, "/usr/lib/a", "upper a");
	expect(&f, "/usr/lib/c", "through the link");
	expect(&f, "/usr/lib/b", "!2");
	expect(&f, "/var/x/1", "!2");
	expect(&f, "/var/x/new", "new");
	expect(&f, "/var/x/newer", "newer");
	expect(&f, "/var/y", "!2");
	expect(&f, "/var/y/deep/3", "!2");
	expect(&f, "/opt/d", "now a file");
	expect(&f, "/opt/d/f", "!2");
	expect(&f, "/replaced", "file");
	expect(&f, "/.wh..wh.plnk", "!2");
	expect(&f, "/etc/.wh.nothing", "!2");

	tb_dir(&b, "var/y");
	tb_file(&b, "replaced/again", "dir");
	tb_end(&b);
	assert_int_equal(add(&f, &b, NULL), 0);
	expect(&f, "/var/y", "DIR");
	expect(&f, "/var/y/deep", "!2");
	expect(&f, "/replaced/again", "dir");
	expect(&f, "/replaced/by", "!2");
}

static void test_links(void **state)
{
	cleanup(fixture_free) struct fixture f = { 0 };
	struct buf b = { 0 };
	char name[32], target[32];

	(void)state;
	tree_init(&f.tree);
	tb_file(&b, "etc/passwd", "inside");
	tb_link(&b, '2', "up", "../../../../../etc/passwd");
	tb_link(&b, '2', "dir/absolute", "/etc/passwd");
	tb_link(&b, '2', "loop", "loop");
	tb_link(&b, '2', "a", "b");
	tb_link(&b, '2', "b", "a");
	tb_link(&b, '2', "nowhere", "missing");
	tb_link(&b, '1', "hard", "etc/passwd");
	tb_link(&b, '1', "hard-to-link", "up");
	for (int i = 0; i < 45; i++) {
		snprintf(name, sizeof(name), "chain%d", i);
		snprintf(target, sizeof(target), i ? "chain%d" : "etc/passwd", i - 1);
		tb_link(&b, '2', name, target);
	}
	tb_end(&b);
	assert_int_equal(add(&f, &b, NULL), 0);
	expect(&f, "/up", "inside");
	expect(&f, "../../up", "inside");
	expect(&f, "/dir/absolute", "inside");
	expect(&f, "/dir/../dir/./absolute", "inside");
	expect(&f, "//etc//passwd", "inside");
	expect(&f, "/etc/passwd/x", "!2");
	expect(&f, "/loop", "!40");
	expect(&f, "/a", "!40");
	expect(&f, "/nowhere", "!2");
	expect(&f, "/hard", "inside");
	expect(&f, "/hard-to-link", "inside");
	expect(&f, "/chain39", "inside"); /* 40 links: the last that Linux follows */
	expect(&f, "/chain40", "!40");
	expect(&f, "/etc/", "DIR");
	expect(&f, "", "DIR");
}

static void hostile_traversal(struct buf *b)
{
	tb_file(b, "a/../../etc/passwd", "x");
}

static void hostile_link_traversal(struct buf *b)
{
	tb_link(b, '1', "x", "../../../etc/passwd");
}

static void hostile_missing_link(struct buf *b)
{
	tb_link(b, '1', "x", "nothing/here");
}

static void hostile_link_to_dir(struct buf *b)
{
	tb_dir(b, "d");
	tb_link(b, '1', "x", "d");
}

static void hostile_root(struct buf *b)
{
	tb_file(b, "./", "x");
}

static void hostile_empty_link(struct buf *b)
{
	tb_link(b, '2', "x", "");
}

static void hostile_whiteout(struct buf *b)
{
	tb_file(b, "a/.wh...", "");
}

static void hostile_component(struct buf *b)
{
	static char name[300];

	memset(name, 'n', 299);
	tb_member(b, 'L', "p", "", name, 300);
	tb_file(b, "x", "");
}

/* A link to the directory above it, used again and again: each time the names lead deeper. */
static void hostile_depth(struct buf *b)
{
	char name[4001] = { 0 };

	for (size_t i = 0; i < 4000; i += 2)
		memcpy(name + i, "a/", 2);
	tb_member(b, 'L', "p", "", name, 4001);
	tb_dir(b, "x");
	tb_member(b, 'K', "p", "", name, 4001);
	tb_link(b, '2', "l", "x");
	memcpy(name, "l/", 2);
	tb_member(b, 'L', "p", "", name, 4001);
	tb_dir(b, "x");
}

static void hostile_links_in_name(struct buf *b)
{
	char name[201] = { 0 };

	tb_link(b, '2', "l", ".");
	for (size_t i = 0; i < 200; i += 2)
		memcpy(name + i, "l/", 2);
	tb_member(b, 'L', "p", "", name, 201);
	tb_dir(b, "x");
}

static void test_hostile_layers(void **state)
{
	static const struct {
		void (*make)(struct buf *b);
		const char *message;
	} cases[] = {
		{ hostile_traversal, "'..'" },
		{ hostile_link_traversal, "'..'" },
		{ hostile_missing_link, "not there" },
		{ hostile_link_to_dir, "not there" },
		{ hostile_root, "root" },
		{ hostile_empty_link, "without a target" },
		{ hostile_whiteout, "no name" },
		{ hostile_component, "255" },
		{ hostile_depth, "too many directories" },
		{ hostile_links_in_name, "40 symbolic links" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(fixture_free) struct fixture f = { 0 };
		struct buf b = { 0 };
		struct err e = { 0 };

		tree_init(&f.tree);
		cases[i].make(&b);
		if (add(&f, &b, &e) != -EINVAL || !strstr(e.msg, cases[i].message))
			fail_msg("case %zu: %s", i, e.msg);
	}
}

/* Whiteouts of a directory with many files, many times: the work must not multiply. */
static void test_whiteout_cost(void **state)
{
	enum { FILES = 20000 };
	cleanup(fixture_free) struct fixture f = { 0 };
	struct buf b = { 0 };
	char name[64];

	(void)state;
	tree_init(&f.tree);
	for (int layer = 0; layer < 2; layer++) {
		for (int i = 0; i < FILES; i++) {
			snprintf(name, sizeof(name), "d/%d", i);
			tb_file(&b, name, "");
		}
		for (int i = 0; layer && i < FILES; i++) {
			tb_file(&b, "d/.wh..wh..opq", "");
			tb_file(&b, ".wh.d", "");
		}
		assert_int_equal(add(&f, &b, NULL), 0);
	}
	expect(&f, "/d/19999", "");
}

static struct blob gzip(const void *data, size_t len, size_t repeat)
{
	struct buf b = { .max = (size_t)1 << 30 };
	unsigned char out[65536];
	z_stream z = { 0 };
	struct blob blob;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (size_t i = 0; i < repeat; i++) {
		z.next_in = (void *)(uintptr_t)data;
		z.avail_in = (unsigned int)len;
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			deflate(&z, i + 1 == repeat ? Z_FINISH : Z_NO_FLUSH);
			buf_append(&b, out, sizeof(out) - z.avail_out);
		} while (!z.avail_out);
	}
	deflateEnd(&z);
	blob = tb_blob(&b);
	buf_free(&b);
	return blob;
}

static void test_unpack(void **state)
{
	static char zeros[65536];
	struct blob in = gzip("hello", 5, 1), out = { 0 }, cut;
	struct err e = { 0 };
	char text_out[6] = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(unpack_blob(&in, 100, &out, &fd, "x", &e), 0);
	assert_int_equal(out.len, 5);
	assert_int_equal(blob_read(&out, 0, text_out, 5, "x", &e), 0);
	assert_string_equal(text_out, "hello");
	close(fd);
	assert_int_equal(unpack_blob(&in, 4, &out, &fd, "x", &e), -EFBIG);
	cut = in;
	cut.len -= 4;
	assert_int_equal(unpack_blob(&cut, 100, &out, &fd, "x", &e), -EINVAL);
	assert_non_null(strstr(e.msg, "end early"));
	close(in.fd);

	/* A bomb: 1 GiB of zeros in 1 MiB. It takes no space, and no more than is allowed. */
	in = gzip(zeros, sizeof(zeros), 16384);
	assert_int_equal(unpack_blob(&in, 100 << 20, &out, &fd, "bomb", &e), -EFBIG);
	assert_non_null(strstr(e.msg, "more than 100 MiB"));
	close(in.fd);

	in = (struct blob){ .fd = -1 };
	assert_int_equal(unpack_blob(&in, 100, &out, &fd, "empty", &e), 0);
	assert_int_equal(out.len, 0);
}

static void test_other_compressions(void **state)
{
	static const struct {
		const char *bytes, *message;
		size_t len;
		int result;
	} cases[] = {
		{ "BZh91AY", "bzip2", 7, -ENOTSUP },
		{ "\3757zXZ\0\0", "xz", 7, -ENOTSUP },
		{ "\x1f\x8b\x08garbage...", "gzip", 13, -EINVAL },
		{ "\x28\xb5\x2f\xfdgarbage", "zstd", 11, -EINVAL },
		/* A frame of 3 bytes "abc", RFC 8878: single segment, one raw block. */
		{ "\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00"
		  "abc",
		  NULL, 12, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };
		struct blob in, out = { 0 };
		struct err e = { 0 };
		int fd = -1, r;

		buf_append(&b, cases[i].bytes, cases[i].len);
		in = tb_blob(&b);
		r = unpack_blob(&in, 1000, &out, &fd, "x", &e);
		if (r != cases[i].result || (r && !strstr(e.msg, cases[i].message)))
			fail_msg("case %zu: %d %s", i, r, e.msg);
		if (!r) {
			assert_int_equal(out.len, 3);
			close(fd);
		}
		close(in.fd);
		buf_free(&b);
	}
}

static int setup(void **state)
{
	(void)state;
	memset(long_name, 'L', 300);
	for (size_t i = 50; i < 300; i += 50)
		long_name[i] = '/';
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	       cmocka_unit_test(test_damage),
		cmocka_unit_test(test_layers),	       cmocka_unit_test(test_links),
		cmocka_unit_test(test_hostile_layers), cmocka_unit_test(test_whiteout_cost),
		cmocka_unit_test(test_unpack),	       cmocka_unit_test(test_other_compressions),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
