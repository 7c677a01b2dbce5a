#include "elf/asked.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

static const char between[] = " \t\r\n;{}[]()\"'`,=";
static const char line_end[] = "\n"; /* a word of its own; no other has this character */

static void add_word(struct asked *w, const char *text, size_t n)
{
	*vec_push(w->v, w->n, w->cap) = xasprintf("%.*s", (int)n, text);
}

/* The pieces of a text between separators. */
static void add_pieces(struct asked *w, const char *text)
{
	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t n = strcspn(text, between);

		add_word(w, text, n);
		text += n;
	}
}

struct splitter {
	struct buf word;
	bool any; /* a word has begun; it may be empty */
	char quote;
	char **v;
	size_t n, cap;
};

static void end_word(struct splitter *s)
{
	if (s->any)
		*vec_push(s->v, s->n, s->cap) = xasprintf("%.*s", (int)s->word.len,
							  buf_str(&s->word));
	s->word.len = 0;
	s->any = false;
}

static void one_char(struct splitter *s, const char **p)
{
	char c = **p;

	if (c == '\\' && s->quote != '\'' && (*p)[1]) {
		buf_putc(&s->word, *++*p);
		s->any = true;
	} else if (s->quote ? c == s->quote : c == '\'' || c == '"') {
		s->quote = s->quote ? '\0' : c;
		s->any = true;
	} else if (!s->quote && isspace((unsigned char)c)) {
		end_word(s);
	} else {
		buf_putc(&s->word, c);
		s->any = true;
	}
}

char **asked_split(const char *line)
{
	struct splitter s = { 0 };

	for (const char *p = line; *p; p++)
		one_char(&s, &p);
	end_word(&s);
	buf_free(&s.word);
	*vec_push(s.v, s.n, s.cap) = NULL;
	if (!s.quote)
		return s.v;
	asked_split_free(s.v);
	return NULL;
}

void asked_split_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

void asked_free(struct asked *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct asked){ 0 };
}

struct reading {
	struct asked *w;
	const struct elf_files *files;
	const struct asked_source *s;
	const char *folder; /* of the first file */
	unsigned depth;
};

static void read_file(struct reading *r, const char *path, bool optional);

struct listing {
	struct reading *r;
	const char *folder, *pattern;
};

static int read_matching(void *arg, const char *name)
{
	const struct listing *l = arg;
	cleanup_free char *path = xasprintf("%s/%s", l->folder, name);

	if (!fnmatch(l->pattern, name, FNM_PERIOD))
		read_file(l->r, path, false);
	return 0;
}

/* A file that a file names, or all that a pattern in its last part means. */
static void include(struct reading *r, const char *name)
{
	cleanup_free char *path = *name == '/' ? xstrdup(name)
					       : xasprintf("%s/%s", r->folder, name);
	char *last = strrchr(path, '/');
	struct listing l = { r, path, last + 1 };

	if (r->s->output && !strncmp(name, r->s->output, strlen(r->s->output)))
		return;
	if (!strpbrk(path, "*?[")) {
		read_file(r, path, false);
		return;
	}
	*last = '\0';
	if (strpbrk(path, "*?["))
		r->w->unknown = "it includes files by a pattern of folders";
	else
		elf_files_list(r->files, path, read_matching, &l, NULL);
}

static bool includes(const struct asked_source *s, const char *word)
{
	for (size_t i = 0; i < ASKED_PLACES && s->include[i]; i++)
		if (!strcasecmp(s->include[i], word))
			return true;
	return false;
}

/* Cuts off a comment: "#" at the begin or behind a blank, outside of quotes. */
static void cut_comment(char *line)
{
	bool quoted = false;

	for (char *p = line; *p; p++) {
		if (*p == '"' || *p == '\'')
			quoted = !quoted;
		else if (*p == '#' && !quoted && (p == line || isspace((unsigned char)p[-1])))
			*p-- = '\0';
	}
}

static void read_line(struct reading *r, char *line)
{
	size_t first = r->w->n;

	cut_comment(line);
	add_pieces(r->w, line);
	add_word(r->w, line_end, 1);
	for (size_t i = first; i < r->w->n; i++) {
		const char *next = i + 1 < r->w->n ? r->w->v[i + 1] : NULL;
		bool folder = r->s->include_folder && !strcasecmp(r->s->include_folder, r->w->v[i]);
		cleanup_free char *all = folder && next ? xasprintf("%s/*.conf", next) : NULL;

		if (!folder && !includes(r->s, r->w->v[i]))
			continue;
		if (!next || !strcmp(next, line_end))
			r->w->unknown = "an include without a name on its line";
		else
			include(r, all ? all : next);
	}
}

static void read_file(struct reading *r, const char *path, bool optional)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	cleanup_free char *text = NULL;
	char *lines = NULL;

	if (r->depth >= ASKED_MAX_DEPTH || r->w->n >= ASKED_MAX_WORDS ||
	    r->w->files++ >= ASKED_MAX_FILES) {
		r->w->unknown = "its configuration is too large";
		return;
	}
	if (elf_files_open(r->files, path, ELF_MAX_TEXT, &b, NULL)) {
		if (!optional)
			r->w->unknown = "a configuration file cannot be read";
		return;
	}
	if (memchr(b.data, '\0', b.len)) {
		r->w->unknown = "a configuration file is no text";
		return;
	}
	text = xcalloc(b.len + 1, 1);
	memcpy(text, b.data, b.len);
	r->depth++;
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines))
		read_line(r, line);
	r->depth--;
}

