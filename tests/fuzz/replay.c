/*
 * Runs a fuzz target on every file of the folders given, without libFuzzer, so that the corpora are
 * ordinary tests of any build. The name of a file is printed before it is tried: when the target
 * dies, the last name is the input that did it.
 */
#include <dirent.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/io.h"
#include "fuzz.h"

enum { INPUT_MAX = 16 * 1024 * 1024 };

static int replay_file(const char *path)
{
	cleanup_buf struct buf b = { 0 };
	cleanup_free uint8_t *exact = NULL;
	struct err e;

	puts(path);
	fflush(stdout);
	if (io_read_file(path, INPUT_MAX, &b, &e)) {
		printf("%s\n", e.msg);
		return -1;
	}
	/* A copy without the buffer's reserve, so that a read behind the end is noticed. */
	exact = malloc(b.len ? b.len : 1);
	if (!exact)
		mem_exhausted();
	memcpy(exact, buf_str(&b), b.len);
	LLVMFuzzerTestOneInput(exact, b.len);
	return 0;
}

/* The number of files tried, -1 when one could not be read. */
static long replay_folder(const char *folder)
{
	cleanup_closedir DIR *d = opendir(folder);
	const struct dirent *entry;
	long n = 0;

	if (!d) {
		printf("%s: cannot open this folder\n", folder);
		return -1;
	}
	while ((entry = readdir(d))) {
		cleanup_free char *path = xasprintf("%s/%s", folder, entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (replay_file(path))
			return -1;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	long total = 0;

	for (int i = 1; i < argc; i++) {
		long n = replay_folder(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	printf("%ld inputs\n", total);
	return total ? 0 : 1; /* an empty corpus tests nothing */
}
