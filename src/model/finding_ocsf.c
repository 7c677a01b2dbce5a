#include "model/finding_ocsf.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* Numbers of the class and of the values that are used. */
enum {
	CATEGORY_FINDINGS = 2,
	CLASS_DETECTION = 2004,
	ACTIVITY_CREATE = 1,
	ACTIVITY_UPDATE = 2,
	STATUS_NEW = 1,
	ANALYTIC_RULE = 1,
	FILE_REGULAR = 1,
	DEVICE_UNKNOWN = 0,
};

static void comma(struct buf *b)
{
	if (b->len && !strchr("{[", b->p[b->len - 1]))
		buf_putc(b, ',');
}

static void open_object(struct buf *b, const char *key)
{
	comma(b);
	buf_printf(b, "\"%s\":{", key);
}

static void text(struct buf *b, const char *key, const char *s)
{
	if (!s)
		return;
	comma(b);
	buf_printf(b, "\"%s\":", key);
	json_put_bytes(b, s);
}

static void number(struct buf *b, const char *key, uint64_t v)
{
	comma(b);
	buf_printf(b, "\"%s\":%" PRIu64, key, v);
}

static void when(struct buf *b, const char *key, uint64_t ns)
{
	number(b, key, ns / 1000000);
}

/* 1 Informational … 5 Critical. */
static unsigned severity_id(unsigned severity)
{
	static const unsigned lowest[] = { 90, 70, 40, 10 };

	for (unsigned i = 0; i < ARRAY_SIZE(lowest); i++)
		if (severity >= lowest[i])
			return 5 - i;
	return 1;
}

static void put_metadata(struct buf *b, const struct finding *f)
{
	open_object(b, "metadata");
	text(b, "version", "1.5.0");
	text(b, "uid", f->id);
	open_object(b, "product");
	text(b, "name", "boltseal");
	text(b, "vendor_name", "boltseal");
	text(b, "version", BOLTSEAL_VERSION);
	buf_puts(b, "}}");
}

/* T1552.001 is a part of T1552, and named in both forms. */
static void put_attacks(struct buf *b, const char *technique)
{
	size_t main = strcspn(technique, ".");

	buf_puts(b, ",\"attacks\":[{\"technique\":{\"uid\":\"");
	buf_append(b, technique, main);
	buf_puts(b, "\"}");
	if (technique[main]) {
		open_object(b, "sub_technique");
		text(b, "uid", technique);
		buf_putc(b, '}');
	}
	buf_puts(b, "}]");
}

static void put_info(struct buf *b, const struct finding *f)
{
	open_object(b, "finding_info");
	text(b, "uid", f->id);
	text(b, "title", f->title);
	text(b, "desc", f->description);
	buf_puts(b, ",\"types\":[");
	json_put_bytes(b, f->type);
	buf_putc(b, ']');
	when(b, "created_time", f->first_seen);
	when(b, "modified_time", f->last_seen);
	when(b, "first_seen_time", f->first_seen);
	when(b, "last_seen_time", f->last_seen);
	open_object(b, "analytic");
	text(b, "name", f->rule);
	number(b, "type_id", ANALYTIC_RULE);
	buf_putc(b, '}');
	if (f->technique)
		put_attacks(b, f->technique);
	buf_putc(b, '}');
}

static void put_process_members(struct buf *b, const struct finding_process *p)
{
	const char *slash = p->exe ? strrchr(p->exe, '/') : NULL;

	number(b, "pid", p->pid);
	text(b, "name", p->name);
	text(b, "cmd_line", p->cmdline);
	if (!p->exe)
		return;
	open_object(b, "file");
	text(b, "name", slash && slash[1] ? slash + 1 : p->exe);
	text(b, "path", p->exe);
	number(b, "type_id", FILE_REGULAR);
	buf_putc(b, '}');
}

static void put_process(struct buf *b, const struct finding *f)
{
	open_object(b, "process");
	put_process_members(b, &f->process);
	if (f->user || f->uid >= 0) {
		open_object(b, "user");
		text(b, "name", f->user);
		if (f->uid >= 0) {
			comma(b);
			buf_printf(b, "\"uid\":\"%" PRId64 "\"", f->uid);
		}
		buf_putc(b, '}');
	}
	/* The parent, in it its parent, and so on. */
	for (size_t i = 0; i < f->lineage_n; i++) {
		open_object(b, "parent_process");
		put_process_members(b, &f->lineage[i]);
	}
	for (size_t i = 0; i < f->lineage_n; i++)
		buf_putc(b, '}');
	buf_putc(b, '}');
}

static void put_container(struct buf *b, const struct finding *f)
{
	open_object(b, "container");
	text(b, "uid", f->container.id);
	text(b, "name", f->container.name);
	if (f->container.image) {
		open_object(b, "image");
		text(b, "uid", f->container.image);
		text(b, "name", f->container.image);
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
}

static void put_pod(struct buf *b, const struct finding *f)
{
	cleanup_buf struct buf uid = { 0 };

	if (!f->container.pod)
		return;
	buf_printf(&uid, "%s%s%s", f->container.namespace ? f->container.namespace : "",
		   f->container.namespace ? "/" : "", f->container.pod);
	buf_puts(b, ",\"resources\":[{\"type\":\"Pod\"");
	text(b, "uid", buf_str(&uid));
	text(b, "name", f->container.pod);
	text(b, "namespace", f->container.namespace);
	buf_puts(b, "}]");
}

void finding_write_ocsf(const struct finding *f, struct buf *b)
{
	unsigned activity = f->count > 1 ? ACTIVITY_UPDATE : ACTIVITY_CREATE;

	buf_putc(b, '{');
	number(b, "category_uid", CATEGORY_FINDINGS);
	number(b, "class_uid", CLASS_DETECTION);
	number(b, "activity_id", activity);
	number(b, "type_uid", CLASS_DETECTION * 100 + activity);
	number(b, "severity_id", severity_id(f->severity));
	number(b, "status_id", STATUS_NEW);
	buf_puts(b, ",\"is_alert\":true");
	when(b, "time", f->last_seen);
	when(b, "start_time", f->first_seen);
	when(b, "end_time", f->last_seen);
	number(b, "count", f->count);
	text(b, "message", f->output ? f->output : f->title);
	put_metadata(b, f);
	put_info(b, f);
	buf_puts(b, ",\"evidences\":[{");
	put_process(b, f);
	if (f->container.id)
		put_container(b, f);
	buf_puts(b, "}]");
	put_pod(b, f);
	if (f->hostname) {
		open_object(b, "device");
		text(b, "hostname", f->hostname);
		number(b, "type_id", DEVICE_UNKNOWN);
		buf_putc(b, '}');
	}
	if (f->remedy) {
		open_object(b, "remediation");
		text(b, "desc", f->remedy);
		buf_putc(b, '}');
	}
	if (f->evidence)
		buf_printf(b, ",\"unmapped\":%s", f->evidence);
	buf_putc(b, '}');
}
