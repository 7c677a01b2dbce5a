/* Saved images: docker save archives, OCI layouts, their configuration and what they execute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "image/entry.h"
#include "image/image.h"
#include "tar_builder.h"

static const char script[] = "#!/bin/sh -e\n"
			     "# exec commented\n"
			     "if [ \"$1\" = web ]; then chown app /data; fi\n"
			     "exec \"$@\"\n";

static char *sha256_of(const struct buf *b)
{
	struct blob blob = tb_blob(b);
	char hex[SHA256_HEX];

	assert_int_equal(blob_sha256(&blob, hex, "x", NULL), 0);
	close(blob.fd);
	return xstrdup(hex);
}

static void lower_layer(struct buf *b)
{
	tb_file(b, "bin/busybox", "\177ELF busybox");
	tb_link(b, '2', "bin/sh", "busybox");
	tb_file(b, "usr/bin/web", "\177ELF lower");
	tb_file(b, "usr/bin/chown", "\177ELF chown");
	tb_file(b, "entry.sh", script);
	tb_dir(b, "data");
	tb_end(b);
}

static void upper_layer(struct buf *b)
{
	tb_file(b, "usr/bin/web", "\177ELF upper");
	tb_file(b, "srv/.wh.gone", "");
	tb_end(b);
}

/* The parts of an image of two layers. */
struct parts {
	struct buf lower, upper, config;
	char *lower_id, *upper_id, *config_id;
};

static void make_parts(struct parts *p)
{
	lower_layer(&p->lower);
	upper_layer(&p->upper);
	p->lower_id = sha256_of(&p->lower);
	p->upper_id = sha256_of(&p->upper);
	buf_printf(&p->config,
		   "{\"architecture\": \"amd64\", \"config\": {\"Entrypoint\": [\"/entry.sh\"],"
		   "\"Cmd\": [\"web\", \"-x\"], \"Env\": [\"PATH=/usr/bin:/bin\", \"A=b\"],"
		   "\"User\": \"app\", \"WorkingDir\": \"/data\"},"
		   "\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"sha256:%s\", "
		   "\"sha256:%s\"]}}",
		   p->lower_id, p->upper_id);
	p->config_id = sha256_of(&p->config);
}

static void free_parts(struct parts *p)
{
	buf_free(&p->lower);
	buf_free(&p->upper);
	buf_free(&p->config);
	free(p->lower_id);
	free(p->upper_id);
	free(p->config_id);
}

static void docker_archive(const struct parts *p, const char *manifest, struct buf *out)
{
	tb_member(out, '0', "1/layer.tar", "", p->lower.p, p->lower.len);
	tb_member(out, '0', "2/layer.tar", "", p->upper.p, p->upper.len);
	tb_link(out, '2', "3/layer.tar", "../1/layer.tar");
	tb_member(out, '0', "config.json", "", p->config.p, p->config.len);
	tb_file(out, "manifest.json", manifest);
	tb_end(out);
}

static int open_bytes(const struct buf *b, const char *name, struct image **out, struct err *e)
{
	struct blob blob = tb_blob(b);
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", blob.fd);
	r = image_open(out, path, name, e);
	close(blob.fd);
	return r;
}

static void expect_content(const struct image *image)
{
	const struct image_config *c = image_config(image);
	cleanup_image_file struct image_file f = { 0 };

	assert_string_equal(c->user, "app");
	assert_string_equal(c->workdir, "/data");
	assert_string_equal(c->arch, "amd64");
	assert_int_equal(c->entrypoint.n, 1);
	assert_int_equal(c->cmd.n, 2);
	assert_string_equal(c->cmd.v[1], "-x");
	assert_true(image_verified(image));
	assert_int_equal(image_read(image, "/usr/bin/web", 100, &f, NULL), 0);
	assert_string_equal((char *)f.data, "\177ELF upper");
	image_file_free(&f);
	assert_int_equal(image_read(image, "/bin/sh", 100, &f, NULL), 0);
	assert_string_equal(f.path, "/bin/busybox");
	image_file_free(&f);
	assert_int_equal(image_read(image, "/bin/sh", 3, &f, NULL), -EFBIG);
	assert_int_equal(image_read(image, "/bin", 100, &f, NULL), -EINVAL);
	assert_int_equal(image_read(image, "/none", 100, &f, NULL), -ENOENT);
}

