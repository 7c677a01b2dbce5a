/* Captures: records through lines and back, facts, what is wrong with a file and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "bpf/watch_rec.h"
#include "enrich/facts.h"
#include "model/event_fields.h"
#include "model/syscalls.h"
#include "record_part.h"
#include "sensor/capture.h"
#include "sensor/capture_line.h"

#define HEAD "{\"format\":\"boltseal.capture/1\"}\n"
#define ID   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char path[] = "/tmp/boltseal-capture-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_text(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* ---- records */

static struct capture_rec made;

static struct watch_rec *begin(unsigned kind, uint32_t pid, const char *comm)
{
	static uint64_t clock_ns = 1000;

	memset(&made, 0, sizeof(made));
	made.rec.size = sizeof(made.rec);
	made.rec.kind = (uint16_t)kind;
	made.rec.time = clock_ns += 7;
	made.rec.pid = made.rec.tid = made.rec.vpid = pid;
	made.rec.start = 50 + pid;
	made.rec.loginuid = ~0u;
	snprintf(made.rec.comm, sizeof(made.rec.comm), "%s", comm);
	return &made.rec;
}

static void part(unsigned kind, unsigned arg, unsigned flags, const void *bytes, size_t len)
{
	record_part(&made.rec, kind, arg, flags, bytes, len);
}

struct both {
	struct capture_processes *out, *in;
};

/* Through a line and back: the same bytes. The line stays in `line`. */
static char line[65536];

static void check_round(struct both *b)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf text = { 0 };
	static struct capture_rec back;
	struct err e;

	assert_true(record_is_valid(&made, made.rec.size));
	capture_line_put(b->out, &made.rec, &text);
	snprintf(line, sizeof(line), "%s", buf_str(&text));
	if (json_parse_line(&d, "capture", 1, text.p, text.len, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(capture_line_is_record(&d));
	memset(&back, 0xee, sizeof(back));
	if (capture_line_get(b->in, &d, &back, &e) < 0)
		fail_msg("%s: %s", e.msg, line);
	assert_int_equal(back.rec.size, made.rec.size);
	assert_memory_equal(&back, &made, made.rec.size);
}

static void set_call(const char *name, int64_t ret)
{
	made.rec.nr = (uint16_t)sc_nr(sc_abi_native(), name);
	made.rec.ret = ret;
}

static void sockets(struct both *b)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(443) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "\0abstract" };
	struct watch_fd fd = {
		.fd = 4, .mode = 0140777, .family = AF_INET, .lport = 1, .rport = 2
	};

	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	inet_pton(AF_INET6, "fe80::1", &v6.sin6_addr);
	memcpy(fd.raddr, &v4.sin_addr, 4);
	begin(WATCH_CALL, 7, "curl");
	set_call("connect", -111);
	part(WATCH_P_FD, 0, 0, &fd, sizeof(fd));
	part(WATCH_P_ADDR, 1, 0, &v4, sizeof(v4));
	check_round(b);
	assert_non_null(strstr(line, "\"addr1\":\"10.1.2.3:443\""));
	assert_non_null(strstr(line, "\"remote\":\"10.1.2.3:2\""));
	begin(WATCH_CALL, 7, "curl");
	set_call("connect", 0);
	fd.family = AF_INET6;
	memcpy(fd.laddr, &v6.sin6_addr, 16);
	part(WATCH_P_FD, 0, 0, &fd, sizeof(fd));
	part(WATCH_P_ADDR, 1, 0, &v6, sizeof(v6));
	check_round(b);
	assert_non_null(strstr(line, "\"addr1\":\"[fe80::1]:53\""));
	begin(WATCH_CALL, 7, "curl");
	set_call("connect", 0);
	part(WATCH_P_ADDR, 1, 0, &un, 2 + 9);
	part(WATCH_P_ADDR, 4, 0, "\x10\0x", 3);
	check_round(b);
	assert_non_null(
		strstr(line, "\"addr1\":\"unix:\\u0000abstract\",\"addr4\":\"hex:100078\""));
}

static void signals(struct both *b)
{
	const uint32_t to[] = { 7, UINT32_MAX };

	begin(WATCH_CALL, 7, "bash");
	set_call("kill", 0);
	part(WATCH_P_SIGNALLED, 1, 0, to, sizeof(to));
	check_round(b);
	assert_non_null(strstr(line, "\"signalled1\":[7,4294967295]"));
	begin(WATCH_CALL, 7, "bash");
	set_call("kill", 0);
	part(WATCH_P_SIGNALLED, 1, 0, to, 0);
	check_round(b);
	assert_non_null(strstr(line, "\"signalled1\":[]"));
}

