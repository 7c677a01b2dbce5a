#include "http/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

enum { CHAIN_MAX = 16, FILE_MAX = 1024 * 1024, KEPT = 4 };

/* What GnuTLS is given; it uses it until the handshake is over. */
struct generation {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned n;
	gnutls_privkey_t key;
	int64_t not_after;
};

/* What tells a file from its successor; secrets of Kubernetes are replaced through links. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct http_tls {
	char *files[2]; /* certificate, key */
	struct version seen[2];
	pthread_mutex_t lock;
	/* The newest first; the others are for handshakes that began with them. */
	struct generation *kept[KEPT];
};

static struct version version_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct version){ 0 };
	return (struct version){ st.st_dev, st.st_ino, st.st_size, st.st_mtim };
}

static bool same_version(const struct version *a, const struct version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static void generation_free(struct generation *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->n; i++)
		gnutls_pcert_deinit(&g->chain[i]);
	if (g->key)
		gnutls_privkey_deinit(g->key);
	free(g);
}

static void generation_free_p(struct generation **g)
{
	generation_free(*g);
}

static int tls_error(struct err *e, const char *path, int code, const char *what)
{
	return err_set(e, EINVAL, "%s: %s: %s", path, what, gnutls_strerror(code));
}

static int read_chain(struct generation *g, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	gnutls_x509_crt_t first = NULL;
	gnutls_datum_t d;
	unsigned n = CHAIN_MAX;
	int r = io_read_file(path, FILE_MAX, &text, e);

	if (r < 0)
		return r;
	d = (gnutls_datum_t){ (unsigned char *)text.p, (unsigned)text.len };
	r = gnutls_pcert_list_import_x509_raw(g->chain, &n, &d, GNUTLS_X509_FMT_PEM, 0);
	if (r < 0)
		return tls_error(e, path, r, "expected a certificate in PEM");
	g->n = n;
	r = gnutls_pcert_export_x509(&g->chain[0], &first);
	if (r < 0)
		return tls_error(e, path, r, "expected an X.509 certificate");
	g->not_after = gnutls_x509_crt_get_expiration_time(first);
	gnutls_x509_crt_deinit(first);
	return 0;
}

static int read_key(struct generation *g, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	gnutls_datum_t d;
	int r = io_read_file(path, FILE_MAX, &text, e);

	if (r < 0)
		return r;
	d = (gnutls_datum_t){ (unsigned char *)text.p, (unsigned)text.len };
	r = gnutls_privkey_init(&g->key);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(g->key, &d, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (text.p)
		explicit_bzero(text.p, text.len);
	return r < 0 ? tls_error(e, path, r, "expected a private key in PEM") : 0;
}

/* A signature by the key has to fit the certificate. */
static int check_pair(struct generation *g, const char *const *files, struct err *e)
{
	static unsigned char text[] = "boltseal";
	gnutls_datum_t data = { text, sizeof(text) }, signature = { 0 };
	int pk = gnutls_privkey_get_pk_algorithm(g->key, NULL);
	gnutls_sign_algorithm_t sign = gnutls_pk_to_sign((gnutls_pk_algorithm_t)pk,
							 GNUTLS_DIG_SHA256);
	int r;

	if (pk == GNUTLS_PK_EDDSA_ED25519)
		sign = GNUTLS_SIGN_EDDSA_ED25519;
	if (pk == GNUTLS_PK_EDDSA_ED448)
		sign = GNUTLS_SIGN_EDDSA_ED448;
	r = gnutls_privkey_sign_data2(g->key, sign, 0, &data, &signature);
	if (r >= 0)
		r = gnutls_pubkey_verify_data2(g->chain[0].pubkey, sign, 0, &data, &signature);
	gnutls_free(signature.data);
	if (r < 0)
		return err_set(e, EINVAL, "%s: is not the key of the certificate in %s (%s)",
			       files[1], files[0], gnutls_strerror(r));
	return 0;
}

static int load(struct http_tls *t, struct err *e)
{
	cleanup(generation_free_p) struct generation *g = xcalloc(1, sizeof(*g));
	int r;

	/* Before they are read: what changes meanwhile is read again. */
	for (int i = 0; i < 2; i++)
		t->seen[i] = version_of(t->files[i]);
	r = read_chain(g, t->files[0], e);
	if (r == 0)
		r = read_key(g, t->files[1], e);
	if (r == 0)
		r = check_pair(g, (const char *const *)t->files, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&t->lock);
	generation_free(t->kept[KEPT - 1]);
	memmove(&t->kept[1], &t->kept[0], (KEPT - 1) * sizeof(t->kept[0]));
	t->kept[0] = take_ptr(g);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

int http_tls_new(struct http_tls **out, const char *certificate, const char *key, struct err *e)
{
	struct http_tls *t = xcalloc(1, sizeof(*t));
	int r;

	t->files[0] = xstrdup(certificate);
	t->files[1] = xstrdup(key);
	pthread_mutex_init(&t->lock, NULL);
	r = load(t, e);
	if (r < 0) {
		http_tls_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void http_tls_free(struct http_tls *t)
{
	if (!t)
		return;
	for (int i = 0; i < KEPT; i++)
		generation_free(t->kept[i]);
	pthread_mutex_destroy(&t->lock);
	free(t->files[0]);
	free(t->files[1]);
	free(t);
}

int http_tls_reload(struct http_tls *t, struct err *e)
{
	bool changed = false;
	int r;

	for (int i = 0; i < 2; i++) {
		struct version now = version_of(t->files[i]);

		changed |= !same_version(&now, &t->seen[i]);
	}
	if (!changed)
		return 0;
	r = load(t, e);
	return r < 0 ? r : 1;
}

int64_t http_tls_not_after(struct http_tls *t)
{
	int64_t at;

	pthread_mutex_lock(&t->lock);
	at = t->kept[0]->not_after;
	pthread_mutex_unlock(&t->lock);
	return at;
}

int http_tls_retrieve(struct http_tls *t, gnutls_pcert_st **chain, unsigned *n,
		      gnutls_privkey_t *key)
{
	pthread_mutex_lock(&t->lock);
	*chain = t->kept[0]->chain;
	*n = t->kept[0]->n;
	*key = t->kept[0]->key;
	pthread_mutex_unlock(&t->lock);
	return 0;
}
