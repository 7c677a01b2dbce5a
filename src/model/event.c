#include "model/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/syscalls.h"

static const struct {
	const char *name;
	enum ev_class class;
	unsigned bits;
} kinds[] = {
#define EV_KIND_ROW(name, class, bits) [EV_##name] = { #name, class, bits },
	EV_KINDS(EV_KIND_ROW)
#undef EV_KIND_ROW
};

/* What is recorded besides system calls; behind those in the numbering. */
static const char *const others[] = {
	"asyncevent",  "container", "cpu_hotplug", "drop",	   "generic",
	"k8s",	       "mesos",	    "infra",	   "notification", "page_fault",
	"pluginevent", "procexit",  "procinfo",	   "scapevent",	   "signaldeliver",
	"switch",      "syscall",   "tracer",	   "usergroup",
};

static const struct {
	const char *name, *call;
} aliases[] = {
	{ "pread", "pread64" },
	{ "pwrite", "pwrite64" },
	{ "fadvise", "fadvise64" },
};

static const char *const sources[] = {
	[EV_SYSCALL] = "syscall",
	[EV_K8S_AUDIT] = "k8s_audit",
	[EV_AWS_CLOUDTRAIL] = "aws_cloudtrail",
};

const char *ev_kind_name(enum ev_kind k)
{
	return kinds[k].name;
}

enum ev_class ev_kind_class(enum ev_kind k)
{
	return kinds[k].class;
}

unsigned ev_kind_bits(enum ev_kind k)
{
	return kinds[k].bits;
}

size_t ev_type_count(void)
{
	return sc_count() + ARRAY_SIZE(others);
}

const char *ev_type_name(unsigned type)
{
	size_t calls = sc_count();

	if (type < calls)
		return sc_at(type)->name;
	return type - calls < ARRAY_SIZE(others) ? others[type - calls] : NULL;
}

static int call_by_name(const char *name)
{
	size_t low = 0, high = sc_count();

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = strcmp(sc_at(mid)->name, name);

		if (!c)
			return (int)mid;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

int ev_type_by_name(const char *name)
{
	int call;

	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].name, name))
			name = aliases[i].call;
	call = call_by_name(name);
	if (call >= 0)
		return call;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i], name))
			return (int)(sc_count() + i);
	return -1;
}

bool ev_type_is_syscall(unsigned type)
{
	return type < sc_count();
}

unsigned ev_set_size(const struct ev_set *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < EV_SET_WORDS; i++)
		n += (unsigned)__builtin_popcountll(s->w[i]);
	return n;
}

const char *ev_source_name(enum ev_source s)
{
	return sources[s];
}

int ev_source_by_name(const char *name)
{
	for (int i = 0; i < EV_SOURCE_COUNT; i++)
		if (!strcmp(sources[i], name))
			return i;
	return -1;
}
