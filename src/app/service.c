#include "app/service.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"

static void tell(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	cleanup_close int fd = -1;

	if ((len && *path != '/' && *path != '@') || !len || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

void service_ready(const char *fmt, ...)
{
	char text[512] = "READY=1\nSTATUS=";
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	/* A line is one assignment, and what is said can come from files. */
	for (char *s = text + len; *s; s++)
		if ((unsigned char)*s < ' ')
			*s = ' ';
	tell(text);
}

void service_reloading(void)
{
	char text[96];

	/* The time is for systemd 253 and newer (Type=notify-reload). */
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 clock_us(CLOCK_MONOTONIC));
	tell(text);
}

void service_stopping(void)
{
	tell("STOPPING=1");
}

void service_alive(void)
{
	tell("WATCHDOG=1");
}
