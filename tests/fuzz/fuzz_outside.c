/*
 * What containers and engines write, and enrichment reads of the host: /proc, /etc/passwd and
 * /etc/group, an engine's files. The bytes are those files, with a line "==" between them; what is
 * told of them is taken in by somebody else, who then tells the same.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "bpf/watch_rec.h"
#include "enrich/enrich.h"
#include "enrich/facts.h"
#include "fuzz.h"
#include "fuzz_fields.h"
#include "model/syscalls.h"

enum { PID = 50, LINE_MAX_BYTES = 1024 * 1024 };

/* Ends of paths: the first file of the input is the first one here. Several have the same. */
static const char *const ends[] = { "/stat",
				    "/status",
				    "/cgroup",
				    "/cmdline",
				    "/environ",
				    "/passwd",
				    "/group",
				    "/config.v2.json",
				    "/hostconfig.json",
				    "/config.json",
				    "/containers.json",
				    "/images.json",
				    "/exe",
				    "/cwd",
				    "/mnt",
				    "/repositories.json" };
static const char between[] = "\n==\n";

struct host {
	const char *file[ARRAY_SIZE(ends)];
	size_t len[ARRAY_SIZE(ends)];
};

static void cut(struct host *h, const char *p, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(ends) && p; i++) {
		const char *end = memmem(p, size, between, sizeof(between) - 1);
		size_t len = end ? (size_t)(end - p) : size;

		h->file[i] = p;
		h->len[i] = len;
		p = end ? end + sizeof(between) - 1 : NULL;
		size -= end ? len + sizeof(between) - 1 : len;
	}
}

static int file_of(const struct host *h, const char *path)
{
	const char *end = strrchr(path, '/');

	for (size_t i = 0; end && i < ARRAY_SIZE(ends); i++)
		if (h->file[i] && !strcmp(end, ends[i]))
			return (int)i;
	return -1;
}

static int open_one(const char *path, int flags, void *host)
{
	const struct host *h = host;
	int i = file_of(h, path), fd;

	(void)flags;
	if (i < 0)
		return -ENOENT;
	fd = memfd_create("file", MFD_CLOEXEC);
	if (fd < 0 || write(fd, h->file[i], h->len[i]) != (ssize_t)h->len[i] ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

static ssize_t link_one(const char *path, char *target, size_t size, void *host)
{
	const struct host *h = host;
	int i = file_of(h, path);

	if (i < 0)
		return -ENOENT;
	if (h->len[i] < size)
		size = h->len[i];
	memcpy(target, h->file[i], size);
	return (ssize_t)size;
}

static int no_pids(uint32_t **pids, size_t *n, void *host)
{
	(void)host;
	*pids = NULL;
	*n = 0;
	return 0;
}

/* A line that was told has to be one that a capture can have, and that can be taken in. */
static void take(const char *json, void *other)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct err e;
	char name[16] = "";

	sscanf(json, "{\"%15[a-z]", name);
	if (strlen(json) > LINE_MAX_BYTES || strchr(json, '\n') ||
	    json_parse(&d, "line", json, strlen(json), &e) ||
	    (strcmp(name, "note") && enrich_fact(other, name, &d, &e)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host h = { 0 };
	struct enrich_options offline = { .outside.offline = true };
	struct enrich *other = enrich_new(&offline), *en;
	struct enrich_options o = { .places = { "/d", "/c", "/s", "/r" },
				    .outside = { .env = true,
						 .tell = take,
						 .ctx = other,
						 .open = open_one,
						 .link = link_one,
						 .pids = no_pids,
						 .opener = &h } };
	struct watch_rec rec = { .size = sizeof(rec),
				 .kind = WATCH_CALL,
				 .nr = (uint16_t)sc_nr(sc_abi_native(), "openat"),
				 .time = 1,
				 .pid = PID,
				 .tid = PID,
				 .uid = 1000,
				 .gid = 1000,
				 .loginuid = ~0u };

	cut(&h, (const char *)data, size);
	en = enrich_new(&o);
	fuzz_read_fields(enrich_record(en, &rec, 0));
	enrich_tell_known(en);
	enrich_free(en);
	enrich_free(other);
	return 0;
}
