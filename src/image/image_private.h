/* What the files of an image's reader share. */
#ifndef IMAGE_IMAGE_PRIVATE_H
#define IMAGE_IMAGE_PRIVATE_H

#include "base/arena.h"
#include "base/json.h"
#include "image/image.h"
#include "image/tree.h"

/* Where blobs and manifests are found: in a directory or in a tar archive. */
struct store {
	const char *name; /* the image's path, in messages */
	int fd;		  /* the directory or the archive */
	bool is_dir;
	struct tree members; /* of the archive */
};

struct image {
	struct arena arena;
	struct store store;
	struct tree tree;
	struct image_config config;
	int *fds; /* of temporary files and of a directory's blobs, which the tree reads from */
	size_t n_fds, cap_fds;
	uint64_t unpacked;
	bool verified;
};

/* Which manifest of several, and what it consists of. */
struct manifest {
	const char *config_path;   /* in the store */
	const char *config_digest; /* "sha256:…"; NULL: not stated */
	const char **layers;	   /* paths in the store, lowest first */
	size_t n_layers;
	const char *name; /* reference; NULL: none */
};

/* The blob of a path in the store; descriptors that it opens go into `image`. -ENOENT: none. */
int store_find(struct image *image, const char *path, struct blob *out, struct err *e);
/* Reads and parses JSON of the store, and compares with the digest unless that is NULL. */
int store_json(struct image *image, const char *path, const char *digest, struct json_doc *out,
	       struct err *e);
/* "blobs/sha256/HEX" of a digest; -EINVAL when it is no digest. In the image's arena. */
int store_blob_path(struct image *image, const char *digest, const char **out, struct err *e);
/* Compares the blob's SHA-256 with "sha256:HEX"; other algorithms are -ENOTSUP. */
int store_check(const struct blob *b, const char *digest, const char *what, struct err *e);

/* manifest.json of docker save, and index.json of an OCI layout. */
int manifest_docker(struct image *image, const char *choice, struct manifest *out, struct err *e);
int manifest_oci(struct image *image, const char *choice, struct manifest *out, struct err *e);

/* The strings of a JSON array; a member that is no string is an error. */
int json_words(struct image *image, const struct json_doc *d, const struct json_path *at,
	       struct json_object *array, struct image_words *out, struct err *e);

#endif
