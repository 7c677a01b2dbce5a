#include "model/finding.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "model/event_text.h"

struct finding *finding_new(void)
{
	struct finding *f = xcalloc(1, sizeof(*f));

	f->count = 1;
	f->uid = -1;
	f->loginuid = -1;
	return f;
}

void finding_free(struct finding *f)
{
	if (!f)
		return;
	arena_free(&f->arena);
	free(f);
}

/* With its length in front, so that no two lists of texts are the same bytes. */
static void add(struct sha256 *s, const char *text)
{
	uint64_t len = text ? strlen(text) : UINT64_MAX;

	sha256_add(s, &len, sizeof(len));
	if (text)
		sha256_add(s, text, (size_t)len);
}

static void add_group(struct sha256 *s, const struct finding *f)
{
	add(s, f->rule);
	add(s, f->hostname);
	/* A pod's container that starts again has a new id, and is the same workload. */
	add(s, f->container.pod);
	add(s, f->container.namespace);
	add(s, f->container.name);
	add(s, f->container.image);
	if (!f->container.pod && !f->container.name)
		add(s, f->container.id);
	add(s, f->process.exe);
}

static void end_key(struct sha256 *s, char key[FINDING_KEY + 1])
{
	uint8_t digest[SHA256_SIZE];

	sha256_end(s, digest);
	sha256_hex(digest, key);
}

void finding_set_key(struct finding *f, const char *essence)
{
	struct sha256 s;

	sha256_begin(&s);
	add_group(&s, f);
	add(&s, essence);
	end_key(&s, f->key);
}

void finding_group_key(const struct finding *f, char key[FINDING_KEY + 1])
{
	struct sha256 s;

	sha256_begin(&s);
	add_group(&s, f);
	end_key(&s, key);
}

void finding_set_further(struct finding *f)
{
	struct sha256 s;

	sha256_begin(&s);
	add_group(&s, f);
	add(&s, "further");
	add(&s, NULL);
	end_key(&s, f->key);
	f->further = true;
	f->output = arena_printf(&f->arena,
				 "%s (further ones of this rule, container and program are only "
				 "counted, here)",
				 f->output ? f->output : f->title);
}

void finding_set_id(struct finding *f)
{
	uint8_t d[SHA256_SIZE];
	struct sha256 s;

	sha256_begin(&s);
	add(&s, f->key);
	sha256_add(&s, &f->first_seen, sizeof(f->first_seen));
	sha256_end(&s, d);
	d[6] = (uint8_t)((d[6] & 0x0f) | 0x80); /* version 8 */
	d[8] = (uint8_t)((d[8] & 0x3f) | 0x80); /* variant */
	snprintf(f->id, sizeof(f->id),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1],
		 d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14],
		 d[15]);
}

void finding_put_essence(struct buf *b, const char *cmdline)
{
	for (const char *p = cmdline; *p; p++) {
		if (!isdigit((unsigned char)*p))
			buf_putc(b, *p);
		else if (p == cmdline || !isdigit((unsigned char)p[-1]))
			buf_putc(b, '#');
	}
}

void finding_put_time(struct buf *out, uint64_t ns)
{
	ev_time_put(EV_EVT_TIME_ISO8601, ns, out);
}

/* ".123" as nanoseconds; the end in *end. */
static uint64_t fraction(const char *p, const char **end)
{
	uint64_t ns = 0, unit = 100000000u;

	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
			ns += (uint64_t)(*p - '0') * unit;
	*end = p;
	return ns;
}

/* "Z", or how far the time is ahead of UTC: "+02:00". */
static bool zone(const char *p, time_t *sec)
{
	int h, m, used = 0;

	if (!strcmp(p, "Z") || !strcmp(p, "z"))
		return true;
	if ((*p != '+' && *p != '-') || strspn(p + 1, "0123456789:") != 5 ||
	    sscanf(p + 1, "%2d:%2d%n", &h, &m, &used) != 2 || used != 5 || p[6] || h > 23 || m > 59)
		return false;
	*sec -= (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return true;
}

int finding_parse_time(const char *text, uint64_t *ns)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t part;
	time_t sec;

	/* Until 2261 the nanoseconds fit a signed number of the database. */
	if (!p || tm.tm_year < 70 || tm.tm_year > 361)
		return -EINVAL;
	part = fraction(p, &p);
	sec = timegm(&tm);
	if (!zone(p, &sec) || sec < 0)
		return -EINVAL;
	*ns = (uint64_t)sec * 1000000000u + part;
	return 0;
}
