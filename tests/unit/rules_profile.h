/* Profiles from their rules. */
#ifndef TESTS_RULES_PROFILE_H
#define TESTS_RULES_PROFILE_H

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/seccomp.h"

/* What x86-64 has under these rules (JSON), and errno for all else. */
static inline void read_profile(struct sp_profile *p, const char *rules)
{
	static const struct sp_host h = { .native = SC_X86_64, .kernel = { 6, 1, 0 } };
	cleanup_json_doc struct json_doc d = { 0 };
	char text[4096];
	struct err e;

	snprintf(text, sizeof(text),
		 "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\"],"
		 "\"syscalls\":[%s]}",
		 rules);
	sp_init(p);
	if (json_parse(&d, "test", text, strlen(text), &e) < 0 || sp_read(p, &d, &h, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

#endif
