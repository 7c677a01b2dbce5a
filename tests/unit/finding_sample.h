/* Findings for tests. */
#ifndef FINDING_SAMPLE_H
#define FINDING_SAMPLE_H

#include "model/finding.h"

#define SAMPLE_TIME UINT64_C(1795318500319988480)

/* Complete with key and id; `i` makes it another one. */
static inline struct finding *finding_sample(unsigned i)
{
	struct finding *f = finding_new();

	f->rule = "Terminal shell in container";
	f->priority = "Notice";
	f->source = "syscall";
	f->title = f->rule;
	f->description = "A shell was used as the entry point or exec point into a container.";
	f->hostname = "node1";
	f->tags[f->tags_n++] = "T1059";
	f->tags[f->tags_n++] = "mitre_execution";
	f->container.id = arena_printf(&f->arena, "3ad7b26ded6d%04x", i);
	f->container.name = arena_printf(&f->arena, "web-%u", i % 7);
	f->container.image = "docker.io/library/nginx:1.25";
	f->process = (struct finding_process){
		.pid = 100 + i, .name = "sh", .exe = "/bin/sh", .cmdline = "sh -i"
	};
	f->user = "root";
	f->uid = 0;
	f->lineage[f->lineage_n++] =
		(struct finding_process){ .pid = 1, .name = "nginx", .exe = "/usr/sbin/nginx" };
	f->output = "A shell was spawned";
	f->evidence = "{\"evt.time\":1795318500319988480,\"proc.tty\":34816}";
	finding_classify(f, 5);
	f->first_seen = f->last_seen = SAMPLE_TIME + i;
	finding_set_key(f, arena_printf(&f->arena, "%u", i));
	finding_set_id(f);
	return f;
}

#endif
