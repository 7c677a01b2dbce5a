#include "engine/docker.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"

enum { DOCKER_MAX = 4 * 1024 * 1024, DOCKER_TIMEOUT_MS = 10000 };

static size_t take(char *data, size_t one, size_t n, void *arg)
{
	struct buf *b = arg;

	(void)one;
	buf_append(b, data, n);
	return b->overflow ? 0 : n;
}

static const char *socket_path(void)
{
	const char *host = getenv("DOCKER_HOST");

	return host && !strncmp(host, "unix://", 7) ? host + 7 : "/var/run/docker.sock";
}

static int get(const char *path, struct buf *out, long *status, struct err *e)
{
	cleanup_free char *url = xasprintf("http://docker%s", path);
	CURL *c = curl_easy_init();
	CURLcode r;

	if (!c)
		mem_exhausted();
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket_path());
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)DOCKER_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	r = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
	curl_easy_cleanup(c);
	if (r == CURLE_COULDNT_CONNECT)
		return err_set(e, ENOENT, "no daemon answers at %s", socket_path());
	if (r != CURLE_OK)
		return err_set(e, EIO, "%s: %s", socket_path(), curl_easy_strerror(r));
	return 0;
}

/* The answer to GET `path`, which has to be 200. */
static int ask(const char *path, struct json_doc *out, struct err *e)
{
	cleanup_buf struct buf body = { .max = DOCKER_MAX };
	long status = 0;
	int r = get(path, &body, &status, e);

	if (r < 0)
		return r;
	if (status == 404)
		return err_set(e, ENOENT, "no such container");
	if (status != 200)
		return err_set(e, EPROTO, "the daemon answered %ld to GET %s", status, path);
	return json_parse(out, "docker inspect", buf_str(&body), body.len, e);
}

int docker_inspect(const char *name, struct json_doc *out, struct err *e)
{
	cleanup_free char *path = NULL;
	char *escaped = curl_easy_escape(NULL, name, 0);

	if (!escaped)
		mem_exhausted();
	path = xasprintf("/containers/%s/json", escaped);
	curl_free(escaped);
	return ask(path, out, e);
}

int docker_list(struct json_doc *out, struct err *e)
{
	return ask("/containers/json", out, e);
}
