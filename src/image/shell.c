/*
 * The commands of a shell script, by their place: a small reader of the words and operators of the
 * shell language (POSIX.1-2017, Shell Command Language, 2.2 to 2.4 and 2.10), which runs and
 * expands nothing.
 */
#include <ctype.h>
#include <string.h>

#include "image/entry.h"

enum { MAX_WORD = 4096, MAX_HEREDOCS = 8, MAX_NESTING = 8 };

struct shell {
	const char *p, *end;
	int (*each)(void *arg, const struct shell_command *c);
	void *arg;
	int result;    /* the first that is not 0 */
	int nesting;   /* of command substitutions */
	bool launcher; /* the words that follow are arguments of one */
	unsigned int line;
	bool command; /* the next word can be a command */
	bool exec;    /* it stands behind exec */
	bool skip;    /* it is the file of a redirection */
	int in_case;  /* nested case … in, where "x)" is a pattern */
	bool pattern; /* a pattern of a case can stand here */
	char word[MAX_WORD];
	size_t len;
	bool known;
	char heredoc[MAX_HEREDOCS][64]; /* delimiters whose text begins with the next line */
	bool heredoc_tabs[MAX_HEREDOCS];
	size_t n_heredocs;
};

/* Words behind which the next word is a command again. */
static const char *const openers[] = {
	"if", "then", "elif", "else", "while",	 "until", "do",
	"!",  "{",    "(",    "time", "command", "exec",  "builtin",
};

/* Words that are part of the shell: no program of that name is executed. */
static const char *const own_words[] = {
	":",	    "[",       "[[",	  "alias", "bg",       "break",	   "case",   "cd",
	"continue", "declare", "disown",  "done",  "echo",     "esac",	   "exit",   "export",
	"false",    "fg",      "fi",	  "for",   "function", "getopts",  "hash",   "jobs",
	"let",	    "local",   "printf",  "pwd",   "read",     "readonly", "return", "select",
	"shift",    "shopt",   "test",	  "times", "trap",     "true",	   "type",   "typeset",
	"ulimit",   "umask",   "unalias", "unset", "wait",     "in",	   "set",    "}",
	"]]",	    "mapfile", "pushd",	  "popd",  "kill",
};

/* Programs that execute what their arguments name; `set` gives "$@" to what comes later. */
static const char *const launchers[] = {
	"set",	       "env",	       "nohup",	  "nice",	 "ionice",    "timeout",
	"xargs",       "find",	       "chroot",  "setsid",	 "stdbuf",    "setpriv",
	"sudo",	       "su",	       "runuser", "gosu",	 "su-exec",   "chpst",
	"setuidgid",   "s6-setuidgid", "tini",	  "tini-static", "dumb-init", "catatonit",
	"docker-init", "capsh",	       "unshare", "prlimit",	 "taskset",   "start-stop-daemon",
	"flock",       "exec",	       "time",
};

static bool in_list(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i], word))
			return true;
	}
	return false;
}

static void put(struct shell *s, char c)
{
	if (s->len + 1 < MAX_WORD)
		s->word[s->len++] = c;
	else
		s->known = false;
}

static char take(struct shell *s)
{
	if (*s->p == '\n')
		s->line++;
	return *s->p++;
}

static void read_all(struct shell *s);

/* Reads the text up to `end` as a script of its own. */
static void nested(struct shell *s, const char *end)
{
	struct shell inner = { .p = s->p,
			       .end = end,
			       .each = s->each,
			       .arg = s->arg,
			       .line = s->line,
			       .command = true,
			       .nesting = s->nesting + 1 };

	if (inner.nesting <= MAX_NESTING && !s->result) {
		read_all(&inner);
		s->result = inner.result;
	}
	while (s->p < end)
		take(s);
}

/* The ')' that closes the parenthesis at p, or the end. */
static const char *closing(const char *p, const char *end)
{
	int depth = 0;
	char quote = 0;

	for (; p < end; p++) {
		if (*p == '\\' && quote != '\'' && p + 1 < end)
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && !--depth)
			return p;
	}
	return end;
}

