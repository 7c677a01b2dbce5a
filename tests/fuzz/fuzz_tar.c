/*
 * Archives of any content as a layer and as a saved image. Whatever is in them, the tree is
 * consistent, what it says of files lies inside the archive, and no lookup leads out of it. The
 * checksums of headers are set right first, or nothing would come behind them.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "image/entry.h"
#include "image/image.h"
#include "image/tree.h"

static void fix_checksums(uint8_t *p, size_t size)
{
	for (; size >= 512; p += 512, size -= 512) {
		unsigned int sum = 0;

		if (memcmp(p + 257, "ustar", 5) != 0)
			continue;
		memset(p + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += p[i];
		snprintf((char *)p + 148, 8, "%06o", sum);
	}
}

static void must(int holds)
{
	if (!holds)
		abort();
}

static void check_dir(const struct tree *t, const struct tree_node *dir, size_t size)
{
	for (const struct tree_node *n = dir->first; n; n = n->next) {
		struct tree_node *found;
		char *path = tree_path(n);

		must(n->parent == dir && n->depth == dir->depth + 1 && *n->name);
		must(strcmp(n->name, "..") && strcmp(n->name, ".") && !strchr(n->name, '/'));
		must(!n->prev ? dir->first == n : n->prev->next == n);
		must(n->type == TREE_DIR || !n->first);
		must(n->type != TREE_FILE ||
		     (n->data.off <= size && n->data.len <= size - n->data.off));
		if (strlen(path) <= TAR_MAX_PATH)
			must(!tree_find(t, path, false, &found, NULL) && found == n);
		tree_find(t, path, true, &found, NULL);
		free(path);
		check_dir(t, n, size);
	}
}

static int ignore(void *arg, const struct shell_command *c)
{
	(void)arg;
	must(c->word && *c->word);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free uint8_t *copy = (uint8_t *)fuzz_text(data, size);
	cleanup_close int fd = memfd_create("tar", MFD_CLOEXEC);
	struct blob blob = { .fd = fd, .len = size };
	cleanup_tree struct tree t;
	cleanup_image struct image *image = NULL;
	struct err e = { 0 };
	char path[64];

	shell_commands((const char *)data, size, ignore, NULL);
	fix_checksums(copy, size);
	if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
		return 0;
	tree_init(&t);
	for (int layer = 0; layer < 2; layer++) {
		if (tree_add_tar(&t, &blob, true, "fuzz", &e))
			must(e.code && e.msg[0]);
		check_dir(&t, t.root, size);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!image_open(&image, path, NULL, &e)) {
		cleanup_entry struct entry en = { 0 };

		must(!entry_find(image, NULL, &en, &e) || e.code);
	}
	return 0;
}
