#include "import/strace_line.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	PID_LIMIT = 4194304, /* PID_MAX_LIMIT, linux/threads.h: greater numbers are times */
	COMM_MAX = 80,	     /* TASK_COMM_LEN bytes, each maybe escaped */
};

static char *blanks(char *s)
{
	return s + strspn(s, " \t");
}

/* The length of a time and the blank behind it, 0 when there is none. */
static size_t time_len(const char *s)
{
	size_t n = strspn(s, "0123456789"), more;

	if (!n)
		return 0;
	if (n == 2 && s[2] == ':' && isdigit((unsigned char)s[3]) && isdigit((unsigned char)s[4]) &&
	    s[5] == ':' && isdigit((unsigned char)s[6]) && isdigit((unsigned char)s[7]))
		n = 8;
	if (s[n] == '.' && (more = strspn(s + n + 1, "0123456789")))
		n += 1 + more;
	return s[n] == ' ' ? n + 1 : 0;
}

/* "<comm>" as -Y writes it behind a process id: its length, 0 without one. */
static size_t comm_len(const char *s, char behind)
{
	if (*s != '<')
		return 0;
	for (size_t i = 1; s[i] && i < COMM_MAX; i++)
		if (s[i] == '>' && s[i + 1] == behind)
			return i + 1;
	return 0;
}

/* "[pid 12] ", "[pid 12<sh>] ", "12 ", "12<sh> ". */
static char *take_pid(char *s, pid_t *pid)
{
	bool bracket = !strncmp(s, "[pid", 4) && s[4] == ' ';
	char *at = bracket ? blanks(s + 4) : s, *end;
	unsigned long v;

	if (!isdigit((unsigned char)*at))
		return s;
	errno = 0;
	v = strtoul(at, &end, 10);
	end += comm_len(end, bracket ? ']' : ' ');
	if (errno || !v || v > PID_LIMIT || *end != (bracket ? ']' : ' '))
		return s;
	*pid = (pid_t)v;
	return blanks(end + 1);
}

static char *take_time(char *s)
{
	size_t n = time_len(s);

	if (n)
		s = blanks(s + n);
	if (*s == '(' && s[1] == '+' && time_len(blanks(s + 2)) == 0) {
		char *close = strchr(s, ')'); /* "(+     0.000066) " of -r with -t */

		if (close && (size_t)(close - s) < 40)
			s = blanks(close + 1);
	}
	return s;
}

/* "[  59] " is a system call number, "[00007f85779a] " an address: 8 or 16 digits. */
static char *take_number(char *s, struct st_line *out)
{
	char *at, *end;
	size_t n;

	if (*s != '[')
		return s;
	at = blanks(s + 1);
	n = strspn(at, "0123456789abcdef?");
	if (!n || at[n] != ']' || at[n + 1] != ' ')
		return s;
	if (n != 8 && n != 16 && !out->has_nr) {
		unsigned long v = strtoul(at, &end, 10);

		if (end != at + n || v > UINT32_MAX)
			return s;
		out->has_nr = true;
		out->nr = (uint32_t)v;
	}
	return blanks(at + n + 1);
}

static bool is_header(const char *s)
{
	return strstr(s, "syscall") && strstr(s, "calls") && !strchr(s, '(') && !strchr(s, '"');
}

/* "strace: Process 5 attached" at the end of a record that is not finished. */
static bool cut_attached(char *s, pid_t *pid)
{
	static const char mark[] = "strace: Process ";
	char *at = NULL, *end;

	for (char *p = s; (p = strstr(p, mark)); p++)
		at = p;
	if (!at || !isdigit((unsigned char)at[sizeof(mark) - 1]))
		return false;
	*pid = (pid_t)strtoul(at + sizeof(mark) - 1, &end, 10);
	if (strcmp(end, " attached") && strcmp(end, " detached"))
		return false;
	*at = '\0';
	return true;
}

static const char *skip(const char *s, const char *start);

