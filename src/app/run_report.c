#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/run.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"

enum { TEXT_SAMPLES = 3 }; /* argument values shown per line of the text report */

/* A call as seccomp sees it, with what the tables know of it. */
struct call {
	int abi; /* -1 unknown */
	uint32_t nr;
	const struct sc_desc *desc; /* NULL unknown */
	char name[64];
	char abi_name[24];
};

static struct call call_of(uint32_t audit_arch, uint32_t nr)
{
	struct call c = { .nr = nr };

	c.abi = notify_abi(audit_arch, &c.nr);
	if (c.abi >= 0) {
		c.desc = sc_by_nr((enum sc_abi)c.abi, c.nr);
		snprintf(c.abi_name, sizeof(c.abi_name), "%s", sc_abi_name((enum sc_abi)c.abi));
	} else {
		snprintf(c.abi_name, sizeof(c.abi_name), "arch-%08x", audit_arch);
	}
	if (c.desc)
		snprintf(c.name, sizeof(c.name), "%s", c.desc->name);
	else
		snprintf(c.name, sizeof(c.name), "syscall-%u", c.nr);
	return c;
}

/* The i-th argument's name; NULL for one that the call does not have or whose value is not kept. */
static const char *argument_name(const struct call *c, unsigned i)
{
	static const char *const plain[6] = { "arg0", "arg1", "arg2", "arg3", "arg4", "arg5" };
	unsigned n = 0;
	const struct sc_arg *args;

	if (!c->desc)
		return plain[i];
	args = sc_args(c->desc, (enum sc_abi)c->abi, &n);
	return i < n && !sc_arg_is_pointer(args[i].kind) ? args[i].name : NULL;
}

/* The same for a terminal: no control character but the ends of lines gets there. */
static void put_bytes(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_putc(out, ((unsigned char)*s < 0x20 && *s != '\n') || *s == 0x7f ? '?' : *s);
}

/* "complete" means that every call the profile would deny is in the report. */
static bool complete(const struct run *r)
{
	return !r->end.unattended && !r->notify.lost;
}

static struct json_object *arguments_json(const struct call *c, const struct notify_entry *entry)
{
	struct json_object *list = json_object_new_array();

	for (unsigned s = 0; s < entry->samples_n; s++) {
		struct json_object *o = json_object_new_object(), *v = json_object_new_object();

		for (unsigned i = 0; i < 6; i++)
			if (argument_name(c, i))
				json_object_object_add(
					v, argument_name(c, i),
					json_object_new_uint64(entry->sample[s].value[i]));
		json_object_object_add(o, "values", v);
		json_object_object_add(o, "count", json_object_new_uint64(entry->sample[s].count));
		json_object_array_add(list, o);
	}
	return list;
}

static void add_call(struct json_object *o, const struct call *c)
{
	json_object_object_add(o, "abi", json_object_new_string(c->abi_name));
	json_object_object_add(o, "syscall", json_object_new_string(c->name));
	json_object_object_add(o, "nr", json_object_new_uint64(c->nr));
}

static struct json_object *entry_json(const struct notify_entry *entry)
{
	struct call c = call_of(entry->audit_arch, entry->nr);
	struct sp_ret ret = sp_ret_of_word(entry->action);
	struct json_object *o = json_object_new_object();

	add_call(o, &c);
	json_object_object_add(o, "action", json_object_new_string(sp_action_name(ret.action)));
	if (ret.action == SP_ERRNO)
		json_object_object_add(o, "errno", json_object_new_uint64(ret.data));
	json_object_object_add(o, "program", json_new_bytes(entry->program));
	json_object_object_add(o, "comm", json_new_bytes(entry->comm));
	json_object_object_add(o, "pid", json_object_new_int(entry->pid));
	json_object_object_add(o, "count", json_object_new_uint64(entry->count));
	json_object_object_add(o, "arguments", arguments_json(&c, entry));
	json_object_object_add(o, "other_arguments", json_object_new_uint64(entry->other_samples));
	return o;
}