static void round_trip(void **state)
{
	struct both b = { capture_processes_new(), capture_processes_new() };
	struct watch_proc facts = { .ppid = 1, .mnt_ns = ~0u, .exe_ctime = UINT64_MAX, .layer = 2 };
	struct watch_fd fd = { .fd = -1, .mode = 0100644, .ino = 1ull << 40, .flags = 02 };
	char file[sizeof(fd) + 11];

	(void)state;
	begin(WATCH_EXEC, 7, "sh");
	made.rec.uid = 33;
	made.rec.cap_effective = UINT64_MAX;
	made.rec.parts = 5;
	part(WATCH_P_PROC, 0, 0, &facts, sizeof(facts));
	part(WATCH_P_ARGV, 0, 0, "sh\0-c\0\xff\0", 8);
	part(WATCH_P_ENVP, 0, 0, "A=1\0B=cut", 9);
	part(WATCH_P_EXE, 0, 16, "/bin/sh", 7);
	part(WATCH_P_CWD, 0, 0, "", 0);
	part(WATCH_P_CGROUP, 0, 0, "/", 1);
	check_round(&b);
	assert_non_null(strstr(line, "\"argv\":[\"sh\",\"-c\",\""));
	assert_non_null(strstr(line, "\"exe_flags\":16"));
	memcpy(file, &fd, sizeof(fd));
	memcpy(file + sizeof(fd), "/etc/shadow", 11);
	begin(WATCH_CALL, 7, "sh");
	made.rec.uid = 33;
	made.rec.cap_effective = UINT64_MAX;
	made.rec.arg[0] = (uint64_t)-100;
	made.rec.arg[2] = UINT64_MAX >> 1;
	set_call("openat", 3);
	part(WATCH_P_PATH, 1, 0, "../\"\\\n\x01\xc3\xa4\x80", 10);
	part(WATCH_P_BASE, 1, 0, "/srv", 4);
	part(WATCH_P_FD, WATCH_RET, 8, file, sizeof(file));
	check_round(&b);
	/* What is as before is not said again. */
	assert_null(strstr(line, "\"uid\""));
	assert_null(strstr(line, "\"comm\""));
	assert_non_null(strstr(line, "\"args\":[-100,0,9223372036854775807]"));
	begin(WATCH_FORK, 8, "sh");
	made.rec.arg[0] = 7;
	made.rec.vpid = 2;
	check_round(&b);
	sockets(&b);
	signals(&b);
	begin(WATCH_CALL, 8, "");
	made.rec.tid = 9;
	made.rec.nr = 511;
	part(WATCH_P_DATA, 1, 0, "a\0b", 3);
	check_round(&b);
	begin(WATCH_CALL, 8, "");
	made.rec.uring = WATCH_URING | WATCH_URING_DIRECT;
	set_call("openat2", 0);
	check_round(&b);
	assert_non_null(strstr(line, "\"uring\":3"));
	begin(WATCH_EXIT, 8, "x");
	check_round(&b);
	assert_null(strstr(line, "uring"));
	capture_processes_free(b.out);
	capture_processes_free(b.in);
}

/* Any bytes in any part. */
static void random_records(void **state)
{
	static const unsigned kinds[] = { WATCH_P_PATH, WATCH_P_TEXT, WATCH_P_DATA, WATCH_P_ARGV,
					  WATCH_P_CWD };
	struct both b = { capture_processes_new(), capture_processes_new() };

	(void)state;
	srand(5);
	for (int i = 0; i < 2000; i++) {
		struct watch_rec *r = begin(WATCH_CALL + (unsigned)rand() % 4,
					    (uint32_t)rand() % 20, "");
		unsigned kind = kinds[(unsigned)rand() % ARRAY_SIZE(kinds)];
		char bytes[300];
		size_t len = (size_t)rand() % sizeof(bytes);

		if (r->kind == WATCH_CALL)
			set_call("write", rand() - RAND_MAX / 2);
		r->tty = (uint32_t)rand() % 3;
		r->cap_permitted = (uint64_t)rand() << 33;
		for (size_t k = 0; k < len; k++)
			bytes[k] = (char)rand();
		if (kind == WATCH_P_ARGV && len && !bytes[len - 1])
			len--;
		part(kind, kind == WATCH_P_CWD || kind == WATCH_P_ARGV ? 0 : (unsigned)rand() % 6,
		     0, bytes, len);
		check_round(&b);
	}
	capture_processes_free(b.out);
	capture_processes_free(b.in);
}

