#include "respond/exec_rules.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "model/workload.h"
#include "respond/procinfo.h"
#include "respond/yara_scan.h"

enum { CACHE = 1024 };

struct model {
	const char *image; /* pattern */
	struct workload w;
};

/* The hash of a file that did not change since. */
struct known {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	char hex[RESPOND_SHA256];
};

struct exec_rules {
	const struct respond_exec *x;
	struct model *models;
	size_t models_n, models_cap;
	struct yara_scan *yara; /* NULL: no rules */
	struct known cache[CACHE];
};

void exec_rules_free(struct exec_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->models_n; i++)
		wl_free(&r->models[i].w);
	free(r->models);
	yara_scan_free(r->yara);
	free(r);
}

static int load(struct exec_rules *r, struct err *e)
{
	for (size_t i = 0; i < r->x->models_n; i++) {
		struct model *m = vec_push(r->models, r->models_n, r->models_cap);
		int err;

		m->image = r->x->models[i].image;
		wl_init(&m->w);
		err = wl_load(&m->w, r->x->models[i].file, e);
		if (err < 0)
			return err;
	}
	return r->x->yara_n ? yara_scan_new(&r->yara, r->x->yara, r->x->yara_n, e) : 0;
}

int exec_rules_new(struct exec_rules **out, const struct respond_exec *x, struct err *e)
{
	static const struct respond_exec nothing;
	struct exec_rules *r = xcalloc(1, sizeof(*r));
	int err;

	r->x = x ? x : &nothing;
	err = load(r, e);
	if (err < 0)
		exec_rules_free(r);
	else
		*out = r;
	return err;
}

/* ---- hashes */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static const char *hash_of(struct exec_rules *r, int fd)
{
	struct known *k;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	k = &r->cache[(st.st_ino ^ st.st_dev) % CACHE];
	if (k->hex[0] && k->dev == st.st_dev && k->ino == st.st_ino && k->size == st.st_size &&
	    same_time(&k->mtime, &st.st_mtim) && same_time(&k->ctime, &st.st_ctim))
		return k->hex;
	*k = (struct known){ .dev = st.st_dev,
			     .ino = st.st_ino,
			     .size = st.st_size,
			     .mtime = st.st_mtim,
			     .ctime = st.st_ctim };
	if (procinfo_sha256_of(fd, k->hex) < 0)
		k->hex[0] = '\0';
	return k->hex[0] ? k->hex : NULL;
}

static bool is_forbidden(struct exec_rules *r, int fd, char (*hashes)[RESPOND_SHA256], size_t n,
			 char *reason, size_t size)
{
	const char *hex = n || r->x->hashes_n ? hash_of(r, fd) : NULL;

	for (size_t i = 0; hex && i < n + r->x->hashes_n; i++)
		if (!strcmp(hex, i < n ? hashes[i] : r->x->hashes[i - n])) {
			snprintf(reason, size, "forbidden by its SHA-256 %s", hex);
			return true;
		}
	return false;
}

/* ---- models */

static bool has_program(const struct workload *w, const char *path)
{
	for (size_t i = 0; i < w->programs_n; i++)
		if ((!strcmp(w->programs[i].path, path) ||
		     (w->programs[i].interpreter && !strcmp(w->programs[i].interpreter, path))) &&
		    !wl_program_only_named(w, (uint32_t)i))
			return true;
	for (size_t i = 0; i < w->files_n; i++)
		if (w->files[i].access & WL_F_EXEC && wl_file_matches(&w->files[i], path))
			return true;
	return false;
}

/* Whether models are about this image, and none of them has the program. */
static bool is_unknown(const struct exec_rules *r, const char *image, const char *path,
		       char *reason, size_t size)
{
	const struct model *about = NULL;

	for (size_t i = 0; i < r->models_n; i++) {
		if (fnmatch(r->models[i].image, image, 0) != 0)
			continue;
		about = &r->models[i];
		if (has_program(&about->w, path))
			return false;
	}
	if (about)
		snprintf(reason, size, "not in the model of %s", about->image);
	return about;
}

bool exec_rules_refuse(struct exec_rules *r, int fd, const char *path, const char *image,
		       char (*hashes)[RESPOND_SHA256], size_t hashes_n, char *reason, size_t size)
{
	return is_forbidden(r, fd, hashes, hashes_n, reason, size) ||
	       is_unknown(r, image, path, reason, size) ||
	       (r->yara && yara_scan_fd(r->yara, fd, reason, size));
}
