#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "model/syscalls.h"
#include "sensor/capture.h"
#include "sensor/capture_line.h"

enum { BUFFER_BYTES = 256 * 1024 };

struct capture_writer {
	gzFile file; /* NULL: closed */
	char *path;
	struct capture_processes *processes;
	struct buf line;
	uint64_t records;
};

static int failed(struct capture_writer *w, struct err *e)
{
	int code = 0, saved = errno;
	const char *why = gzerror(w->file, &code); /* gone when the file is closed */
	int err = code == Z_ERRNO || code == Z_OK
			  ? err_errno(e, saved ? saved : EIO, "%s: the capture ends here", w->path)
			  : err_set(e, EIO, "%s: the capture ends here: %s", w->path, why);

	gzclose(w->file);
	w->file = NULL;
	return err;
}

/* The line in w->line. */
static int put_line(struct capture_writer *w, struct err *e)
{
	if (!w->file)
		return 0;
	buf_putc(&w->line, '\n');
	errno = 0;
	if (gzwrite(w->file, w->line.p, (unsigned)w->line.len) != (int)w->line.len)
		return failed(w, e);
	return 0;
}

static int put_head(struct capture_writer *w, const char *hostname, uint64_t boot, struct err *e)
{
	struct utsname u;

	buf_printf(&w->line, "{\"format\":\"boltseal.capture/1\",\"arch\":\"%s\",\"hostname\":",
		   sc_abi_name(sc_abi_native()));
	json_put_bytes(&w->line, hostname);
	buf_puts(&w->line, ",\"kernel\":");
	json_put_bytes(&w->line, uname(&u) == 0 ? u.release : "");
	buf_printf(&w->line, ",\"boot\":%" PRIu64 ",\"ends\":true}", boot);
	return put_line(w, e);
}

static bool wants_compression(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && !strcmp(path + len - 3, ".gz");
}

int capture_create(struct capture_writer **out, const char *path, int how, const char *hostname,
		   uint64_t boot, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | how | O_CLOEXEC, 0600), err;
	struct capture_writer *w;

	if (fd < 0)
		return err_errno(e, errno, "cannot write to %s", path);
	w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(path);
	w->processes = capture_processes_new();
	w->file = gzdopen(fd, wants_compression(path) ? "wb1" : "wbT");
	if (!w->file)
		mem_exhausted();
	gzbuffer(w->file, BUFFER_BYTES);
	err = put_head(w, hostname, boot, e);
	if (err < 0) {
		capture_writer_free(w);
		return err;
	}
	*out = w;
	return 0;
}

int capture_put(struct capture_writer *w, const struct watch_rec *rec, struct err *e)
{
	if (!w->file)
		return 0;
	w->line.len = 0;
	capture_line_put(w->processes, rec, &w->line);
	w->records++;
	return put_line(w, e);
}

int capture_put_fact(struct capture_writer *w, const char *json, struct err *e)
{
	static const char process[] = "{\"process\":";
	cleanup_json_doc struct json_doc d = { 0 };

	if (!strncmp(json, process, sizeof(process) - 1) &&
	    json_parse(&d, w->path, json, strlen(json), NULL) == 0)
		capture_line_process(w->processes, &d);
	w->line.len = 0;
	buf_puts(&w->line, json);
	return put_line(w, e);
}

int capture_put_clock(struct capture_writer *w, uint64_t boot, struct err *e)
{
	w->line.len = 0;
	buf_printf(&w->line, "{\"clock\":%" PRIu64 "}", boot);
	return put_line(w, e);
}

int capture_flush(struct capture_writer *w, struct err *e)
{
	errno = 0;
	if (w->file && gzflush(w->file, Z_SYNC_FLUSH) != Z_OK)
		return failed(w, e);
	return 0;
}

uint64_t capture_size(const struct capture_writer *w)
{
	z_off_t at = w->file ? gzoffset(w->file) : 0;

	return at < 0 ? 0 : (uint64_t)at;
}

int capture_end(struct capture_writer *w, uint64_t lost, struct err *e)
{
	int err;

	w->line.len = 0;
	buf_printf(&w->line, "{\"end\":{\"records\":%" PRIu64 ",\"lost\":%" PRIu64 "}}", w->records,
		   lost);
	err = put_line(w, e);
	if (err < 0 || !w->file)
		return err;
	errno = 0;
	err = gzclose(w->file);
	w->file = NULL;
	return err == Z_OK ? 0 : err_errno(e, errno ? errno : EIO, "cannot write to %s", w->path);
}

void capture_writer_free(struct capture_writer *w)
{
	if (!w)
		return;
	if (w->file)
		gzclose(w->file);
	capture_processes_free(w->processes);
	buf_free(&w->line);
	free(w->path);
	free(w);
}