/* Comments go: those of -X verbose, of numbers without a name, of the size of environments. */
static void strip_comments(char *s)
{
	const char *start = s, *from = s;
	char *to = s;

	if (!strstr(s, "/*"))
		return;
	while (*from) {
		const char *next = skip(from, start);
		bool comment = from[0] == '/' && from[1] == '*';

		if (comment && to > s && to[-1] == ' ')
			to--;
		if (!comment) {
			memmove(to, from, (size_t)(next - from));
			to += next - from;
		}
		from = next;
	}
	*to = '\0';
}

static void resumed(char *s, struct st_line *out)
{
	char *mark = strstr(s, " resumed>");

	out->kind = ST_UNKNOWN;
	if (!mark || (size_t)(mark - s) > 64 + 5)
		return;
	*mark = '\0';
	out->kind = ST_RESUMED;
	out->name = s + 5;
	out->body = mark + 9;
}

void st_line_parse(char *text, struct st_line *out)
{
	char *s;

	*out = (struct st_line){ .kind = ST_EMPTY, .body = text };
	if (!strncmp(text, " > ", 3)) /* a stack line of -k */
		return;
	if (is_header(text)) {
		out->kind = ST_TABLE;
		return;
	}
	s = take_time(blanks(take_pid(blanks(text), &out->pid)));
	/* "% -f -t" on standard error: the time stands behind "[pid N]"; -o puts it behind "N". */
	s = take_number(take_number(s, out), out);
	out->attached = cut_attached(s, &out->child);
	out->body = s;
	if (!*s || !strncmp(s, "strace: ", 8) || !strncmp(s, "> ", 2))
		return;
	strip_comments(s);
	if (!strncmp(s, "<... ", 5))
		resumed(s, out);
	else if (!strncmp(s, "--- ", 4))
		out->kind = ST_SIGNAL;
	else if (!strncmp(s, "+++ ", 4))
		out->kind = ST_EXIT;
	else if (!strncmp(s, "[ Process PID=", 14))
		out->kind = ST_PERSONALITY;
	else if (isalpha((unsigned char)*s) || *s == '_')
		out->kind = strchr(s, '(') ? ST_CALL : ST_UNKNOWN;
	else if (!strncmp(s, "?\?\?(", 4))
		out->kind = ST_EMPTY; /* attached in the middle of a call: its end names it */
	else
		out->kind = ST_UNKNOWN;
}

bool st_text_is(struct st_text t, const char *s)
{
	return t.n == strlen(s) && !memcmp(t.p, s, t.n);
}

bool st_begins(struct st_text t, const char *s)
{
	return t.n >= strlen(s) && !memcmp(t.p, s, strlen(s));
}

static struct st_text trimmed(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct st_text){ p, (size_t)(end - p) };
}

/* Behind a string that begins at s; at its end when it is not closed. */
static const char *skip_string(const char *s)
{
	for (s++; *s && *s != '"'; s++)
		if (*s == '\\' && s[1])
			s++;
	return *s ? s + 1 : s;
}

/* Behind "<…>", what -y writes at a descriptor: "->" and nested ones belong to it. */
static const char *skip_annotation(const char *s)
{
	unsigned depth = 0;

	for (; *s; s++) {
		if (*s == '"')
			s = skip_string(s) - 1;
		else if (*s == '<')
			depth++;
		else if (*s == '>' && s[-1] != '-' && !--depth)
			return s + 1;
	}
	return s;
}

/* Whether a "<" at s, which is not the first character, begins an annotation. */
static bool annotates(const char *s)
{
	return (isalnum((unsigned char)s[-1]) || s[-1] == '_') && s[1] != '<' && s[1] != '=' &&
	       s[1] != ' ';
}

/* One step over what may hide a separator. */
static const char *skip(const char *s, const char *start)
{
	if (*s == '"')
		return skip_string(s);
	if (*s == '<' && s > start && annotates(s))
		return skip_annotation(s);
	if (*s == '/' && s[1] == '*') {
		const char *end = strstr(s + 2, "*/");

		return end ? end + 2 : s + strlen(s);
	}
	return s + 1;
}

static void add_arg(struct st_call *c, const char *p, const char *end)
{
	struct st_text t = trimmed(p, end);

	if (c->n < ST_MAX_ARGS && (t.n || c->n))
		c->args[c->n++] = t;
}