/* A command substitution that begins at s->p, with '(' or '`'. */
static void substitution(struct shell *s)
{
	const char *end;

	s->known = false;
	if (*s->p == '(') {
		end = closing(s->p, s->end);
		s->p++;
	} else {
		s->p++;
		end = memchr(s->p, '`', (size_t)(s->end - s->p));
		if (!end)
			end = s->end;
	}
	if (s->p < end)
		nested(s, end);
	if (s->p < s->end)
		s->p++;
}

static void single_quoted(struct shell *s)
{
	while (s->p < s->end && *s->p != '\'')
		put(s, take(s));
	if (s->p < s->end)
		s->p++;
}

/* '$' or '`' was not taken yet. */
static void expansion(struct shell *s)
{
	s->known = false;
	if (*s->p == '`') {
		substitution(s);
		return;
	}
	put(s, take(s));
	if (s->p < s->end && *s->p == '(')
		substitution(s);
}

static void double_quoted(struct shell *s)
{
	while (s->p < s->end && *s->p != '"') {
		if (*s->p == '$' || *s->p == '`') {
			expansion(s);
		} else if (*s->p == '\\' && s->end - s->p >= 2) {
			s->p++;
			put(s, take(s));
		} else {
			put(s, take(s));
		}
	}
	if (s->p < s->end)
		s->p++;
}

static bool ends_word(char c)
{
	return isspace((unsigned char)c) || strchr(";&|()<>", c);
}

/* ${…} as part of a word, with nested braces and quotes. */
static void braces(struct shell *s)
{
	int depth = 0;

	while (s->p < s->end) {
		char c = take(s);

		put(s, c);
		if (c == '\\' && s->p < s->end)
			put(s, take(s));
		depth += (c == '{') - (c == '}');
		if (!depth)
			return;
	}
}

static void read_word(struct shell *s)
{
	s->len = 0;
	s->known = true;
	while (s->p < s->end && !ends_word(*s->p)) {
		char c = *s->p;

		if (c == '$' || c == '`') {
			expansion(s);
			if (s->p < s->end && *s->p == '{')
				braces(s);
			continue;
		}
		c = take(s);
		if (c == '\'') {
			single_quoted(s);
		} else if (c == '"') {
			double_quoted(s);
		} else if (c == '\\' && s->p < s->end) {
			c = take(s);
			if (c != '\n')
				put(s, c);
		} else {
			put(s, c);
		}
	}
	s->word[s->len] = '\0';
}

/* NAME=value or NAME+=value before a command. */
static bool is_assignment(const char *w)
{
	const char *p = w;

	if (!isalpha((unsigned char)*p) && *p != '_')
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	if (*p == '[')
		p += strcspn(p, "=");
	return *p == '=' || (*p == '+' && p[1] == '=');
}

static bool is_number(const char *w)
{
	return *w && !w[strspn(w, "0123456789")];
}

static void report(struct shell *s, struct shell_command c)
{
	if (!s->result)
		s->result = s->each(s->arg, &c);
}

/* Keeps track of case … in … esac; whether the word is part of a pattern. */
static bool in_pattern(struct shell *s)
{
	if (!strcmp(s->word, "case") && s->command)
		s->in_case++;
	if (!strcmp(s->word, "esac") && s->in_case && (s->command || s->pattern)) {
		s->in_case--;
		s->pattern = false;
	}
	if (!strcmp(s->word, "in") && s->in_case && !s->command)
		s->pattern = true;
	return s->pattern;
}

/* Whether the word stands before the command: an assignment, an option of exec, the 2 of 2>&1. */
static bool before_command(const struct shell *s)
{
	return is_assignment(s->word) || (s->exec && s->word[0] == '-') || !*s->word ||
	       (is_number(s->word) && s->p < s->end && (*s->p == '<' || *s->p == '>'));
}