static struct json_object *end_json(const struct run *r)
{
	struct json_object *o = json_object_new_object();
	const char *name = r->end.killed ? sigabbrev_np(r->end.value) : NULL;

	if (!r->end.killed) {
		json_object_object_add(o, "exit", json_object_new_int(r->end.value));
		return o;
	}
	if (name) {
		char full[32];

		snprintf(full, sizeof(full), "SIG%s", name);
		json_object_object_add(o, "signal", json_object_new_string(full));
	}
	json_object_object_add(o, "number", json_object_new_int(r->end.value));
	return o;
}

static struct json_object *landlock_json(const struct landlock_plan *p)
{
	struct json_object *o = json_object_new_object(), *notes = json_object_new_array();

	for (const char *at = buf_str(&p->notes); *at;) {
		size_t len = strcspn(at, "\n");
		cleanup_free char *line = strndup(at, len);

		json_object_array_add(notes, json_new_bytes(line ? line : ""));
		at += len + (at[len] == '\n');
	}
	json_object_object_add(o, "abi", json_object_new_int(p->abi));
	json_object_object_add(o, "rules", json_object_new_uint64(p->rules_n));
	json_object_object_add(o, "ports", json_object_new_uint64(p->ports_n));
	json_object_object_add(o, "widened", json_object_new_uint64(p->widened));
	json_object_object_add(o, "notes", notes);
	return o;
}

static struct json_object *command_json(const struct run *r)
{
	struct json_object *list = json_object_new_array();

	for (char **arg = r->argv; *arg; arg++)
		json_object_array_add(list, json_new_bytes(*arg));
	return list;
}

static void report_json(const struct run *r, struct buf *out)
{
	cleanup_json struct json_object *o = json_object_new_object();
	cleanup_free char *text = NULL;

	json_object_object_add(o, "format", json_object_new_string("boltseal.run/1"));
	json_object_object_add(o, "mode",
			       json_object_new_string(r->complain ? "complain" : "enforce"));
	if (r->profile_path)
		json_object_object_add(o, "profile", json_new_bytes(r->profile_path));
	json_object_object_add(o, "command", command_json(r));
	json_object_object_add(o, "end", end_json(r));
	json_object_object_add(o, "complete", json_object_new_boolean(complete(r)));
	if (r->complain) {
		struct json_object *list = json_object_new_array();

		for (size_t i = 0; i < r->notify.entries_n; i++)
			json_object_array_add(list, entry_json(&r->notify.entries[i]));
		json_object_object_add(o, "would_deny", list);
		json_object_object_add(o, "lost", json_object_new_uint64(r->notify.lost));
	}
	if (r->killer_known) {
		struct json_object *k = json_object_new_object();
		struct call c = call_of(r->killer_arch, r->killer_nr);

		add_call(k, &c);
		json_object_object_add(o, "killed_by", k);
	}
	if (r->landlock)
		json_object_object_add(o, "landlock", landlock_json(&r->plan));
	text = json_text(o);
	buf_puts(out, text);
}

static void action_text(uint32_t word, char *out, size_t size)
{
	struct sp_ret ret = sp_ret_of_word(word);
	const char *name = sp_action_name(ret.action) + strlen("SCMP_ACT_");
	const char *err = strerrorname_np(ret.data);

	if (ret.action != SP_ERRNO)
		snprintf(out, size, "%s", name);
	else if (err)
		snprintf(out, size, "%s %s", name, err);
	else
		snprintf(out, size, "%s %u", name, ret.data);
}

static void sample_text(const struct call *c, const struct notify_sample *s, struct buf *out)
{
	const char *sep = "";

	buf_printf(out, "%10s  %s(", "", c->name);
	for (unsigned i = 0; i < 6; i++) {
		const char *name = argument_name(c, i);

		if (!name)
			continue;
		buf_printf(out, "%s%s=%#llx", sep, name, (unsigned long long)s->value[i]);
		sep = ", ";
	}
	buf_printf(out, ") %llu time%s\n", (unsigned long long)s->count, s->count == 1 ? "" : "s");
}