static int collect(void *arg, const char *name)
{
	buf_printf(arg, "%s ", name);
	return 0;
}

static const char one[] = "[{\"Config\": \"config.json\", \"RepoTags\": [\"reg/web:1\"],"
			  "\"Layers\": [\"1/layer.tar\", \"2/layer.tar\"]}]";
static const char two[] = "[{\"Config\": \"config.json\", \"RepoTags\": [\"reg/web:1\"],"
			  "\"Layers\": [\"1/layer.tar\", \"2/layer.tar\"]},"
			  "{\"Config\": \"config.json\", \"RepoTags\": [\"db:2\"],"
			  "\"Layers\": [\"3/layer.tar\", \"2/layer.tar\"]}]";

static void test_docker(void **state)
{
	cleanup(free_parts) struct parts p = { 0 };
	cleanup_buf struct buf archive = { 0 }, names = { 0 };
	cleanup_image struct image *image = NULL;

	(void)state;
	make_parts(&p);
	docker_archive(&p, one, &archive);
	assert_int_equal(open_bytes(&archive, NULL, &image, NULL), 0);
	expect_content(image);
	assert_string_equal(image_config(image)->name, "reg/web:1");
	assert_string_equal(image_config(image)->digest + 7, p.config_id);
	assert_int_equal(image_list(image, "/usr/bin", collect, &names, NULL), 0);
	assert_string_equal(buf_str(&names), "chown web ");
	assert_int_equal(image_list(image, "/bin/sh", collect, &names, NULL), -ENOENT);
}

static void test_choice(void **state)
{
	static const struct {
		const char *choice;
		int result;
	} cases[] = {
		{ NULL, -EINVAL },   { "db:2", 0 },	 { "reg/web:1", 0 }, { "web:1", 0 },
		{ "eb:1", -ENOENT }, { "web", -ENOENT }, { "", -ENOENT },
	};
	cleanup(free_parts) struct parts p = { 0 };
	cleanup_buf struct buf archive = { 0 };

	(void)state;
	make_parts(&p);
	docker_archive(&p, two, &archive);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_image struct image *image = NULL;
		struct err e = { 0 };

		assert_int_equal(open_bytes(&archive, cases[i].choice, &image, &e),
				 cases[i].result);
		if (cases[i].result)
			assert_non_null(strstr(e.msg, "reg/web:1 db:2"));
		else
			expect_content(image);
	}
}

