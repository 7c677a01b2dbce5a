#include <string.h>

#include "base/mem.h"
#include "model/caps.h"
#include "profile/platform_private.h"

/*
 * Programs whose purpose is to gain privileges by execve (set-user-ID or file capabilities), which
 * no_new_privs prevents. A root process gains nothing from them, but whether it was root is not in
 * the model.
 */
static const char *const privilege_gainers[] = {
	"sudo",	  "su",	    "doas", "pkexec",	  "newuidmap",	 "newgidmap",
	"newgrp", "passwd", "chsh", "fusermount", "fusermount3",
};

bool gen_no_new_privs(const struct workload *w, const char **why)
{
	for (size_t i = 0; i < w->programs_n; i++) {
		const char *path = w->programs[i].path, *slash = strrchr(path, '/');

		for (size_t k = 0; k < ARRAY_SIZE(privilege_gainers); k++) {
			if (strcmp(slash ? slash + 1 : path, privilege_gainers[k]) ||
			    wl_program_only_named(w, (uint32_t)i))
				continue;
			*why = path;
			return false;
		}
	}
	*why = NULL;
	return true;
}

const char *platform_image(const struct workload *w)
{
	return w->identity.image && *w->identity.image ? w->identity.image : NULL;
}

bool platform_nnp(const struct workload *w, const struct gen_container *c, struct buf *notes)
{
	const char *why;

	if (c->no_new_privs >= 0)
		return c->no_new_privs;
	if (gen_no_new_privs(w, &why))
		return true;
	gen_note(notes,
		 "no-new-privileges is left out, since %s was executed (--no-new-privileges on "
		 "overrules)",
		 why);
	return false;
}

bool platform_read_only(const struct gen_container *c, const struct places *p, struct buf *notes)
{
	if (c->read_only == 0)
		return false;
	return places_read_only(p, notes) || c->read_only > 0;
}

const char *platform_cap(unsigned nr)
{
	return bcap_by_nr(nr)->name + strlen("CAP_");
}

void put(struct json_object *o, const char *key, struct json_object *v)
{
	if (json_object_object_add(o, key, v) < 0)
		mem_exhausted();
}

void put_str(struct json_object *o, const char *key, const char *s)
{
	put(o, key, json_object_new_string(s));
}

void put_int(struct json_object *o, const char *key, int64_t v)
{
	put(o, key, json_object_new_int64(v));
}

void put_bool(struct json_object *o, const char *key, bool v)
{
	put(o, key, json_object_new_boolean(v));
}

void push(struct json_object *a, struct json_object *v)
{
	if (json_object_array_add(a, v) < 0)
		mem_exhausted();
}

void push_str(struct json_object *a, const char *s)
{
	push(a, json_object_new_string(s));
}
