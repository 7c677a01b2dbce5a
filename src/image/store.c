/* The parts of a saved image by name, from a directory or a tar archive. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/image_private.h"

static int keep_fd(struct image *image, int fd)
{
	*vec_push(image->fds, image->n_fds, image->cap_fds) = fd;
	return fd;
}

/* A directory's file, without following links: a layout has none. */
static int find_in_dir(struct image *image, const char *path, struct blob *out, struct err *e)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	const char *name = image->store.name;
	struct stat st;
	int fd = (int)syscall(SYS_openat2, image->store.fd, path, &how, sizeof(how));

	if (fd < 0)
		return err_errno(e, errno == ENOTDIR ? ENOENT : errno, "%s: cannot open %s", name,
				 path);
	keep_fd(image, fd);
	if (fstat(fd, &st))
		return err_errno(e, errno, "%s: cannot examine %s", name, path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s: %s is no regular file", name, path);
	*out = (struct blob){ .fd = fd, .len = (uint64_t)st.st_size };
	return 0;
}

int store_find(struct image *image, const char *path, struct blob *out, struct err *e)
{
	struct tree_node *n;
	int r;

	if (image->store.is_dir)
		return find_in_dir(image, path, out, e);
	r = tree_find(&image->store.members, path, true, &n, e);
	if (r)
		return err_prefix(e, "%s", image->store.name);
	if (n->type != TREE_FILE)
		return err_set(e, EINVAL, "%s: %s is no regular file", image->store.name, path);
	*out = n->data;
	return 0;
}

int store_blob_path(struct image *image, const char *digest, const char **out, struct err *e)
{
	const char *colon = strchr(digest, ':');
	size_t alg = colon ? (size_t)(colon - digest) : 0;

	/* Letters and digits only, so no name leads anywhere else. */
	if (!alg || alg > 32 || strspn(digest, "abcdefghijklmnopqrstuvwxyz0123456789") != alg ||
	    !colon[1] || strlen(colon + 1) > 128 ||
	    colon[1 + strspn(colon + 1, "0123456789abcdef")])
		return err_set(e, EINVAL, "%s: '%.80s' is no digest", image->store.name, digest);
	*out = arena_printf(&image->arena, "blobs/%.*s/%s", (int)alg, digest, colon + 1);
	return 0;
}

int store_check(const struct blob *b, const char *digest, const char *what, struct err *e)
{
	char hex[SHA256_HEX];
	int r;

	if (strncmp(digest, "sha256:", 7) != 0)
		return err_set(e, ENOTSUP, "%s: digest %.80s; only sha256 is known", what, digest);
	r = blob_sha256(b, hex, what, e);
	if (!r && strcmp(hex, digest + 7) != 0)
		r = err_set(e, EBADMSG, "%s: its SHA-256 is %s, not %.64s as the image says", what,
			    hex, digest + 7);
	return r;
}

int store_json(struct image *image, const char *path, const char *digest, struct json_doc *out,
	       struct err *e)
{
	const char *what = arena_printf(&image->arena, "%s: %s", image->store.name, path);
	cleanup_buf struct buf text = { 0 };
	struct blob blob;
	int r = store_find(image, path, &blob, e);

	if (!r)
		r = blob_load(&blob, IMAGE_MAX_JSON, &text, what, e);
	if (!r && digest)
		r = store_check(&blob, digest, what, e);
	return r ? r : json_parse(out, what, buf_str(&text), text.len, e);
}
