#include "out/sink_extras.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

static const struct {
	const char *name;
	enum sink_form form;
} forms[] = { { "falco", SINK_FALCO }, { "full", SINK_FULL }, { "ocsf", SINK_OCSF } };

static const struct {
	const char *name;
	unsigned kind;
	size_t at;
} files[] = {
	{ "ca=", SINK_EXTRAS_TLS, offsetof(struct sink_extras, ca) },
	{ "cert=", SINK_EXTRAS_TLS, offsetof(struct sink_extras, cert) },
	{ "key=", SINK_EXTRAS_TLS, offsetof(struct sink_extras, key) },
	{ "headers=", SINK_EXTRAS_HTTP, offsetof(struct sink_extras, headers) },
};

static int set_file(char **at, const char *path, const char *spec, struct err *e)
{
	if (!*path)
		return err_set(e, EINVAL, "'%s': expected a file behind each =", spec);
	if (access(path, R_OK) < 0)
		return err_errno(e, errno, "%s", path);
	free(*at);
	*at = xstrdup(path);
	return 0;
}

static int read_one(struct sink_extras *x, const char *word, const char *spec, unsigned known,
		    struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if ((files[i].kind & known) && !strncmp(word, files[i].name, strlen(files[i].name)))
			return set_file((char **)((char *)x + files[i].at),
					word + strlen(files[i].name), spec, e);
	for (size_t i = 0; (known & SINK_EXTRAS_HTTP) && i < ARRAY_SIZE(forms); i++)
		if (!strcmp(word, forms[i].name)) {
			x->form = forms[i].form;
			return 0;
		}
	if ((known & SINK_EXTRAS_HTTP) && !strcmp(word, "gzip")) {
		x->gzip = true;
		return 0;
	}
	return err_set(e, EINVAL, "'%s': '%s' behind #: expected %sca=FILE, cert=FILE or key=FILE",
		       spec, word,
		       known & SINK_EXTRAS_HTTP ? "falco, full, ocsf, gzip, headers=FILE, " : "");
}

int sink_extras_read(struct sink_extras *x, const char *spec, unsigned known, struct err *e)
{
	const char *p = strchr(spec, '#');

	*x = (struct sink_extras){ 0 };
	while (p) {
		size_t len = strcspn(p + 1, "&");
		cleanup_free char *word = xasprintf("%.*s", (int)len, p + 1);
		int err = read_one(x, word, spec, known, e);

		if (err < 0)
			return err;
		p = p[1 + len] ? p + 1 + len : NULL;
	}
	if (x->key && !x->cert)
		return err_set(e, EINVAL, "'%s': key=FILE without cert=FILE", spec);
	return 0;
}

void sink_extras_free(struct sink_extras *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		free(*(char **)((char *)x + files[i].at));
	*x = (struct sink_extras){ 0 };
}

/* "…#full&ca=/x" as "…#full": another form is another sink. */
char *sink_extras_identity(const char *spec)
{
	size_t len = strcspn(spec, "#");
	const char *p = spec + len, *form = "";

	while (*p) {
		size_t n = strcspn(p + 1, "&");

		for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
			if (strlen(forms[i].name) == n && !memcmp(p + 1, forms[i].name, n))
				form = forms[i].form == SINK_FALCO ? "" : forms[i].name;
		p += 1 + n;
	}
	return xasprintf("%.*s%s%s", (int)len, spec, *form ? "#" : "", form);
}

void sink_extras_tls(const struct sink_extras *x, CURL *c)
{
	if (x->ca) {
		curl_easy_setopt(c, CURLOPT_CAINFO, x->ca);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	if (x->cert)
		curl_easy_setopt(c, CURLOPT_SSLCERT, x->cert);
	if (x->cert)
		curl_easy_setopt(c, CURLOPT_SSLKEY, x->key ? x->key : x->cert);
}