/* Splits at commas outside of everything; at the closing parenthesis, or at the end. */
static const char *split_args(struct st_call *c, const char *s)
{
	const char *start = s, *arg = s;
	unsigned depth = 0;

	while (*s) {
		if (*s == '(' || *s == '[' || *s == '{') {
			depth++;
		} else if ((*s == ')' || *s == ']' || *s == '}') && depth) {
			depth--;
		} else if (*s == ')') {
			add_arg(c, arg, s);
			c->whole = true;
			return s + 1;
		} else if (*s == ',' && !depth) {
			add_arg(c, arg, s);
			arg = s + 1;
		}
		s = skip(s, start);
	}
	add_arg(c, arg, s);
	return s;
}

/* The errors that mean something to an importer, and all others by strerrorname_np(). */
static int errno_of(const char *s, size_t n)
{
	for (int i = 1; i < 134; i++) {
		const char *name = strerrorname_np(i);

		if (name && strlen(name) == n && !memcmp(name, s, n))
			return i;
	}
	return 0;
}

static void parse_result(struct st_call *c, const char *s)
{
	char *end;

	s += strspn(s, " \t");
	if (*s != '=')
		return;
	s += 1 + strspn(s + 1, " \t");
	if (!isdigit((unsigned char)*s) && *s != '-')
		return; /* "?" */
	errno = 0;
	c->value = *s == '-' ? strtoll(s, &end, 0) : (int64_t)strtoull(s, &end, 0);
	c->result = ST_VALUE;
	if (*end == '<') {
		const char *close = skip_annotation(end);

		c->path = (struct st_text){ end + 1, (size_t)(close - end) - 2 };
		if (close == end + 1 || close[-1] != '>')
			c->path.n = 0;
		c->deleted = !strncmp(close, "(deleted)", 9);
		s = close;
	} else {
		s = end;
	}
	s += strspn(s, " ");
	if (*s == 'E' && c->value < 0) {
		c->result = ST_ERROR;
		c->value = errno_of(s, strcspn(s, " ("));
	} else if (c->value < 0 && c->value > -4096) {
		c->result = ST_ERROR; /* a raw result */
		c->value = c->value == -1 ? 0 : -c->value;
	}
	c->tampered = strstr(s, "(INJECTED)") || strstr(s, "(DELAYED)");
}

bool st_call_parse(const char *text, struct st_call *c)
{
	size_t n = 0;

	*c = (struct st_call){ .result = ST_NO_RESULT };
	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	if (!n || n >= sizeof(c->name) || text[n] != '(')
		return false;
	memcpy(c->name, text, n);
	parse_result(c, split_args(c, text + n + 1));
	return true;
}

size_t st_unfinished(const char *text)
{
	static const char *const marks[] = { "<unfinished ...>", "<detached ...>" };
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		size_t n = strlen(marks[i]);

		if (len >= n && !memcmp(text + len - n, marks[i], n)) {
			len -= n;
			while (len && text[len - 1] == ' ')
				len--;
			return len;
		}
	}
	return 0;
}

static unsigned digits(const char **s, const char *end, unsigned base, unsigned most)
{
	unsigned v = 0;

	while (*s < end && most--) {
		int c = tolower((unsigned char)**s);
		unsigned d = c >= 'a' && c <= 'f'   ? (unsigned)c - 'a' + 10
			     : c >= '0' && c <= '9' ? (unsigned)c - '0'
						    : 99;
		if (d >= base)
			break;
		v = v * base + d;
		(*s)++;
	}
	return v;
}

static char unescape(const char **s, const char *end)
{
	static const char from[] = "ntvfrab", to[] = "\n\t\v\f\r\a\b";
	const char *known;
	char c = *(*s)++;

	if (c == 'x')
		return (char)digits(s, end, 16, 2);
	if (c >= '0' && c <= '7') {
		(*s)--;
		return (char)digits(s, end, 8, 3);
	}
	known = strchr(from, c);
	return known && c ? to[known - from] : c;
}

/* Up to `quote`: its place, NULL when the bytes do not fit. *n gets their number. */
static const char *decode(const char *s, const char *end, char quote, char *out, size_t size,
			  size_t *n)
{
	*n = 0;
	while (s < end && (!quote || *s != quote)) {
		char c = *s++;

		if (c == '\\' && s < end)
			c = unescape(&s, end);
		if (*n >= size)
			return NULL;
		out[(*n)++] = c;
	}
	return s;
}

