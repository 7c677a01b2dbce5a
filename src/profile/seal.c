/* SealProfile objects (deploy/crds): what nodes install, and whose containers get it. */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/platform_private.h"

/* What was recorded of one build of the image holds for the others. */
static void put_image(struct json_object *spec, const char *image)
{
	const char *slash = strrchr(image, '/');
	size_t len = strcspn(image, "@");
	const char *colon = strchr(slash ? slash : image, ':');
	cleanup_free char *name = NULL;
	struct json_object *list = json_object_new_array();

	if (colon && colon < image + len)
		len = (size_t)(colon - image);
	name = xasprintf("%.*s", (int)len, image);
	push_str(list, name);
	put(spec, "images", list);
}

static void put_caps(struct json_object *spec, const struct workload *w)
{
	struct json_object *list = json_object_new_array();
	struct gen_caps c;

	gen_caps(w, &c);
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (c.needed >> nr & 1)
			push_str(list, platform_cap(nr));
	put(spec, "capabilities", list);
}

static int put_seccomp(struct json_object *spec, const struct workload *w,
		       const struct gen_options *o, struct buf *notes, struct err *e)
{
	struct json_object *profile;
	int r = platform_seccomp(w, o, &profile, notes, e);

	if (r >= 0)
		put(spec, "seccomp", profile);
	return r;
}

static int put_apparmor(struct json_object *spec, const struct workload *w,
			const struct gen_options *o, const char *name, struct buf *notes,
			struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	struct gen_options named = *o;
	int r;

	named.name = name; /* that of the object */
	r = gen_apparmor(w, &named, &text, notes, e);
	if (r >= 0)
		put_str(spec, "apparmor", buf_str(&text));
	return r;
}

int gen_seal(const struct workload *w, const struct gen_options *o, bool apparmor,
	     struct json_object **out, struct buf *notes, struct err *e)
{
	cleanup_json struct json_object *spec = json_object_new_object();
	struct json_object *all, *meta;
	cleanup_free char *name = NULL;
	int r = gen_object_name(w, o, &name, e);

	if (r < 0)
		return r;
	if (platform_image(w))
		put_image(spec, platform_image(w));
	else
		gen_note(notes, "images: the model names none; without them only pods that name "
				"the profile themselves get it");
	put_caps(spec, w);
	r = put_seccomp(spec, w, o, notes, e);
	if (r >= 0 && apparmor)
		r = put_apparmor(spec, w, o, name, notes, e);
	if (r < 0)
		return r;
	all = json_object_new_object();
	meta = json_object_new_object();
	put_str(all, "apiVersion", "boltseal.dev/v1alpha1");
	put_str(all, "kind", "SealProfile");
	put_str(meta, "name", name);
	put(all, "metadata", meta);
	put(all, "spec", take_ptr(spec));
	*out = all;
	return 0;
}
