#include "sensor/bpf_said.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static char said[256];

static int keep_warning(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !said[0]) {
		vsnprintf(said, sizeof(said), fmt, ap);
		said[strcspn(said, "\n")] = '\0';
	}
	return 0;
}

void bpf_said_begin(void)
{
	said[0] = '\0';
	libbpf_set_print(keep_warning);
}

const char *bpf_said(void)
{
	return said;
}
