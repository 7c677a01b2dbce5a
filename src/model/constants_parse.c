#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/constants.h"
#include "model/constants_tables.h"

struct text {
	const char *p;
	size_t n;
};

/*
 * Names that strace and older headers use for numbers that the tables know under another name, or
 * that are no value of their own (IPPROTO_IP is "the default").
 */
static const struct const_row aliases[] = {
	{ 0, "IPPROTO_IP" },
	{ 1, "AF_LOCAL" },
	{ 1, "AF_FILE" },
	{ 16, "AF_ROUTE" },
	{ 20, "SO_RCVTIMEO_OLD" },
	{ 21, "SO_SNDTIMEO_OLD" },
	{ 29, "SO_TIMESTAMP_OLD" },
	{ 35, "SO_TIMESTAMPNS_OLD" },
	{ 37, "SO_TIMESTAMPING_OLD" },
	{ 26, "SO_GET_FILTER" },
	{ 29, "SIGPOLL" },
	{ 6, "SIGIOT" },
	{ 17, "SIGCLD" },
	{ 0, "SCHED_NORMAL" },
	{ 0, "MAP_FILE" },
	{ 0, "IPC_PRIVATE" },
	{ 0x100, "IPC_64" },
	{ 0, "CLONE_NONE" },
	{ 0, "USRQUOTA" },
	{ 1, "GRPQUOTA" },
	{ 2, "PRJQUOTA" },
	{ 0, "_IOC_NONE" },
	{ 1, "_IOC_WRITE" },
	{ 2, "_IOC_READ" },
	{ 26, "MAP_HUGE_SHIFT" },
	{ 26, "MFD_HUGE_SHIFT" },
	{ 3, "ETH_P_ALL" },
	{ 0x800, "ETH_P_IP" },
	{ 0x806, "ETH_P_ARP" },
	{ 0x86dd, "ETH_P_IPV6" },
	{ 0x88cc, "ETH_P_LLDP" },
	{ 0x888e, "ETH_P_PAE" },
	{ 0x8100, "ETH_P_8021Q" },
	{ 4, "ETH_P_802_2" },
};

static struct text trim(struct text t)
{
	while (t.n && (*t.p == ' ' || *t.p == '\t'))
		t.p++, t.n--;
	while (t.n && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
		t.n--;
	return t;
}

static bool text_is(struct text t, const char *s)
{
	return t.n == strlen(s) && !memcmp(t.p, s, t.n);
}

static bool begins(struct text t, const char *s)
{
	return t.n >= strlen(s) && !memcmp(t.p, s, strlen(s));
}

/* What stands before `word`; the rest behind it goes to *rest. False when it is not there. */
static bool cut_at(struct text t, const char *word, struct text *head, struct text *rest)
{
	const char *at = t.n ? memmem(t.p, t.n, word, strlen(word)) : NULL;

	if (!at)
		return false;
	*head = (struct text){ t.p, (size_t)(at - t.p) };
	*rest = (struct text){ at + strlen(word), t.n - head->n - strlen(word) };
	return true;
}

/* Decimal, hexadecimal (0x) or octal (0), with a sign. */
static bool number(struct text t, uint64_t *out)
{
	bool negative = t.n && *t.p == '-';
	char digits[24], *end;

	if (negative)
		t.p++, t.n--;
	if (!t.n || t.n >= sizeof(digits) || *t.p < '0' || *t.p > '9')
		return false;
	memcpy(digits, t.p, t.n);
	digits[t.n] = '\0';
	errno = 0;
	*out = strtoull(digits, &end, 0);
	if (negative)
		*out = -*out;
	return !*end && !errno;
}

static bool find_row(const struct const_row *rows, size_t n, struct text t, uint64_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (text_is(t, rows[i].name)) {
			*out = rows[i].value;
			return true;
		}
	}
	return false;
}

/* Real-time signals as strace writes them: SIGRTMIN is 32 there, as for the kernel. */
static bool real_time_signal(struct text t, uint64_t *out)
{
	if (text_is(t, "SIGRTMIN"))
		*out = 32;
	else if (text_is(t, "SIGRTMAX"))
		*out = 64;
	else if (!begins(t, "SIGRT_") || !number((struct text){ t.p + 6, t.n - 6 }, out))
		return false;
	else
		*out += 32;
	return *out <= 64;
}