/* The same as a string: NUL-terminated, without another NUL. */
static const char *decode_string(const char *s, const char *end, char quote, char *out, size_t size)
{
	size_t n;

	s = decode(s, end, quote, out, size - 1, &n);
	if (!s || memchr(out, '\0', n))
		return NULL;
	out[n] = '\0';
	return s;
}

bool st_bytes(struct st_text t, unsigned char *out, size_t size, size_t *n)
{
	const char *end, *close;

	if (!t.n || *t.p != '"')
		return false;
	end = t.p + t.n;
	close = decode(t.p + 1, end, '"', (char *)out, size, n);
	return close && close < end;
}

bool st_string(struct st_text t, char *out, size_t size, bool *cut)
{
	const char *end, *close;

	if (!t.n || *t.p != '"')
		return false;
	end = t.p + t.n;
	close = decode_string(t.p + 1, end, '"', out, size);
	if (!close || close == end)
		return false;
	*cut = end - close >= 4 && !memcmp(close + 1, "...", 3);
	return true;
}

bool st_number(struct st_text t, int64_t *out)
{
	char text[32], *end;

	if (!t.n || t.n >= sizeof(text))
		return false;
	memcpy(text, t.p, t.n);
	text[t.n] = '\0';
	errno = 0;
	*out = *text == '-' ? strtoll(text, &end, 0) : (int64_t)strtoull(text, &end, 0);
	return end > text && !*end && !errno;
}

bool st_descriptor(struct st_text t, int *fd, struct st_text *path)
{
	const char *open = t.n ? memchr(t.p, '<', t.n) : NULL;
	struct st_text head = { t.p, open ? (size_t)(open - t.p) : t.n };
	int64_t v;

	*path = (struct st_text){ NULL, 0 };
	if (open) {
		const char *close = skip_annotation(open), *end = t.p + t.n;

		if (close > end)
			close = end;
		if (close - open >= 2 && close[-1] == '>')
			*path = (struct st_text){ open + 1, (size_t)(close - open) - 2 };
	}
	if (st_text_is(head, "AT_FDCWD")) {
		*fd = -100;
		return true;
	}
	if (!st_number(head, &v))
		return false;
	*fd = (int)(int32_t)v;
	return true;
}

bool st_annotation(struct st_text t, char *out, size_t size)
{
	static const char gone[] = " (deleted)";
	const char *end, *device; /* "/dev/null<char 1:3>" */

	if (!t.n || *t.p != '/')
		return false;
	device = memchr(t.p, '<', t.n);
	end = device ? device : t.p + t.n;
	if ((size_t)(end - t.p) > strlen(gone) && !memcmp(end - strlen(gone), gone, strlen(gone)))
		end -= strlen(gone);
	return decode_string(t.p, end, '\0', out, size) != NULL;
}

struct st_text st_member(struct st_text t, const char *name)
{
	const char *s = t.p, *end, *start = s;
	size_t len = strlen(name);
	unsigned depth = 0;

	if (!t.n)
		return t;
	end = t.p + t.n;

	/* The level of the structure itself: one brace deep, or none for a bare list. */
	while (s < end) {
		bool at_name = depth == (*t.p == '{') && (size_t)(end - s) > len + 1 &&
			       !memcmp(s, name, len) && s[len] == '=' &&
			       (s == start || strchr("{ ,", s[-1]));

		if (at_name) {
			const char *v = s + len + 1;
			unsigned inner = 0;

			for (s = v; s < end; s = skip(s, start)) {
				if (*s == '{' || *s == '(' || *s == '[')
					inner++;
				else if (strchr("})]", *s) && inner)
					inner--;
				else if ((*s == ',' || *s == '}') && !inner)
					break;
				else if (*s == ' ' && s[1] == '=' && s[2] == '>')
					break;
			}
			return trimmed(v, s < end ? s : end);
		}
		if (*s == '{' || *s == '[' || *s == '(')
			depth++;
		else if (strchr("}])", *s) && depth)
			depth--;
		s = skip(s, start);
	}
	return (struct st_text){ NULL, 0 };
}
