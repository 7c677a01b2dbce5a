#include "out/syslog_tls.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

int syslog_tls_connect(CURL **out, const char *host, const char *port, const struct sink_extras *x,
		       unsigned timeout_ms, struct err *e)
{
	bool v6 = strchr(host, ':');
	cleanup_free char *url = xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
					   port);
	char why[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();
	CURLcode code;

	if (!c)
		mem_exhausted();
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	sink_extras_tls(x, c);
	code = curl_easy_perform(c);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_OK) {
		*out = c;
		return 0;
	}
	curl_easy_cleanup(c);
	return err_set(e, EIO, "cannot connect to %s port %s: %s", host, port,
		       *why ? why : curl_easy_strerror(code));
}

/* Receivers say nothing but what belongs to TLS, which gives no bytes. */
bool syslog_tls_is_closed(CURL *c)
{
	char byte[16];
	size_t n = 0;

	return curl_easy_recv(c, byte, sizeof(byte), &n) != CURLE_AGAIN;
}

static int wait_for_room(CURL *c, unsigned timeout_ms)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct pollfd p = { .events = POLLOUT };

	curl_easy_getinfo(c, CURLINFO_ACTIVESOCKET, &fd);
	p.fd = fd;
	return fd == CURL_SOCKET_BAD || poll(&p, 1, (int)timeout_ms) <= 0 ? -ETIMEDOUT : 0;
}

int syslog_tls_send(CURL *c, const struct buf *b, unsigned timeout_ms, struct err *e)
{
	size_t done = 0;

	while (done < b->len) {
		size_t n = 0;
		CURLcode code = curl_easy_send(c, b->p + done, b->len - done, &n);

		if (code == CURLE_AGAIN && wait_for_room(c, timeout_ms) == 0)
			continue;
		if (code != CURLE_OK)
			return err_set(e, EIO, "cannot send: %s", curl_easy_strerror(code));
		done += n;
	}
	return 0;
}
