#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/args.h"
#include "app/help.h"
#include "base/suggest.h"

/*
 * Fills what of standard input, output and error is closed, so that no file that is opened later
 * takes its place. Reading or writing it then fails, as it would have.
 */
static void fill_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

static void print_buf(FILE *f, const struct buf *b)
{
	fwrite(buf_str(b), 1, b->len, f);
}

static int unknown_command(const char *name)
{
	const char *kind = name[0] == '-' ? "option" : "command";
	const struct command *c;
	struct suggest s;

	suggest_begin(&s, name);
	for (size_t i = 0; (c = command_at(i)); i++)
		suggest_offer(&s, c->name, strlen(c->name));
	if (s.found)
		fprintf(stderr, "boltseal: unknown %s '%s'; did you mean '%s'?\n", kind, name,
			s.found);
	else
		fprintf(stderr, "boltseal: unknown %s '%s' (see boltseal --help)\n", kind, name);
	return EXIT_ERROR;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	cleanup_args struct args a = { 0 };
	cleanup_buf struct buf help = { 0 };
	struct err e = { 0 };
	int rc = args_parse(&a, c, argc, argv, &e);

	if (!rc && a.help) {
		help_command(c, &help);
		print_buf(stdout, &help);
	} else if (!rc) {
		rc = c->run(&a, &e);
	}
	if (rc && e.msg[0])
		fprintf(stderr, "boltseal %s: %s\n", c->name, e.msg);
	return rc < 0 ? EXIT_ERROR : rc;
}

static int dispatch(int argc, char **argv)
{
	cleanup_buf struct buf text = { 0 };
	const char *first = argc > 1 ? argv[1] : NULL;
	const struct command *c;

	if (!first) {
		help_usage(&text);
		print_buf(stderr, &text);
		return EXIT_ERROR;
	}
	if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
		help_overview(&text);
		print_buf(stdout, &text);
		return EXIT_OK;
	}
	if (!strcmp(first, "--version")) {
		puts("boltseal " BOLTSEAL_VERSION);
		return EXIT_OK;
	}
	c = command_find(first);
	return c ? run_command(c, argc - 2, argv + 2) : unknown_command(first);
}

int main(int argc, char **argv)
{
	int rc;

	fill_standard_files();
	rc = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "boltseal: cannot write standard output\n");
		return EXIT_ERROR;
	}
	return rc;
}
