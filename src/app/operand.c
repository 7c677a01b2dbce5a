#include "app/operand.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "profile/filter_file.h"

static void note_unknown(const struct operand *o)
{
	const char *p = buf_str(&o->unknown), *end;

	for (; (end = strchr(p, '\n')); p = end + 1)
		log_note("%s: '%.*s' is no system call and has no effect", o->name, (int)(end - p),
			 p);
}

void operand_profile_remarks(const char *name, const struct sp_profile *profile)
{
	cleanup_buf struct buf notes = { 0 };
	struct err e = { 0 };
	const char *p, *end;

	if (sp_check(profile, &e) < 0)
		log_note("%s: %s", name, e.msg);
	sp_remarks(profile, &notes);
	for (p = buf_str(&notes); (end = strchr(p, '\n')); p = end + 1)
		log_note("%s: %.*s", name, (int)(end - p), p);
}

void operand_remarks(const struct operand *o)
{
	if (o->kind == OPERAND_PROFILE)
		operand_profile_remarks(o->name, &o->profile);
}

static int load_process(struct operand *o, const char *number, struct err *e)
{
	cleanup_process_filters struct process_filters f = { 0 };
	char *end;
	long pid;
	int r;

	errno = 0;
	pid = strtol(number, &end, 10);
	if (*number < '0' || *number > '9' || *end || errno || pid < 1 || pid > INT32_MAX)
		return err_set(e, EINVAL, "'%s' is no process; expected pid: and a number",
			       o->name);
	o->kind = OPERAND_PROCESS;
	r = process_filters_read((pid_t)pid, &f, e);
	if (r < 0)
		return r;
	o->filters = xcalloc(f.n + 1, sizeof(*o->filters));
	for (size_t i = 0; i < f.n; i++) {
		o->filters[i] = (struct sp_filter){ f.filter[i].insn, f.filter[i].n };
		f.filter[i].insn = NULL;
	}
	o->filters_n = f.n;
	return 0;
}

static bool is_model(const struct json_doc *d)
{
	struct json_object *v = NULL;

	return json_object_is_type(d->root, json_type_object) &&
	       json_object_object_get_ex(d->root, "format", &v);
}

static int load_json(struct operand *o, const struct sp_host *h, const struct buf *text,
		     struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int r = json_parse(&d, o->name, text->p, text->len, e);

	if (r < 0)
		return r;
	if (is_model(&d)) {
		o->kind = OPERAND_MODEL;
		return wl_read(&o->model, &d, e);
	}
	if (text->len > SP_MAX_BYTES)
		return err_set(e, EFBIG, "%s: more than %d bytes, too large for a profile", o->name,
			       SP_MAX_BYTES);
	o->kind = OPERAND_PROFILE;
	r = sp_read(&o->profile, &d, h, &o->unknown, e);
	if (r == 0)
		note_unknown(o);
	return r;
}

static bool looks_like_json(const struct buf *text)
{
	size_t i = strspn(buf_str(text), " \t\r\n\xef\xbb\xbf"); /* also behind a byte order mark */

	return text->len && (text->p[i] == '{' || text->p[i] == '[');
}

static int load_file(struct operand *o, const char *path, const struct sp_host *h, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int r = io_read_file(path, WL_MAX_BYTES, &text, e);

	if (r < 0)
		return r;
	if (looks_like_json(&text))
		return load_json(o, h, &text, e);
	o->kind = OPERAND_FILTER;
	o->filters = xcalloc(1, sizeof(*o->filters));
	r = sp_filter_read(o->filters, o->name, buf_str(&text), text.len, e);
	o->filters_n = r == 0;
	return r;
}

int operand_load(struct operand *o, const char *spec, const struct sp_host *h, struct err *e)
{
	*o = (struct operand){ .name = xstrdup(strcmp(spec, "-") ? spec : "standard input") };
	sp_init(&o->profile);
	wl_init(&o->model);
	if (!strncmp(spec, "pid:", 4))
		return load_process(o, spec + 4, e);
	return load_file(o, spec, h, e);
}

void operand_free(struct operand *o)
{
	for (size_t i = 0; i < o->filters_n; i++)
		sp_filter_free(&o->filters[i]);
	free(o->filters);
	free(o->name);
	sp_free(&o->profile);
	wl_free(&o->model);
	buf_free(&o->unknown);
}

struct sp_operand operand_of(const struct operand *o)
{
	return (struct sp_operand){
		.name = o->name,
		.profile = o->kind == OPERAND_PROFILE ? &o->profile : NULL,
		.filters = o->filters,
		.filters_n = o->filters_n,
	};
}

const char *operand_kind_name(enum operand_kind kind)
{
	static const char *const names[] = { "a profile", "a filter", "the filters of a process",
					     "a workload model" };

	return names[kind];
}

int operand_bad_arch(struct operand *o, const char *action, struct err *e)
{
	if (!action)
		return 0;
	for (unsigned i = 0; i < SP_ACTION_COUNT; i++) {
		const char *name = sp_action_name((enum sp_action)i) + strlen("SCMP_ACT_");

		if (!strcasecmp(action, name) && !sp_action_takes_data((enum sp_action)i)) {
			o->profile.bad_arch = (struct sp_ret){ (enum sp_action)i, 0 };
			return 0;
		}
	}
	return err_set(e, EINVAL,
		       "--bad-arch: '%s' is no action, expected kill_process or kill_thread",
		       action);
}