static bool word(const struct const_table *table, struct text t, uint64_t *out)
{
	char family[32];

	t = trim(t);
	if (number(t, out) || (table && find_row(table->rows, table->n, t, out)) ||
	    find_row(aliases, ARRAY_SIZE(aliases), t, out) || real_time_signal(t, out))
		return true;
	if (!begins(t, "PF_") || t.n >= sizeof(family))
		return false;
	memcpy(family, t.p, t.n);
	family[0] = 'A';
	t.p = family;
	return (table && find_row(table->rows, table->n, t, out)) ||
	       find_row(aliases, ARRAY_SIZE(aliases), t, out);
}

static bool parse(const struct const_table *table, struct text t, unsigned depth, uint64_t *out);

/* The arguments of NAME(…), as numbers: exactly n of them. */
static bool macro(const struct const_table *table, struct text t, const char *name, unsigned n,
		  unsigned depth, uint64_t *out)
{
	struct text head;

	if (!depth || !begins(t, name) || t.n < strlen(name) + 2 || t.p[strlen(name)] != '(' ||
	    t.p[t.n - 1] != ')')
		return false;
	t.p += strlen(name) + 1;
	t.n -= strlen(name) + 2;
	for (unsigned i = 0; i + 1 < n; i++) {
		if (!cut_at(t, ",", &head, &t) || !parse(table, head, depth - 1, &out[i]))
			return false;
	}
	return parse(table, t, depth - 1, &out[n - 1]);
}

/* asm-generic/ioctl.h, linux/quota.h, byteorder(3). */
static bool macros(const struct const_table *table, struct text t, unsigned depth, uint64_t *out)
{
	uint64_t v[4];

	if (macro(table, t, "_IOC", 4, depth, v)) {
		*out = (v[0] << 30 | v[3] << 16 | v[1] << 8 | v[2]) & 0xffffffff;
		return true;
	}
	if (macro(table, t, "QCMD", 2, depth, v)) {
		*out = v[0] | v[1];
		return true;
	}
	if (macro(table, t, "htons", 1, depth, v)) {
		*out = (v[0] & 0xff) << 8 | (v[0] >> 8 & 0xff);
		return true;
	}
	return false;
}

static bool part(const struct const_table *table, struct text t, unsigned depth, uint64_t *out)
{
	struct text head, rest;
	uint64_t shift;

	t = trim(t);
	if (word(table, t, out) || macros(table, t, depth, out))
		return true;
	if (cut_at(t, "<<", &head, &rest))
		return word(table, head, out) && word(table, rest, &shift) && shift < 64 &&
		       ((*out <<= shift), true);
	while (cut_at(t, " or ", &head, &rest)) {
		if (word(table, head, out))
			return true;
		t = rest;
	}
	return t.n && word(table, t, out);
}

/* The next "|" outside of parentheses, the length when there is none. */
static size_t next_bar(struct text t)
{
	unsigned open = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '(')
			open++;
		else if (t.p[i] == ')' && open)
			open--;
		else if (t.p[i] == '|' && !open)
			return i;
	}
	return t.n;
}

static bool parse(const struct const_table *table, struct text t, unsigned depth, uint64_t *out)
{
	struct text head, rest;

	*out = 0;
	if (cut_at(t, "/*", &head, &rest))
		t = head;
	t = trim(t);
	if (!t.n)
		return false;
	for (;;) {
		size_t n = next_bar(t);
		uint64_t v;

		if (!part(table, (struct text){ t.p, n }, depth, &v))
			return false;
		*out |= v;
		if (n == t.n)
			return true;
		t.p += n + 1;
		t.n -= n + 1;
	}
}

bool const_parse(const struct sc_desc *d, unsigned index, const struct wl_call *c, const char *text,
		 size_t len, uint64_t *value)
{
	const struct const_table *table = const_table_of(d, index, c);
	struct text t = trim((struct text){ text, len });
	uint64_t v;

	if (text_is(t, "NULL"))
		v = 0;
	else if (!parse(table, t, 2, &v))
		return false;
	*value = v;
	return true;
}
