#include "profile/places.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "profile/generate_private.h"

#define CHANGES (WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE | WL_F_META | WL_F_LINK)

/* Empty at every start by convention (Filesystem Hierarchy Standard 3.0, 3.15, 3.18, 5.15). */
static const char *const scratch[] = { "/dev/shm", "/run", "/tmp", "/var/run", "/var/tmp" };

/* Whether the path is the directory itself or something in it. */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return true;
	return !strncmp(path, dir, n) && (path[n] == '/' || path[n] == '\0');
}

/* Cuts the last name off: "/a/b", "/a/b/" and (a pattern's) "/a/" with more behind become "/a". */
static void to_directory(char *path, bool cut_slash)
{
	size_t n = strlen(path);

	if (cut_slash && n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	path[n ? n : 1] = '\0';
}

static bool is_pseudo(const char *path)
{
	return is_below(path, "/proc") || is_below(path, "/sys") || is_below(path, "/dev");
}

/* Takes `dir` over. */
static void add_place(struct places *out, char *dir)
{
	struct place *p;

	for (size_t i = 0; i < out->n; i++) {
		if (!strcmp(out->v[i].dir, dir)) {
			free(dir);
			return;
		}
	}
	p = vec_push(out->v, out->n, out->cap);
	p->dir = dir;
}

static void add_file(struct places *out, const struct wl_file *f)
{
	cleanup_free char *path = NULL;
	bool cut_pattern;

	if (!(f->prov.phases & WL_PROGRAM_PHASES) || !(f->access & CHANGES) || *f->path != '/')
		return;
	path = f->pattern ? wl_pattern_prefix(f->path) : xstrdup(f->path);
	cut_pattern = f->pattern && strcmp(path, f->path) != 0;
	if (is_pseudo(path))
		return;
	/* Changing the mode of a directory changes the directory, not what it is in. */
	if (!cut_pattern && (f->access & CHANGES) == WL_F_META && path[strlen(path) - 1] == '/') {
		if (strlen(path) > 1)
			path[strlen(path) - 1] = '\0';
	} else {
		to_directory(path, !cut_pattern);
	}
	add_place(out, take_ptr(path));
}

static void add_socket(struct places *out, const struct wl_net *n)
{
	cleanup_free char *path = NULL;

	if (n->family != AF_UNIX || *n->address != '/' || is_pseudo(n->address) ||
	    (n->op != WL_NET_BIND && n->op != WL_NET_LISTEN) ||
	    !(n->prov.phases & WL_PROGRAM_PHASES))
		return;
	path = xstrdup(n->address);
	to_directory(path, true);
	add_place(out, take_ptr(path));
}

/* The file that the program uses there and did not make; the first one by name. */
static const char *needed_below(const struct workload *w, const char *dir)
{
	static const uint32_t uses = WL_F_READ | WL_F_WRITE | WL_F_APPEND | WL_F_DELETE |
				     WL_F_EXEC | WL_F_MAP | WL_F_LINK | WL_F_META;
	const char *first = NULL;
	size_t n = strlen(dir);

	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];
		bool itself = !strncmp(f->path, dir, n) && !strcmp(f->path + n, "/");

		if (!itself && is_below(f->path, dir) && f->access & uses &&
		    !(f->access & WL_F_CREATE) && f->prov.phases & WL_PROGRAM_PHASES &&
		    (!first || strcmp(f->path, first) < 0))
			first = f->path;
	}
	return first;
}

static bool executes_below(const struct workload *w, const char *dir)
{
	for (size_t i = 0; i < w->files_n; i++)
		if (w->files[i].access & (WL_F_EXEC | WL_F_MAP) &&
		    w->files[i].prov.phases & WL_PROGRAM_PHASES && is_below(w->files[i].path, dir))
			return true;
	return false;
}

/* A directory that the program makes itself in another place comes with that place. */
static bool is_made(const struct workload *w, const char *dir)
{
	cleanup_free char *name = xasprintf("%s/", dir);

	for (size_t i = 0; i < w->files_n; i++)
		if (!w->files[i].pattern && w->files[i].access & WL_F_CREATE &&
		    w->files[i].prov.phases & WL_PROGRAM_PHASES && !strcmp(w->files[i].path, name))
			return true;
	return false;
}

static int place_cmp(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->dir, ((const struct place *)b)->dir);
}

void places_find(const struct workload *w, const char *const *volumes, size_t volumes_n,
		 struct places *out)
{
	size_t n = 0;

	*out = (struct places){ 0 };
	for (size_t i = 0; i < w->files_n; i++)
		add_file(out, &w->files[i]);
	for (size_t i = 0; i < w->nets_n; i++)
		add_socket(out, &w->nets[i]);
	for (size_t i = 0; i < out->n; i++) {
		struct place *p = &out->v[i];

		if (is_made(w, p->dir)) {
			free(p->dir);
			continue;
		}
		p->needs = needed_below(w, p->dir);
		p->executes = executes_below(w, p->dir);
		for (size_t k = 0; k < volumes_n; k++)
			p->volume = p->volume || is_below(p->dir, volumes[k]);
		out->v[n++] = *p;
	}
	out->n = n;
	if (n)
		qsort(out->v, n, sizeof(*out->v), place_cmp);
}

void places_free(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].dir);
	free(p->v);
	*p = (struct places){ 0 };
}

bool place_may_be_empty(const struct place *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(scratch); i++)
		if (is_below(p->dir, scratch[i]))
			return true;
	return !p->needs && strcmp(p->dir, "/") != 0;
}

bool places_read_only(const struct places *p, struct buf *notes)
{
	bool ok = true;

	for (size_t i = 0; i < p->n; i++) {
		const struct place *at = &p->v[i];

		if (at->volume || place_may_be_empty(at))
			continue;
		ok = false;
		gen_note(notes,
			 "the root file system stays writable: the program writes in %.150s, where "
			 "it also needs %.150s (--volume %.150s, when it is a volume)",
			 at->dir, at->needs ? at->needs : "what the image has", at->dir);
	}
	return ok;
}