static void read_config(struct reading *r, const char *path)
{
	bool optional = *path == '?';
	cleanup_free char *folder = xstrdup(path + optional);
	char *last = strrchr(folder, '/');

	if (!last || *folder != '/') {
		r->w->unknown = "its configuration file has a relative name";
		return;
	}
	*last = '\0';
	r->folder = r->s->folder ? r->s->folder : folder;
	read_file(r, path + optional, optional);
}

/* The option for a configuration file in a form in which it is not looked for. */
static bool is_hidden(const struct asked_source *s, const char *arg)
{
	size_t n = strlen(s->option);

	if (!n || !strcmp(arg, s->option) || arg[0] != '-' || arg[1] == '-')
		return false;
	return !strncmp(arg, s->option, n) || (!s->alone && strchr(arg, s->option[1]));
}

/* The file in the argument of the option for it; NULL: the argument is about something else. */
static const char *file_in(struct reading *r, const char *arg)
{
	const char *value = r->s->value;
	size_t n = value ? strlen(value) : 0;

	if (!arg || !value || !strncmp(arg, value, n))
		return arg ? arg + n : NULL;
	for (size_t i = 0; i < ASKED_PLACES && r->s->include[i]; i++)
		if (!strncmp(arg, r->s->include[i], strlen(r->s->include[i])))
			r->w->unknown = "a file is named in the command line";
	return NULL;
}

/* The configuration files that a command line names; whether there is one. */
static bool read_named(struct reading *r, char *const *argv)
{
	const char *option = r->s->option;
	bool any = false;

	for (size_t i = 1; option && *argv && argv[i]; i++) {
		const char *file = file_in(r, *option ? argv[i + 1] : argv[i]);

		if (is_hidden(r->s, argv[i]))
			r->w->unknown = "options are joined with that for a configuration file";
		if (*option ? strcmp(argv[i], option) != 0 : i > 1 || argv[i][0] == '-')
			continue;
		any |= file || !r->s->value;
		if (file)
			read_config(r, file);
	}
	return any;
}

/* Files that it reads whatever the command line says, some of them in a folder that it names. */
static void read_also(struct reading *r, char *const *argv)
{
	const char *folder = NULL;

	for (size_t i = 1; r->s->folder_option && *argv && argv[i]; i++)
		if (!strcmp(argv[i], r->s->folder_option))
			folder = argv[i + 1];
	for (size_t i = 0; i < ASKED_PLACES && r->s->also[i]; i++) {
		const char *name = r->s->also[i];
		bool inside = name[*name == '?'] != '/';
		cleanup_free char *path = inside && folder ? xasprintf("%s/%s", folder, name)
							   : xstrdup(name);

		read_config(r, path);
	}
}

static bool reads_commands(const struct asked_source *s, char *const *argv)
{
	unsigned n = 0;

	for (size_t i = 1; s->arguments && *argv && argv[i]; i++, n++)
		if (argv[i][0] == '-')
			return true;
	return n < s->arguments;
}

static void read_command(struct reading *r, char *const *argv)
{
	for (size_t i = 0; argv[i]; i++) {
		add_word(r->w, argv[i], strlen(argv[i]));
		add_pieces(r->w, argv[i]);
		add_word(r->w, line_end, 1);
	}
	if (reads_commands(r->s, argv))
		r->w->unknown = "it may read commands from its standard input";
	read_also(r, argv);
	if (read_named(r, argv)) {
		add_word(r->w, ASKED_FILE, strlen(ASKED_FILE));
		return;
	}
	for (size_t i = 0; i < ASKED_PLACES && r->s->files[i]; i++)
		read_config(r, r->s->files[i]);
}

void asked_read(struct asked *w, const struct elf_files *files, const struct asked_source *s,
		char *const *const *commands, size_t commands_n)
{
	struct reading r = { .w = w, .files = files, .s = s };

	*w = (struct asked){ .unknown = commands_n ? NULL : "its command line is not given" };
	for (size_t i = 0; i < commands_n; i++)
		read_command(&r, commands[i]);
	if (s->needed && !asked_for(w, s->needed))
		w->unknown = "no configuration file names all others";
	if (s->another && asked_for(w, s->another))
		w->unknown = "it reads words from a file that is named in them";
}

static bool fits(const char *word, const char *pattern)
{
	size_t n = strlen(word), k = strlen(pattern);

	if (*pattern == '<')
		return n >= 2 && n < k && !strncasecmp(word, pattern + 1, n);
	if (*pattern == '-' && k == 2 && pattern[1] != '-')
		return *word == '-' && word[1] != '-' && strchr(word, pattern[1]);
	return strcmp(word, line_end) != 0 && !fnmatch(pattern, word, FNM_CASEFOLD);
}

/* "word pattern": next to it, or anywhere up to the end of the line. */
static bool have_behind(const struct asked *w, const char *pattern, bool anywhere)
{
	size_t n = strcspn(pattern, " ");
	bool behind = false;

	for (size_t i = 0; pattern[n] && i < w->n; i++) {
		bool is_it = strlen(w->v[i]) == n && !strncasecmp(w->v[i], pattern, n);

		if (behind && fits(w->v[i], pattern + n + 1))
			return true;
		behind = is_it || (behind && anywhere && strcmp(w->v[i], line_end) != 0);
	}
	return false;
}

bool asked_for(const struct asked *w, const char *pattern)
{
	if (*pattern == '>')
		return have_behind(w, pattern + 1 + (pattern[1] == '>'), pattern[1] == '>');
	for (size_t i = 0; i < w->n; i++)
		if (fits(w->v[i], pattern))
			return true;
	return false;
}
