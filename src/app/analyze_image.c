#include <stdio.h>
#include <stdlib.h>

#include "app/analyze.h"
#include "image/entry.h"
#include "image/image.h"

static void release(struct elf_bytes *b)
{
	free(b->owner);
}

static int open_file(void *ctx, const char *path, size_t max, struct elf_bytes *out, struct err *e)
{
	struct image_file f = { 0 };
	int r = image_read(ctx, path, max, &f, e);

	if (r)
		return r;
	*out = (struct elf_bytes){
		.data = f.data, .len = f.len, .path = f.path, .release = release, .owner = f.data
	};
	return 0;
}

static int list(void *ctx, const char *path, int (*each)(void *arg, const char *name), void *arg,
		struct err *e)
{
	return image_list(ctx, path, each, arg, e);
}

/* Entry point and command as one list. */
static void set_entrypoint(const struct image_config *c, struct workload *w)
{
	struct wl_identity *id = &w->identity;

	id->entrypoint_n = c->entrypoint.n + c->cmd.n;
	id->entrypoint = arena_alloc(&w->arena, (id->entrypoint_n + 1) * sizeof(*id->entrypoint));
	for (size_t i = 0; i < id->entrypoint_n; i++)
		id->entrypoint[i] = wl_string(w, i < c->entrypoint.n
							 ? c->entrypoint.v[i]
							 : c->cmd.v[i - c->entrypoint.n]);
}

static void set_identity(const struct image *image, struct workload *w)
{
	const struct image_config *c = image_config(image);

	if (*c->name)
		w->identity.image = wl_string(w, c->name);
	w->identity.digest = wl_string(w, c->digest);
	set_entrypoint(c, w);
}

/* What the image executes, a line a program, and what is not known of that. */
static void describe(const struct image *image, const struct entry *en, struct buf *out)
{
	const struct image_config *c = image_config(image);

	buf_printf(out, "Image %s%s%s\n", c->name, *c->name ? " " : "", c->digest);
	if (!image_verified(image))
		buf_puts(out,
			 "  the image states no digests of its layers: they were not checked\n");
	for (size_t i = 0; i < en->n; i++) {
		const struct entry_program *p = &en->v[i];

		buf_printf(out, "  %-11s %s%s (%s)\n", entry_role_name(p->role), p->path,
			   p->script ? ", a script" : "", p->why);
	}
	if (en->unknown)
		buf_printf(out, "  %zu command%s of scripts not known, first: %s\n", en->unknown,
			   en->unknown == 1 ? "" : "s", en->first_unknown);
}

/* A model that lacks what scripts execute under names that only they know is not complete. */
static void note_unknown(const struct entry *en, struct workload *w)
{
	if (!en->unknown)
		return;
	for (size_t i = 0; i < w->sources_n; i++) {
		if (!w->sources[i].complete)
			return;
	}
	w->sources[0].complete = false;
	w->sources[0].incomplete_reason = wl_string(w, "commands of scripts are not known");
}

int analyze_image(struct analyze *a, struct err *e)
{
	cleanup_image struct image *image = NULL;
	cleanup_entry struct entry en = { 0 };
	struct elf_files files;
	int r = image_open(&image, args_value(a->args, "image"), args_value(a->args, "image-name"),
			   e);

	if (!r)
		r = entry_find(image, args_at(a->args, 0), &en, e);
	if (r)
		return r;
	describe(image, &en, &a->head);
	files = (struct elf_files){ .open = open_file, .list = list, .ctx = image };
	for (size_t i = 0; !r && i < en.n; i++) {
		if (!en.v[i].script)
			r = analyze_program(a, &files, en.v[i].path, e);
	}
	if (r)
		return r;
	if (!a->model.sources_n)
		return err_set(e, ENOENT, "%s: no program is executed, only: %s", en.v[0].path,
			       en.v[0].why);
	set_identity(image, &a->model);
	note_unknown(&en, &a->model);
	return 0;
}