static void entry_text(const struct notify_entry *entry, struct buf *out)
{
	struct call c = call_of(entry->audit_arch, entry->nr);
	char action[48];
	uint64_t rest = entry->other_samples;

	action_text(entry->action, action, sizeof(action));
	buf_printf(out, "%10llu  %-24s %-8s %-16s ", (unsigned long long)entry->count, c.name,
		   c.abi_name, action);
	put_bytes(out, entry->program[0] ? entry->program : entry->comm);
	buf_putc(out, '\n');
	if (argument_name(&c, 0) == NULL && argument_name(&c, 1) == NULL &&
	    argument_name(&c, 2) == NULL)
		return;
	for (unsigned i = 0; i < entry->samples_n; i++) {
		if (i < TEXT_SAMPLES)
			sample_text(&c, &entry->sample[i], out);
		else
			rest += entry->sample[i].count;
	}
	if (rest)
		buf_printf(out, "%10s  %llu times with other arguments\n", "",
			   (unsigned long long)rest);
}

static void complain_text(const struct run *r, struct buf *out)
{
	const struct notify *n = &r->notify;
	uint64_t calls = n->lost;

	for (size_t i = 0; i < n->entries_n; i++)
		calls += n->entries[i].count;
	if (!calls) {
		buf_printf(out, "%s would have denied nothing.\n", r->profile_path);
	} else {
		buf_printf(out, "%s would have denied %llu call%s:\n", r->profile_path,
			   (unsigned long long)calls, calls == 1 ? "" : "s");
		buf_printf(out, "%10s  %-24s %-8s %-16s %s\n", "COUNT", "SYSCALL", "ABI", "ACTION",
			   "PROGRAM");
	}
	for (size_t i = 0; i < n->entries_n; i++)
		entry_text(&n->entries[i], out);
	if (n->lost)
		buf_printf(out, "%10llu  calls more, beyond the %d entries that are kept\n",
			   (unsigned long long)n->lost, NOTIFY_MAX_ENTRIES);
	if (r->end.unattended)
		buf_puts(out,
			 "Incomplete: ended by a signal while processes were still running.\n");
}

static void killed_text(const struct run *r, struct buf *out)
{
	struct call c = call_of(r->killer_arch, r->killer_nr);

	if (r->killer_known)
		buf_printf(out, "%s was killed (SIGSYS): the profile forbids %s (%s, number %u)\n",
			   r->argv[0], c.name, c.abi_name, c.nr);
	else
		buf_printf(out,
			   "%s was killed by SIGSYS, with which seccomp stops forbidden calls; "
			   "--mode complain shows which they are\n",
			   r->argv[0]);
}

static void report_text(const struct run *r, bool all, struct buf *out)
{
	if (r->complain)
		complain_text(r, out);
	else if (r->end.killed && r->end.value == SIGSYS && r->profile_path)
		killed_text(r, out);
	else if (all && r->end.killed)
		buf_printf(out, "%s was killed by signal %d.\n", r->argv[0], r->end.value);
	else if (all)
		buf_printf(out, "%s ended with status %d.\n", r->argv[0], r->end.value);
	if (!all || !r->landlock)
		return;
	buf_printf(out, "Landlock ABI %d: %zu rules for files, %zu for ports.\n", r->plan.abi,
		   r->plan.rules_n, r->plan.ports_n);
	put_bytes(out, buf_str(&r->plan.notes));
}

int run_report(const struct run *r, struct err *e)
{
	cleanup_buf struct buf out = { 0 };
	int rc = 0;

	if (r->json && (r->complain || r->report_path))
		report_json(r, &out);
	else
		report_text(r, r->report_path != NULL, &out);
	if (r->report_path)
		rc = io_write_file(r->report_path, buf_str(&out), out.len, e);
	if (!r->report_path || rc < 0)
		io_write_all(STDERR_FILENO, buf_str(&out), out.len);
	return rc;
}