static void test_docker_damage(void **state)
{
	static const struct {
		const char *manifest, *message;
	} cases[] = {
		{ "{}", "expected a list" },
		{ "[]", "no image" },
		{ "[1]", "expected an object" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [1]}]",
		  "/0/Layers/0: expected a string" },
		{ "[{\"Config\": \"none\", \"Layers\": []}]", "not in the image" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [\"1/layer.tar\"]}]",
		  "1 layers, but the configuration has digests of 2" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [\"2/layer.tar\", \"1/layer.tar\"]}]",
		  "its SHA-256 is" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [\"../../etc/passwd\", "
		  "\"2/layer.tar\"]}]",
		  "not in the image" },
		{ "[{\"Config\": \"1\", \"Layers\": []}]", "no regular file" },
	};
	cleanup(free_parts) struct parts p = { 0 };
	struct err e = { 0 };
	struct image *image;

	(void)state;
	make_parts(&p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf archive = { 0 };

		docker_archive(&p, cases[i].manifest, &archive);
		if (!open_bytes(&archive, NULL, &image, &e) || !strstr(e.msg, cases[i].message))
			fail_msg("case %zu: %s", i, e.msg);
	}
	assert_int_equal(open_bytes(&p.lower, NULL, &image, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "neither"));
	assert_int_equal(image_open(&image, "/dev/null", NULL, &e), -EINVAL);
	assert_int_equal(image_open(&image, "/nonexistent", NULL, &e), -ENOENT);
}

static void write_file(const char *dir, const char *name, const void *data, size_t len)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void write_blob(const char *dir, const struct buf *b)
{
	cleanup_free char *hex = sha256_of(b), *name = xasprintf("blobs/sha256/%s", hex);

	write_file(dir, name, b->p, b->len);
}

static void oci_layout(const char *dir, const struct parts *p)
{
	cleanup_buf struct buf manifest = { 0 }, index = { 0 };
	cleanup_free char *id = NULL, *blobs = xasprintf("%s/blobs", dir),
			  *sha = xasprintf("%s/sha256", blobs);

	assert_int_equal(mkdir(blobs, 0700) | mkdir(sha, 0700), 0);
	write_blob(dir, &p->lower);
	write_blob(dir, &p->upper);
	write_blob(dir, &p->config);
	buf_printf(&manifest,
		   "{\"schemaVersion\": 2, \"config\": {\"digest\": \"sha256:%s\"}, \"layers\": "
		   "[{\"digest\": \"sha256:%s\"}, {\"digest\": \"sha256:%s\"}]}",
		   p->config_id, p->lower_id, p->upper_id);
	write_blob(dir, &manifest);
	id = sha256_of(&manifest);
	/* A platform of another machine and an attestation beside ours, as builders write them. */
	buf_printf(
		&index,
		"{\"schemaVersion\": 2, \"manifests\": ["
		"{\"digest\": \"sha256:%064d\", \"platform\": {\"os\": \"linux\", "
		"\"architecture\": \"s390x\"}},"
		"{\"digest\": \"sha256:%064d\", \"platform\": {\"os\": \"unknown\", "
		"\"architecture\": \"unknown\"}},"
		"{\"digest\": \"sha256:%s\", \"platform\": {\"os\": \"linux\", \"architecture\": "
		"\"amd64\"}, \"annotations\": {\"org.opencontainers.image.ref.name\": \"v1\"}}]}",
		0, 1, id);
	write_file(dir, "index.json", index.p, index.len);
}

static void remove_layout(const char *dir)
{
	cleanup_free char *command = xasprintf("rm -rf '%s'", dir);

	assert_int_equal(system(command), 0);
}

static void test_oci(void **state)
{
	char dir[] = "/tmp/boltseal-test-XXXXXX";
	cleanup(free_parts) struct parts p = { 0 };
	cleanup_image struct image *image = NULL;
	cleanup_free char *blob = NULL;
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_parts(&p);
	oci_layout(dir, &p);
	assert_int_equal(image_open(&image, dir, "v1", &e), 0);
	expect_content(image);
	assert_string_equal(image_config(image)->name, "v1");
	image_close(&image);
	assert_int_equal(image_open(&image, dir, "amd64", &e), 0);
	image_close(&image);
	assert_int_equal(image_open(&image, dir, "arm64", &e), -EINVAL);
	assert_non_null(strstr(e.msg, "v1 for amd64"));
	assert_int_equal(image_open(&image, dir, "s390x", &e), -ENOENT);

	blob = xasprintf("blobs/sha256/%s", p.upper_id);
	p.upper.p[600] ^= 1;
	write_file(dir, blob, p.upper.p, p.upper.len);
	assert_int_equal(image_open(&image, dir, "v1", &e), -EBADMSG);
	/* Nothing outside of the layout is read. */
	free(blob);
	blob = xasprintf("%s/blobs/sha256/%s", dir, p.upper_id);
	assert_int_equal(unlink(blob) | symlink("/etc/passwd", blob), 0);
	assert_int_equal(image_open(&image, dir, "v1", &e), -ELOOP);
	remove_layout(dir);
}

/* The programs of an image, "ROLE PATH;" each. */
static void programs(const struct image *image, const char *program, struct buf *out)
{
	cleanup_entry struct entry en = { 0 };
	struct err e = { 0 };
	int r = entry_find(image, program, &en, &e);

	if (r)
		buf_printf(out, "%d", r);
	for (size_t i = 0; !r && i < en.n; i++)
		buf_printf(out, "%s %s;", entry_role_name(en.v[i].role), en.v[i].path);
	if (en.unknown)
		buf_printf(out, "%zu unknown, %s", en.unknown, en.first_unknown);
}

static void test_entry(void **state)
{
	static const struct {
		const char *program, *want;
	} cases[] = {
		{ NULL, "main /entry.sh;interpreter /bin/busybox;command /usr/bin/chown;"
			"exec /usr/bin/web;" },
		{ "web", "main /usr/bin/web;" },
		{ "../entry.sh", "main /entry.sh;interpreter /bin/busybox;"
				 "command /usr/bin/chown;1 unknown, /entry.sh:4: exec $@" },
		{ "/bin/sh", "main /bin/busybox;" },
		{ "nothing", "-2" },
	};
	cleanup(free_parts) struct parts p = { 0 };
	cleanup_buf struct buf archive = { 0 };
	cleanup_image struct image *image = NULL;

	(void)state;
	make_parts(&p);
	docker_archive(&p, one, &archive);
	assert_int_equal(open_bytes(&archive, NULL, &image, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf got = { 0 };

		programs(image, cases[i].program, &got);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
}

static int note(void *arg, const struct shell_command *c)
{
	buf_printf(arg, "%s%s%s%s ", c->exec ? "exec:" : "", c->maybe ? "maybe:" : "", c->word,
		   c->known ? "" : "?");
	return 0;
}

static void test_shell(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "ls -l | sort; cat a && rm b || mv c d & wait", "ls sort cat rm mv " },
		{ "A=1 B=$x run 2>&1 >/dev/null </etc/x arg", "run " },
		{ "if grep -q a b; then mkdir c; elif stat d; else touch e; fi",
		  "grep mkdir stat touch " },
		{ "for f in a b; do chmod 1 $f; done; while sleep 1; do date; done",
		  "chmod sleep date " },
		{ "case \"$1\" in\n web|db) start ;;\n *) stop ;;\nesac\nafter",
		  "start stop after " },
		{ "x=$(id -u); y=`uname`; z=\"$(hostname | tr a b)\"", "id uname hostname tr " },
		{ "echo \"it's $(basename \"$0\")\" 'not $(this)'", "basename " },
		{ "exec env A=1 nginx -g 'daemon off;'",
		  "exec:env exec:maybe:nginx exec:maybe:daemon off; " },
		{ "exec \"$@\"", "exec:$@? " },
		{ "exec gosu postgres \"$0\" \"$@\"",
		  "exec:gosu exec:maybe:postgres exec:maybe:$0? exec:maybe:$@? " },
		{ "set -- redis-server \"$@\"", "maybe:redis-server maybe:$@? " },
		{ "exec 3>&1; exec >log; ls", "ls " },
		{ "cat <<EOF\nrm -rf /\nEOF\nls", "cat ls " },
		{ "cat <<-'E F'\n\trm\n\tE F\nls", "cat ls " },
		{ "f() { curl x; }; f # wget\n\\\nhead", "f curl f head " },
		{ "\"/usr/bin/a b\" $CMD; . ./lib.sh; eval x", "/usr/bin/a b . eval " },
		{ "$CMD x; ${A:-b} y", "$CMD? ${A:-b}? " },
		{ "(cd /x && make) 2>&1 | tee log", "make tee " },
		{ "ls &>log; a >&2 b", "ls a " },
		{ "\"unclosed $(ls", "ls unclosed $? " },
		{ "[ -x /bin/ls ] && ! /bin/ls", "/bin/ls " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf got = { 0 };

		shell_commands(cases[i].text, strlen(cases[i].text), note, &got);
		if (strcmp(buf_str(&got), cases[i].want) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i].text, buf_str(&got), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),	      cmocka_unit_test(test_choice),
		cmocka_unit_test(test_docker_damage), cmocka_unit_test(test_oci),
		cmocka_unit_test(test_entry),	      cmocka_unit_test(test_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
