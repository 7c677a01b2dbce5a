/*
 * Saved container images: an archive of `docker save` (manifest.json), or an OCI image layout
 * (index.json and blobs/; OCI image specification 1.1), as a directory or in a tar archive. Nothing
 * is unpacked into the file system but compressed layers, into temporary files without names.
 *
 * An image is input from a stranger. Sizes, numbers of members, links and nesting are limited,
 * names cannot lead out of the image, and the SHA-256 of manifests, the configuration and every
 * layer is checked where the image states it.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	IMAGE_MAX_JSON = 4 * 1024 * 1024, /* of a manifest, an index, a configuration */
	IMAGE_MAX_LAYERS = 512,
	IMAGE_MAX_ARGS = 1024, /* words of an entry point, variables of an environment */
};
/* Bytes of all layers together, uncompressed. */
#define IMAGE_MAX_UNPACKED ((uint64_t)32 << 30)

/* A list of strings; ends with NULL. */
struct image_words {
	const char **v;
	size_t n;
};

/* What the image's configuration says; all strings belong to the image and are "" when unknown. */
struct image_config {
	const char *name; /* reference, such as web:1.2 */
	const char
		*digest; /* of the configuration: "sha256:…", which is the image's id in Docker */
	const char *arch; /* as in Go: amd64, arm64 … */
	const char *user, *workdir;
	struct image_words entrypoint, cmd, env;
};

struct image;

/*
 * Reads the image at `path`. `name` chooses among several: a reference or tag, or the architecture
 * (amd64 …); NULL: the one that there is, or among platforms that of this machine.
 */
int image_open(struct image **out, const char *path, const char *name, struct err *e);
void image_close(struct image **image);
#define cleanup_image cleanup(image_close)

const struct image_config *image_config(const struct image *image);
/* Whether every layer's SHA-256 was stated by the image and is right. */
bool image_verified(const struct image *image);

struct image_file {
	uint8_t *data; /* `len` bytes and a NUL */
	size_t len;
	char *path; /* absolute, all symbolic links resolved */
};

/*
 * Reads the regular file at `path`, which is taken from the image's root directory whether it
 * begins with
 * '/' or not. -ENOENT: there is none; -ELOOP: more than 40 symbolic links; -EFBIG: more than `max`
 * bytes. image_file_free may be called in any case.
 */
int image_read(const struct image *image, const char *path, size_t max, struct image_file *out,
	       struct err *e);
/* As image_read, but only what the file begins with: at most `max` bytes, and no error when there
 * is more. */
int image_read_head(const struct image *image, const char *path, size_t max, struct image_file *out,
		    struct err *e);
void image_file_free(struct image_file *f);
#define cleanup_image_file cleanup(image_file_free)

/* Calls `each` for every name in the directory, in strcmp order, and stops when that is not 0. */
int image_list(const struct image *image, const char *path,
	       int (*each)(void *arg, const char *name), void *arg, struct err *e);

#endif