/* ---- files */

struct seen {
	unsigned records, facts;
	char last[256]; /* a field of the last event */
};

/* Reads all of the file; what the reader said at last. */
static int replay(struct seen *s, const char *field, struct err *e)
{
	struct enrich_options o = { .outside.offline = true };
	struct enrich *en = enrich_new(&o);
	cleanup_capture struct capture_reader *r = NULL;
	struct capture_item item;
	int err = capture_open(&r, path, e);

	*s = (struct seen){ 0 };
	while (err >= 0 && (err = capture_next(r, &item, e)) > 0) {
		const struct event *ev;
		struct ev_values v = { 0 };
		struct ev_ref ref;

		if (item.what == CAPTURE_FACT) {
			s->facts++;
			err = enrich_fact(en, item.name, item.doc, e);
			continue;
		}
		s->records++;
		ev = enrich_record(en, item.rec, capture_boot(r));
		if (field && ev &&
		    ev_ref_parse(NULL, (struct ev_text){ field, strlen(field) },
				 (struct ev_text){ 0 }, &ref) == EV_REF_OK &&
		    ev->ops->read(ev, &ref, &v))
			snprintf(s->last, sizeof(s->last), "%.*s", (int)v.v->s.len, v.v->s.p);
	}
	enrich_free(en);
	return err;
}

static void facts(void **state)
{
	static const char text[] = HEAD
		"{\"container\":{\"id\":\"" ID "\",\"name\":\"web\",\"image\":\"nginx:1\","
		"\"privileged\":true,\"labels\":{\"a\":\"b\"},\"mounts\":[{\"dest\":\"/srv\"}]}}\n"
		"\n"
		"{\"process\":{\"pid\":5,\"start\":9,\"comm\":\"web\",\"exe\":\"/bin/web\","
		"\"argv\":[\"web\",\"-d\"],\"cgroup\":\"/docker/" ID
		"\",\"proc\":{\"mnt_ns\":3}}}\n"
		"{\"user\":{\"uid\":4,\"mnt_ns\":3,\"name\":\"old\"}}\n"
		"{\"user\":{\"uid\":4,\"mnt_ns\":3,\"name\":\"wwwrun\"}}\n"
		"{\"group\":{\"gid\":0,\"name\":\"wheel\"}}\n"
		"{\"kind\":\"fork\",\"time\":10,\"pid\":6,\"args\":[5],\"uid\":4}\n"
		"{\"call\":\"openat\",\"time\":11,\"pid\":6,\"ret\":3,\"path1\":\"/x\"}\n"
		"{\"end\":{\"lost\":3}}\n";
	static const struct {
		const char *field, *value;
	} rows[] = {
		{ "container.name", "web" },
		{ "container.image", "nginx:1" },
		{ "proc.exepath", "/bin/web" },
		{ "proc.cmdline", "web -d" },
		{ "proc.pname", "web" },
		{ "user.name", "wwwrun" },
		{ "fd.name", "/x" },
		{ "container.mounts", ":/srv::false:" },
	};
	struct seen s;
	struct err e;

	(void)state;
	write_text(text);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (replay(&s, rows[i].field, &e) < 0)
			fail_msg("%s", e.msg);
		assert_string_equal(s.last, rows[i].value);
		assert_int_equal(s.records, 2);
		assert_int_equal(s.facts, 5);
	}
}