static void take_word(struct shell *s)
{
	struct shell_command c = { .word = s->word, .known = s->known, .line = s->line };

	if (s->skip) {
		s->skip = false;
		return;
	}
	if (in_pattern(s))
		return;
	if (!s->command) {
		c.maybe = true;
		c.exec = s->exec;
		if (s->launcher && *s->word && *s->word != '-' && !is_assignment(s->word))
			report(s, c);
		return;
	}
	if (before_command(s))
		return;
	if (s->known && in_list(openers, ARRAY_SIZE(openers), s->word)) {
		s->exec = !strcmp(s->word, "exec");
		return;
	}
	s->command = false;
	s->launcher = s->known && shell_launcher(s->word);
	c.exec = s->exec;
	if (!s->launcher)
		s->exec = false;
	if (!in_list(own_words, ARRAY_SIZE(own_words), s->word))
		report(s, c);
}

bool shell_launcher(const char *name)
{
	const char *slash = strrchr(name, '/');

	return in_list(launchers, ARRAY_SIZE(launchers), slash ? slash + 1 : name);
}

/* << and <<-: remembers where the text ends. */
static void take_heredoc(struct shell *s)
{
	bool tabs = s->p < s->end && *s->p == '-';

	if (tabs)
		s->p++;
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
	read_word(s);
	if (s->n_heredocs < MAX_HEREDOCS && s->len && s->len < sizeof(s->heredoc[0])) {
		memcpy(s->heredoc[s->n_heredocs], s->word, s->len + 1);
		s->heredoc_tabs[s->n_heredocs++] = tabs;
	}
}

/* At the start of a line: goes behind the texts that were announced before it. */
static void skip_heredocs(struct shell *s)
{
	for (size_t i = 0; i < s->n_heredocs; i++) {
		size_t want = strlen(s->heredoc[i]);

		while (s->p < s->end) {
			const char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));
			const char *stop = nl ? nl : s->end, *q = s->p;

			while (s->heredoc_tabs[i] && q < stop && *q == '\t')
				q++;
			s->p = nl ? nl + 1 : s->end;
			s->line++;
			if ((size_t)(stop - q) == want && !memcmp(q, s->heredoc[i], want))
				break;
		}
	}
	s->n_heredocs = 0;
}

static void new_command(struct shell *s)
{
	s->command = true;
	s->exec = false;
	s->skip = false;
	s->launcher = false;
}

static void take_operator(struct shell *s)
{
	char c = take(s);

	switch (c) {
	case '\n':
		skip_heredocs(s);
		new_command(s);
		break;
	case ';':
		if (s->p < s->end && *s->p == ';' && s->in_case)
			s->pattern = true;
		new_command(s);
		break;
	case ')':
		s->pattern = false;
		new_command(s);
		break;
	case '&':
		if (s->p < s->end && *s->p == '>') /* &>file */
			break;
		new_command(s);
		break;
	case '<':
	case '>':
		if (c == '<' && s->end - s->p >= 1 && *s->p == '<' &&
		    !(s->end - s->p >= 2 && s->p[1] == '<')) {
			s->p++;
			take_heredoc(s);
			break;
		}
		while (s->p < s->end && strchr("<>&|", *s->p))
			s->p++;
		s->skip = true;
		break;
	default: /* | ( */
		new_command(s);
	}
}

static void read_all(struct shell *s)
{
	while (!s->result && s->p < s->end) {
		if (*s->p == '#') {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		} else if (*s->p == '\\' && s->end - s->p >= 2 && s->p[1] == '\n') {
			s->line++;
			s->p += 2;
		} else if (*s->p == '\n' || (*s->p && strchr(";&|()<>", *s->p))) {
			take_operator(s);
		} else if (isspace((unsigned char)*s->p) || !*s->p) {
			s->p++;
		} else {
			read_word(s);
			take_word(s);
		}
	}
}

int shell_commands(const char *text, size_t len,
		   int (*each)(void *arg, const struct shell_command *c), void *arg)
{
	struct shell s = {
		.p = text, .end = text + len, .each = each, .arg = arg, .line = 1, .command = true
	};

	read_all(&s);
	return s.result;
}
