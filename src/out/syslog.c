/*
 * syslog: to a local socket, by UDP (RFC 5426), by TCP with counted octets (RFC 6587) or the same
 * over TLS (RFC 5425).
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "out/sink_extras.h"
#include "out/sink_private.h"
#include "out/syslog_tls.h"

#define DEFAULT_SOCKET "/dev/log"
#define DEFAULT_PORT   "514"
#define TLS_PORT       "6514"

struct syslog_sink {
	char *path;	   /* of a local socket, or NULL */
	char *host, *port; /* otherwise */
	int type;	   /* SOCK_DGRAM, SOCK_STREAM */
	unsigned timeout_ms;
	int fd;	    /* -1: not connected */
	bool tls;   /* then curl has the connection */
	CURL *curl; /* NULL: not connected */
	struct sink_extras x;
};

static void disconnect(struct syslog_sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	curl_easy_cleanup(s->curl);
	s->curl = NULL;
}

static void syslog_free(void *state)
{
	struct syslog_sink *s = state;

	disconnect(s);
	sink_extras_free(&s->x);
	free(s->path);
	free(s->host);
	free(s->port);
	free(s);
}

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT". */
static bool parse_host(struct syslog_sink *s, const char *whole)
{
	cleanup_free char *copy = xasprintf("%.*s", (int)strcspn(whole, "#"), whole);
	const char *text = copy, *from = *text == '[' ? text + 1 : text;
	size_t len = *text == '[' ? strcspn(from, "]") : strcspn(from, ":");
	const char *rest = from + len;

	if (*text == '[' && *rest++ != ']')
		return false;
	if (!len || (*rest && (*rest != ':' || !rest[1])))
		return false;
	s->host = xasprintf("%.*s", (int)len, from);
	s->port = xstrdup(*rest ? rest + 1 : s->tls ? TLS_PORT : DEFAULT_PORT);
	return strspn(s->port, "0123456789") == strlen(s->port);
}

static int syslog_open(void **state, const char *spec, const struct sink_target *t, struct err *e)
{
	const char *where = spec + strlen(sink_syslog.prefix);
	struct syslog_sink *s = xcalloc(1, sizeof(*s));
	bool good = true;

	s->fd = -1;
	s->tls = !strncmp(where, "tls://", 6);
	s->type = s->tls || !strncmp(where, "tcp://", 6) ? SOCK_STREAM : SOCK_DGRAM;
	s->timeout_ms = t->timeout_ms;
	if (s->tls && sink_extras_read(&s->x, spec, SINK_EXTRAS_TLS, e) < 0) {
		syslog_free(s);
		return -EINVAL;
	}
	if (s->tls || !strncmp(where, "udp://", 6) || !strncmp(where, "tcp://", 6))
		good = (s->tls || !strchr(where, '#')) && parse_host(s, where + 6);
	else if (!*where || *where == '/')
		s->path = xstrdup(*where ? where : DEFAULT_SOCKET);
	else
		good = false;
	if (good && s->path && strlen(s->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		good = false;
	if (!good) {
		syslog_free(s);
		return err_set(e, EINVAL,
			       "'%s': expected syslog:, syslog:/SOCKET, syslog:udp://HOST[:PORT], "
			       "syslog:tcp://HOST[:PORT] or syslog:tls://HOST[:PORT]",
			       spec);
	}
	*state = s;
	return 0;
}

static void set_timeout(const struct syslog_sink *s, int fd)
{
	struct timeval tv = { .tv_sec = s->timeout_ms / 1000,
			      .tv_usec = (suseconds_t)(s->timeout_ms % 1000) * 1000 };

	/* It bounds connect(2), too (socket(7)). */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int try_address(struct syslog_sink *s, int family, int type, const struct sockaddr *a,
		       socklen_t len)
{
	cleanup_close int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	set_timeout(s, fd);
	if (connect(fd, a, len) < 0)
		return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	s->type = type;
	s->fd = take_fd(fd);
	return 0;
}

/* Collectors have one of two kinds of socket. */
static int connect_local(struct syslog_sink *s, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int err;

	memcpy(a.sun_path, s->path, strlen(s->path) + 1);
	err = try_address(s, AF_UNIX, SOCK_DGRAM, (struct sockaddr *)&a, sizeof(a));
	if (err == -EPROTOTYPE)
		err = try_address(s, AF_UNIX, SOCK_STREAM, (struct sockaddr *)&a, sizeof(a));
	return err < 0 ? err_errno(e, -err, "cannot connect to %s", s->path) : 0;
}

static int connect_host(struct syslog_sink *s, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = s->type }, *list = NULL;
	int err = getaddrinfo(s->host, s->port, &hints, &list);

	if (err)
		return err_set(e, EHOSTUNREACH, "%s: %s", s->host, gai_strerror(err));
	err = -EHOSTUNREACH;
	for (struct addrinfo *a = list; a && err < 0; a = a->ai_next)
		err = try_address(s, a->ai_family, s->type, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return err < 0 ? err_errno(e, -err, "cannot connect to %s port %s", s->host, s->port) : 0;
}

/* A receiver never sends, so what can be read is its end. */
static bool is_closed(const struct syslog_sink *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN | POLLRDHUP };

	return s->type == SOCK_STREAM && poll(&p, 1, 0) > 0;
}

static int send_all(struct syslog_sink *s, const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = send(s->fd, b->p + done, b->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		done += (size_t)n;
	}
	return 0;
}

static void frame(const struct syslog_sink *s, const struct buf *message, struct buf *out)
{
	if (s->type == SOCK_STREAM && !s->path)
		buf_printf(out, "%zu ", message->len);
	buf_append(out, message->p, message->len);
	/* Local streams have lines: that is what daemons with such a socket read. */
	if (s->type == SOCK_STREAM && s->path)
		buf_putc(out, '\n');
}

static bool is_connected(const struct syslog_sink *s)
{
	if (s->tls)
		return s->curl && !syslog_tls_is_closed(s->curl);
	return s->fd >= 0 && !is_closed(s);
}

static int connect_any(struct syslog_sink *s, struct err *e)
{
	if (is_connected(s))
		return 0;
	disconnect(s);
	if (s->tls)
		return syslog_tls_connect(&s->curl, s->host, s->port, &s->x, s->timeout_ms, e);
	return s->path ? connect_local(s, e) : connect_host(s, e);
}

static int syslog_deliver(void *state, const struct finding *f, const struct buf *json,
			  struct err *e)
{
	cleanup_buf struct buf message = { 0 }, out = { 0 };
	struct syslog_sink *s = state;
	int err = connect_any(s, e);

	(void)json;
	if (err < 0)
		return err;
	syslog_format(f, (unsigned)getpid(), &message);
	frame(s, &message, &out);
	if (s->tls)
		err = syslog_tls_send(s->curl, &out, s->timeout_ms, e);
	else
		err = send_all(s, &out);
	if (err == 0)
		return 0;
	disconnect(s);
	return s->tls ? err : err_errno(e, -err, "cannot send to %s", s->path ? s->path : s->host);
}

const struct sink_kind sink_syslog = { "syslog:", syslog_open, syslog_deliver, syslog_free };