static void wrong_files(void **state)
{
	static const struct {
		const char *text, *message; /* behind the path */
	} rows[] = {
		{ "", ":1:1: the file is empty" },
		{ "{}\n", ":1:1: /: the member \"format\" is missing" },
		{ "{\"format\":\"x\"}\n", ":1:11: /format: expected boltseal.capture/1" },
		{ HEAD "[]\n", ":2:1: /: expected an object" },
		{ HEAD "{\"call\":\"openat\",", ":2:18: not valid JSON" },
		{ HEAD "\n{\"call\":\"openat\",\"time\":1}\n", ":3:1: /: the member \"pid\" is" },
		{ HEAD "{\"call\":\"nothing\",\"time\":1,\"pid\":1}\n", ":2:9: /call: " },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":4194305}\n", ":2:31: /pid: " },
		{ HEAD "{\"process\":{\"pid\":4194305}}\n", ":2:19: /process/pid: " },
		{ HEAD "{\"kind\":\"x\",\"time\":1,\"pid\":1}\n", ":2:9: /kind: expected exec" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"uid\":4294967296}\n",
		  ":2:39: /uid: expected a number of 32 bits" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"path9\":\"\"}\n",
		  ":2:41: /path9: there is no such member" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"path1\":7}\n",
		  ":2:41: /path1: expected a string" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"fd0\":{\"x\":7}}\n",
		  ":2:44: /fd0/x: there is no such member" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"addr1\":\"1.2.3:4\"}\n",
		  ":2:41: /addr1: expected ADDRESS:PORT" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"signalled1\":7}\n",
		  ":2:46: /signalled1: expected an array" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"signalled1\":[1,4294967296]}\n",
		  ":2:49: /signalled1/1: " },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"comm\":\"0123456789abcdef\"}\n",
		  ":2:40: /comm: expected 15 bytes" },
		{ HEAD "{\"kind\":\"exit\",\"time\":1,\"pid\":1,\"args\":[1,2,3,4,5,6,7]}\n",
		  ":2:40: /args: expected 6 numbers" },
		{ HEAD "{\"process\":{\"pid\":1,\"x\":1}}\n", ":2:25: /process/x: there is no" },
		{ HEAD "{\"container\":{\"id\":\"12\"}}\n", ":2:20: /container/id: expected 64" },
		{ HEAD "{\"weather\":{}}\n", ":2:12: /weather: expected process" },
		{ HEAD "{\"end\":{\"records\":3}}\n", ":2:8: /end: expected 3 records" },
		{ HEAD "{\"end\":{}}\n{\"note\":1}\n", ":3:1: /: expected nothing behind" },
		{ "{\"format\":\"boltseal.capture/1\",\"ends\":true}\n{\"note\":1}\n",
		  ":3:1: the capture is cut" },
	};
	struct seen s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_text(rows[i].text);
		if (replay(&s, NULL, &e) >= 0)
			fail_msg("%s was read", rows[i].text);
		if (strncmp(e.msg, path, strlen(path)) != 0 ||
		    strncmp(e.msg + strlen(path), rows[i].message, strlen(rows[i].message)) != 0)
			fail_msg("%s: %s, expected %s", rows[i].text, e.msg, rows[i].message);
	}
}

static void write_and_read(void **state)
{
	struct capture_writer *w;
	struct seen s;
	struct err e;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(capture_create(&w, path, O_TRUNC, "node", 5, &e), 0);
		assert_int_equal(capture_put_fact(w, "{\"process\":{\"pid\":5,\"start\":55}}", &e),
				 0);
		begin(WATCH_CALL, 5, "cat");
		set_call("openat", -2);
		part(WATCH_P_PATH, 1, 0, "/etc/shadow", 11);
		assert_int_equal(capture_put(w, &made.rec, &e), 0);
		assert_int_equal(capture_put_clock(w, 6, &e), 0);
		assert_int_equal(capture_flush(w, &e), 0);
		if (!pass)
			assert_int_equal(capture_end(w, 0, &e), 0);
		capture_writer_free(w);
		assert_int_equal(replay(&s, "fd.name", &e), pass ? -EPIPE : 0);
		assert_int_equal(s.records, 1);
		assert_string_equal(s.last, "/etc/shadow");
	}
}

static void disk_full(void **state)
{
	struct capture_writer *w;
	struct err e;
	int err = 0;

	(void)state;
	assert_int_equal(capture_create(&w, "/dev/full", O_TRUNC, "node", 5, &e), 0);
	for (int i = 0; i < 100000 && err == 0; i++) {
		begin(WATCH_CALL, 5, "cat");
		err = capture_put(w, &made.rec, &e);
	}
	assert_int_equal(err, -ENOSPC);
	assert_string_equal(e.msg, "/dev/full: the capture ends here: No space left on device");
	assert_int_equal(capture_put(w, &made.rec, &e), 0);
	assert_int_equal(capture_end(w, 0, &e), 0);
	capture_writer_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	  cmocka_unit_test(random_records),
		cmocka_unit_test(facts),	  cmocka_unit_test(wrong_files),
		cmocka_unit_test(write_and_read), cmocka_unit_test(disk_full),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
