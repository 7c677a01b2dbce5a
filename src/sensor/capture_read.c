#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "sensor/capture.h"
#include "sensor/capture_line.h"

/* A line has the parts of one record, and a byte of them takes six at most ("\u0000"). */
enum { CHUNK = 256 * 1024, LINE_MAX_BYTES = 1024 * 1024 };

struct capture_reader {
	gzFile file;
	char *path;
	struct buf in; /* what was read, from `at` on not yet used */
	size_t at;
	bool eof, ends, ended;
	const char *why; /* the file cannot be read beyond what `in` has */
	unsigned line;
	struct capture_processes *processes;
	struct json_doc doc;
	struct capture_rec rec;
	char *hostname;
	uint64_t boot, lost, records;
};

static int fill(struct capture_reader *r, struct err *e)
{
	char *chunk;
	int n, code;

	if (r->at) {
		memmove(r->in.p, r->in.p + r->at, r->in.len - r->at);
		r->in.len -= r->at;
		r->at = 0;
	}
	if (r->in.len > LINE_MAX_BYTES)
		return err_set(e, EFBIG, "%s:%u:1: the line is longer than %d bytes", r->path,
			       r->line + 1, LINE_MAX_BYTES);
	chunk = xcalloc(1, CHUNK);
	n = gzread(r->file, chunk, CHUNK);
	if (n > 0)
		buf_append(&r->in, chunk, (size_t)n);
	free(chunk);
	if (n == CHUNK)
		return 0;
	r->eof = true; /* or what is as good: the lines before the damage count */
	r->why = gzerror(r->file, &code);
	if (code == Z_ERRNO)
		r->why = strerror(errno);
	else if (code == Z_OK)
		r->why = NULL;
	return 0;
}

/* The next line that is not blank: 1, 0 at the end of the file. */
static int find_line(struct capture_reader *r, const char **begin, const char **end, struct err *e)
{
	do {
		*begin = buf_str(&r->in) + r->at;
		*end = memchr(*begin, '\n', r->in.len - r->at);
		if (!*end && !r->eof) {
			int err = fill(r, e);

			if (err < 0)
				return err;
			continue;
		}
		if (!*end && r->why)
			return err_set(e, EIO, "%s:%u:1: cannot be read beyond this line: %s",
				       r->path, r->line + 1, r->why);
		if (!*end && r->at == r->in.len)
			return 0;
		if (!*end)
			*end = buf_str(&r->in) + r->in.len;
		r->line++;
		r->at = (size_t)(*end - buf_str(&r->in)) + (**end == '\n');
	} while (!*end || *begin + strspn(*begin, " \t\r") >= *end);
	return 1;
}

/* The next line into r->doc: 1, 0 at the end of the file. */
static int next_line(struct capture_reader *r, struct err *e)
{
	const char *begin, *end;
	int err = find_line(r, &begin, &end, e);

	json_doc_free(&r->doc);
	if (err <= 0)
		return err;
	err = json_parse_line(&r->doc, r->path, r->line, begin, (size_t)(end - begin), e);
	if (err < 0)
		return err;
	if (!json_object_is_type(r->doc.root, json_type_object))
		return json_err(&r->doc, NULL, e, EINVAL, "expected an object, found %s",
				json_type_word(r->doc.root));
	return 1;
}

static int read_head(struct capture_reader *r, struct err *e)
{
	const char *format = NULL, *hostname = "";
	int err = next_line(r, e);

	if (err == 0)
		return err_set(e, EINVAL, "%s:1:1: the file is empty", r->path);
	if (err < 0)
		return err;
	err = json_get_str(&r->doc, NULL, r->doc.root, "format", true, &format, e);
	if (err < 0)
		return err;
	if (strcmp(format, "boltseal.capture/1") != 0)
		return json_err(&r->doc, &(struct json_path){ NULL, "format", 0 }, e, EINVAL,
				"expected boltseal.capture/1");
	err = json_get_str(&r->doc, NULL, r->doc.root, "hostname", false, &hostname, e);
	if (err == 0)
		err = json_get_u64(&r->doc, NULL, r->doc.root, "boot", false, INT64_MAX, &r->boot,
				   e);
	if (err == 0)
		err = json_get_bool(&r->doc, NULL, r->doc.root, "ends", false, &r->ends, e);
	r->hostname = xstrdup(hostname);
	return err;
}

