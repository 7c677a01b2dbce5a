/*
 * What SealProfile objects of the cluster (deploy/crds) say about images: containers of these get
 * the profiles that `boltseal node` makes of the same objects, under the names and labels that it
 * gives them. Reviews hold a list that does not change; changes make a new one.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/admit.h"
#include "app/node.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/lint.h"

enum { MAX_IMAGES = 256 }; /* of a seal, as the schema has it */

/* An object; its strings and profiles are in the arena. */
struct seal {
	struct arena arena;
	const char *name;
	struct adm_profile *v;
	size_t n;
	bool seen; /* since the relisting began */
};

struct admit_seal_list {
	unsigned holders;
	struct arena arena;
	struct adm_seals seals;
};

struct admit_seals {
	struct seal **v; /* by name; of the thread that watches */
	size_t n, cap;
	bool listing;
	bool ready; /* all are known, or there are none to know of; atomic */
	pthread_mutex_t lock;
	struct admit_seal_list *list; /* of `lock`, as are holders */
};

/* ---- an object becomes profiles */

/*
 * This version under its own name and label when nodes will take it, else whatever version they
 * have: nobody waits for one that is refused everywhere.
 */
static void take_seccomp(struct seal *s, struct json_object *spec, struct adm_profile *out)
{
	static const struct node_options judge = { .refuse = LINT_HIGH, .engine = "containerd" };
	cleanup_free char *text = json_text(spec), *label = node_label(NODE_SECCOMP, s->name);
	char note[NODE_MESSAGE_MAX];
	struct node_set set = { 0 };

	node_set_put(&set, NODE_SEALS, s->name, NODE_SECCOMP, s->name, text, strlen(text), NULL);
	out->current = arena_printf(&s->arena, "boltseal/%s.json", s->name);
	if (node_check_seccomp(&judge, set.v[0], note)) {
		out->seccomp = arena_printf(&s->arena, "boltseal/%s-%s.json", s->name,
					    set.v[0]->hash);
		out->label[ADM_SECCOMP] = arena_printf(&s->arena, "%s=%s", label, set.v[0]->hash);
	} else {
		log_warn("SealProfile %s: %s; pods get the version that nodes have", s->name,
			 set.v[0]->message);
		out->seccomp = out->current;
		out->label[ADM_SECCOMP] = arena_strdup(&s->arena, label);
	}
	node_set_free(&set);
}

/* There is one version of each name on a node: any will do. */
static void take_apparmor(struct seal *s, struct adm_profile *out)
{
	cleanup_free char *label = node_label(NODE_APPARMOR, s->name);

	out->apparmor = s->name;
	out->label[ADM_APPARMOR] = arena_strdup(&s->arena, label);
}

static void take_caps(struct seal *s, struct json_object *list, struct adm_profile *out)
{
	size_t n = json_object_array_length(list);

	out->caps_known = true;
	out->caps.v = arena_alloc(&s->arena, (n + 1) * sizeof(*out->caps.v));
	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));
		const struct bcap_desc *d = name ? bcap_by_name(name) : NULL;

		if (d)
			out->caps.v[out->caps.n++] = d->name + strlen("CAP_");
		else
			log_warn("SealProfile %s: there is no capability %s", s->name,
				 name ? name : "null");
	}
}