int capture_open(struct capture_reader **out, const char *path, struct err *e)
{
	bool input = !strcmp(path, "-");
	int fd = input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC), err;
	struct capture_reader *r;

	if (fd < 0)
		return err_errno(e, errno, "cannot read %s", path);
	r = xcalloc(1, sizeof(*r));
	r->path = xstrdup(input ? "standard input" : path);
	r->processes = capture_processes_new();
	r->file = gzdopen(fd, "rb");
	if (!r->file)
		mem_exhausted();
	gzbuffer(r->file, CHUNK);
	err = read_head(r, e);
	if (err < 0) {
		capture_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void capture_close(struct capture_reader *r)
{
	if (!r)
		return;
	gzclose(r->file);
	capture_processes_free(r->processes);
	json_doc_free(&r->doc);
	buf_free(&r->in);
	free(r->hostname);
	free(r->path);
	free(r);
}

static int read_end(struct capture_reader *r, struct json_object *o, struct err *e)
{
	struct json_path at = { NULL, "end", 0 };
	uint64_t records = r->records;
	int err;

	if (!json_object_is_type(o, json_type_object))
		return json_err(&r->doc, &at, e, EINVAL, "expected an object");
	err = json_get_u64(&r->doc, &at, o, "records", false, UINT64_MAX, &records, e);
	if (err == 0)
		err = json_get_u64(&r->doc, &at, o, "lost", false, UINT64_MAX, &r->lost, e);
	if (err == 0 && records != r->records)
		err = json_err(&r->doc, &at, e, EINVAL,
			       "expected %" PRIu64 " records, the file has %" PRIu64, records,
			       r->records);
	r->ended = true;
	return err;
}

/* Lines with one member. */
static int read_other(struct capture_reader *r, struct capture_item *item, struct err *e)
{
	struct json_object_iterator it = json_object_iter_begin(r->doc.root);
	const char *name;

	if (json_object_object_length(r->doc.root) != 1)
		return json_err(&r->doc, NULL, e, EINVAL,
				"expected a record (call or kind), or one member");
	name = json_object_iter_peek_name(&it);
	if (!strcmp(name, "note"))
		return 0;
	if (!strcmp(name, "clock"))
		return json_get_u64(&r->doc, NULL, r->doc.root, name, true, INT64_MAX, &r->boot, e);
	if (!strcmp(name, "end"))
		return read_end(r, json_object_iter_peek_value(&it), e);
	if (!strcmp(name, "process"))
		capture_line_process(r->processes, &r->doc);
	*item = (struct capture_item){ .what = CAPTURE_FACT, .name = name, .doc = &r->doc };
	return 0;
}

static int read_item(struct capture_reader *r, struct capture_item *item, struct err *e)
{
	int err;

	if (r->ended)
		return json_err(&r->doc, NULL, e, EINVAL, "expected nothing behind the last line");
	if (!capture_line_is_record(&r->doc))
		return read_other(r, item, e);
	err = capture_line_get(r->processes, &r->doc, &r->rec, e);
	if (err < 0)
		return err;
	r->records++;
	*item = (struct capture_item){ .what = CAPTURE_RECORD, .rec = &r->rec.rec };
	return 0;
}

int capture_next(struct capture_reader *r, struct capture_item *item, struct err *e)
{
	int err;

	*item = (struct capture_item){ .what = CAPTURE_NOTHING };
	while (item->what == CAPTURE_NOTHING) {
		err = next_line(r, e);
		if (err == 0 && r->ends && !r->ended)
			return err_set(e, EPIPE,
				       "%s:%u:1: the capture is cut: its last line is missing",
				       r->path, r->line + 1);
		if (err <= 0)
			return err;
		err = read_item(r, item, e);
		if (err < 0)
			return err;
	}
	return 1;
}

const char *capture_hostname(const struct capture_reader *r)
{
	return r->hostname;
}

uint64_t capture_boot(const struct capture_reader *r)
{
	return r->boot;
}

uint64_t capture_lost(const struct capture_reader *r)
{
	return r->lost;
}