static const char *text_at(struct json_object *list, size_t i)
{
	struct json_object *v = json_object_array_get_idx(list, i);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

/* One profile for each image; without images it is for pods that name it themselves. */
static void take_images(struct seal *s, struct json_object *images, const struct adm_profile *f)
{
	size_t n = images ? json_object_array_length(images) : 0;

	s->v = arena_alloc(&s->arena, (n + 1) * sizeof(*s->v));
	for (size_t i = 0; i < n && i < MAX_IMAGES; i++) {
		const char *image = text_at(images, i);

		if (!image)
			continue;
		s->v[s->n] = *f;
		adm_profile_image(&s->v[s->n++], &s->arena, arena_strdup(&s->arena, image));
	}
	if (s->n)
		return;
	s->v[s->n] = *f;
	s->v[s->n++].named_only = true;
}

/* The members of an object; those that it has not stay NULL. */
struct object {
	struct json_doc doc;
	const char *name, *apparmor;
	struct json_object *seccomp, *images, *caps;
};

static void object_free(struct object *o)
{
	json_doc_free(&o->doc);
}

static int read_spec(struct object *o, struct err *e)
{
	static const struct json_path at = { .key = "spec" };
	struct json_object *spec = NULL;

	if (json_get_object(&o->doc, NULL, o->doc.root, "spec", true, &spec, e) < 0 ||
	    json_get_object(&o->doc, &at, spec, "seccomp", false, &o->seccomp, e) < 0 ||
	    json_get_str(&o->doc, &at, spec, "apparmor", false, &o->apparmor, e) < 0 ||
	    json_get_array(&o->doc, &at, spec, "images", false, &o->images, e) < 0 ||
	    json_get_array(&o->doc, &at, spec, "capabilities", false, &o->caps, e) < 0)
		return err_prefix(e, "SealProfile %s", o->name);
	return 0;
}

static int read_name(struct object *o, const char *text, size_t len, struct err *e)
{
	struct json_object *meta = NULL;
	int r = json_parse(&o->doc, "SealProfile", text, len, e);

	if (r == 0)
		r = json_get_object(&o->doc, NULL, o->doc.root, "metadata", true, &meta, e);
	if (r == 0)
		r = json_get_str(&o->doc, NULL, meta, "name", true, &o->name, e);
	if (r == 0 && !node_name_ok(o->name))
		r = err_set(e, EINVAL, "SealProfile %s: nodes take no such name", o->name);
	return r;
}

static struct seal *make_seal(const struct object *o)
{
	struct seal *s = xcalloc(1, sizeof(*s));
	struct adm_profile f = { 0 };

	s->name = arena_strdup(&s->arena, o->name);
	f.why = arena_printf(&s->arena, "SealProfile %s", o->name);
	if (o->seccomp)
		take_seccomp(s, o->seccomp, &f);
	if (o->apparmor)
		take_apparmor(s, &f);
	if (o->caps)
		take_caps(s, o->caps, &f);
	take_images(s, o->images, &f);
	return s;
}

/* ---- the list */

static void list_drop(struct admit_seal_list *l)
{
	if (!l)
		return;
	arena_free(&l->arena);
	free(l);
}

static const char *copy(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

static struct adm_profile copy_profile(struct arena *a, const struct adm_profile *f)
{
	struct adm_profile out = *f;

	adm_profile_image(&out, a, copy(a, f->image));
	out.seccomp = copy(a, f->seccomp);
	out.current = copy(a, f->current);
	out.apparmor = copy(a, f->apparmor);
	out.why = copy(a, f->why);
	for (size_t i = 0; i < ARRAY_SIZE(f->label); i++)
		out.label[i] = copy(a, f->label[i]);
	/* Names of capabilities are constants. */
	out.caps.v = arena_alloc(a, (f->caps.n + 1) * sizeof(*out.caps.v));
	if (f->caps.n)
		memcpy(out.caps.v, f->caps.v, f->caps.n * sizeof(*out.caps.v));
	return out;
}

static struct admit_seal_list *make_list(const struct admit_seals *t)
{
	struct admit_seal_list *l = xcalloc(1, sizeof(*l));
	struct adm_profile *v;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->v[i]->n;
	v = arena_alloc(&l->arena, (n + 1) * sizeof(*v));
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->v[i]->n; k++)
			v[l->seals.n++] = copy_profile(&l->arena, &t->v[i]->v[k]);
	l->seals.v = v;
	l->holders = 1;
	return l;
}

static void publish(struct admit_seals *t)
{
	struct admit_seal_list *fresh = make_list(t), *old;

	pthread_mutex_lock(&t->lock);
	old = t->list;
	t->list = fresh;
	if (old && --old->holders)
		old = NULL;
	pthread_mutex_unlock(&t->lock);
	list_drop(old);
}

struct admit_seal_list *admit_seals_hold(struct admit_seals *t)
{
	struct admit_seal_list *l;

	if (!t)
		return NULL;
	pthread_mutex_lock(&t->lock);
	l = t->list;
	if (l)
		l->holders++;
	pthread_mutex_unlock(&t->lock);
	return l;
}

void admit_seals_release(struct admit_seals *t, struct admit_seal_list *l)
{
	bool last;

	if (!l)
		return;
	pthread_mutex_lock(&t->lock);
	last = !--l->holders;
	pthread_mutex_unlock(&t->lock);
	if (last)
		list_drop(l);
}

const struct adm_seals *admit_seals_of(const struct admit_seal_list *l)
{
	return l ? &l->seals : NULL;
}

/* ---- keeping up */

static void seal_free(struct seal *s)
{
	if (!s)
		return;
	arena_free(&s->arena);
	free(s);
}

/* The place of the name, or where it belongs. */
static size_t place_of(const struct admit_seals *t, const char *name)
{
	size_t i = 0;

	while (i < t->n && strcmp(t->v[i]->name, name) < 0)
		i++;
	return i;
}

static bool is_at(const struct admit_seals *t, size_t i, const char *name)
{
	return i < t->n && !strcmp(t->v[i]->name, name);
}

static void remove_at(struct admit_seals *t, size_t i)
{
	seal_free(t->v[i]);
	t->n--;
	memmove(&t->v[i], &t->v[i + 1], (t->n - i) * sizeof(*t->v));
}

static void put(struct admit_seals *t, struct seal *s)
{
	size_t i = place_of(t, s->name);

	s->seen = true;
	if (is_at(t, i, s->name)) {
		seal_free(t->v[i]);
		t->v[i] = s;
		return;
	}
	*vec_push(t->v, t->n, t->cap) = NULL;
	memmove(&t->v[i + 1], &t->v[i], (t->n - 1 - i) * sizeof(*t->v));
	t->v[i] = s;
}

/* An object that cannot be read leaves what is known of it. */
static void change(struct admit_seals *t, const struct kube_watch_event *ev)
{
	cleanup(object_free) struct object o = { 0 };
	struct err e = { 0 };
	size_t i;

	if (read_name(&o, ev->text, ev->len, &e) < 0 ||
	    (ev->kind == KUBE_PUT && read_spec(&o, &e) < 0)) {
		log_warn("%s", e.msg);
		i = o.name ? place_of(t, o.name) : t->n;
		if (o.name && is_at(t, i, o.name))
			t->v[i]->seen = true;
		return;
	}
	if (ev->kind == KUBE_PUT) {
		put(t, make_seal(&o));
	} else {
		i = place_of(t, o.name);
		if (is_at(t, i, o.name))
			remove_at(t, i);
	}
	if (!t->listing)
		publish(t);
}

/* What was not named since the listing began is gone. */
static void listed(struct admit_seals *t)
{
	for (size_t i = t->n; i-- > 0;)
		if (!t->v[i]->seen)
			remove_at(t, i);
	t->listing = false;
	publish(t);
}

static void lost(struct admit_seals *t, const struct kube_watch_event *ev)
{
	if (ev->code == ENOENT)
		log_note("the cluster has no SealProfile objects (deploy/crds): images have the "
			 "profiles of the configuration only");
	else
		log_warn("SealProfile: %s; what is known of them stays", ev->why);
	/* Pods do not wait for what may not be read. */
	if (ev->code == ENOENT || ev->code == EPERM)
		__atomic_store_n(&t->ready, true, __ATOMIC_RELEASE);
}

void admit_seals_event(const struct kube_watch_event *ev, void *seals)
{
	struct admit_seals *t = seals;

	switch (ev->kind) {
	case KUBE_RELIST:
		t->listing = true;
		for (size_t i = 0; i < t->n; i++)
			t->v[i]->seen = false;
		break;
	case KUBE_PUT:
	case KUBE_GONE:
		change(t, ev);
		break;
	case KUBE_SYNCED:
		listed(t);
		__atomic_store_n(&t->ready, true, __ATOMIC_RELEASE);
		break;
	case KUBE_LOST:
		lost(t, ev);
		break;
	case KUBE_BACK:
		log_note("SealProfile: the API server answers again");
		break;
	}
}

bool admit_seals_ready(const struct admit_seals *t)
{
	return !t || __atomic_load_n(&t->ready, __ATOMIC_ACQUIRE);
}

struct admit_seals *admit_seals_new(void)
{
	struct admit_seals *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void admit_seals_free(struct admit_seals *t)
{
	if (!t)
		return;
	while (t->n)
		remove_at(t, t->n - 1);
	free(t->v);
	list_drop(t->list);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
