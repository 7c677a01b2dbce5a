#include "http/certs.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

enum { SERIAL = 16, CLOCK_SKEW_S = 300, CA_FACTOR = 10 };

#define CA_NAME "CN=boltseal admission CA"

static void crt_free(gnutls_x509_crt_t *c)
{
	if (*c)
		gnutls_x509_crt_deinit(*c);
}

static void key_free(gnutls_x509_privkey_t *k)
{
	if (*k)
		gnutls_x509_privkey_deinit(*k);
}

static int failed(struct err *e, int r, const char *what)
{
	return err_set(e, EINVAL, "%s: %s", what, gnutls_strerror(r));
}

static int put_crt(struct buf *out, gnutls_x509_crt_t c)
{
	gnutls_datum_t d = { 0 };
	int r = gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &d);

	if (r >= 0)
		buf_append(out, d.data, d.size);
	gnutls_free(d.data);
	return r;
}

static int put_key(struct buf *out, gnutls_x509_privkey_t k)
{
	gnutls_datum_t d = { 0 };
	int r = gnutls_x509_privkey_export2_pkcs8(k, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
						  &d);

	if (r >= 0)
		buf_append(out, d.data, d.size);
	if (d.data)
		explicit_bzero(d.data, d.size);
	gnutls_free(d.data);
	return r;
}

/* What both kinds of certificate have. */
static int begin(gnutls_x509_crt_t c, gnutls_x509_privkey_t key, unsigned days)
{
	time_t now = time(NULL);
	unsigned char serial[SERIAL];
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] = (unsigned char)((serial[0] & 0x7f) | 1); /* positive, without leading zero */
	if (r >= 0)
		r = gnutls_x509_crt_set_version(c, 3);
	if (r >= 0)
		r = gnutls_x509_crt_set_serial(c, serial, sizeof(serial));
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(c, now - CLOCK_SKEW_S);
	if (r >= 0)
		r = gnutls_x509_crt_set_expiration_time(c, now + (time_t)days * 24 * 3600);
	if (r >= 0)
		r = gnutls_x509_crt_set_key(c, key);
	return r;
}

static int new_pair(gnutls_x509_crt_t *c, gnutls_x509_privkey_t *key)
{
	int r = gnutls_x509_privkey_init(key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate(
			*key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	return r >= 0 ? gnutls_x509_crt_init(c) : r;
}

static int make_ca(struct http_certs *out, gnutls_x509_crt_t *c, gnutls_x509_privkey_t *key,
		   unsigned days)
{
	int r = new_pair(c, key);

	if (r >= 0)
		r = begin(*c, *key, days);
	if (r >= 0)
		r = gnutls_x509_crt_set_dn(*c, CA_NAME, NULL);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(*c, 1, 0);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(*c,
						  GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(*c, *c, *key, GNUTLS_DIG_SHA256, 0);
	if (r >= 0)
		r = put_crt(&out->ca, *c);
	return r >= 0 ? put_key(&out->ca_key, *key) : r;
}

static int read_ca(const struct http_certs *in, gnutls_x509_crt_t *c, gnutls_x509_privkey_t *key)
{
	gnutls_datum_t crt = { (unsigned char *)in->ca.p, (unsigned)in->ca.len };
	gnutls_datum_t k = { (unsigned char *)in->ca_key.p, (unsigned)in->ca_key.len };
	int r = gnutls_x509_crt_init(c);

	if (r >= 0)
		r = gnutls_x509_crt_import(*c, &crt, GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		r = gnutls_x509_privkey_init(key);
	return r >= 0 ? gnutls_x509_privkey_import2(*key, &k, GNUTLS_X509_FMT_PEM, NULL, 0) : r;
}

static int put_name(gnutls_x509_crt_t c, const char *name)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_IPADDRESS, address, 4,
							    GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_IPADDRESS, address, 16,
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, name,
						    (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int make_server(struct http_certs *out, gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key,
		       const char *const *names, size_t n, unsigned days)
{
	cleanup(crt_free) gnutls_x509_crt_t c = NULL;
	cleanup(key_free) gnutls_x509_privkey_t key = NULL;
	int r = new_pair(&c, &key);

	if (r >= 0)
		r = begin(c, key, days);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = put_name(c, names[i]);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(c, 0, -1);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_purpose_oid(c, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(c, ca, ca_key, GNUTLS_DIG_SHA256, 0);
	if (r >= 0)
		r = put_crt(&out->certificate, c);
	return r >= 0 ? put_key(&out->key, key) : r;
}

int http_certs_make(struct http_certs *c, const char *const *names, size_t n, unsigned days,
		    struct err *e)
{
	cleanup(crt_free) gnutls_x509_crt_t ca = NULL;
	cleanup(key_free) gnutls_x509_privkey_t ca_key = NULL;
	int r;

	if (c->ca.len && c->ca_key.len) {
		r = read_ca(c, &ca, &ca_key);
		if (r < 0)
			return failed(e, r, "the certificate authority that is there");
	} else {
		r = make_ca(c, &ca, &ca_key, days * CA_FACTOR);
		if (r < 0)
			return failed(e, r, "cannot make a certificate authority");
	}
	r = make_server(c, ca, ca_key, names, n, days);
	return r < 0 ? failed(e, r, "cannot make a server certificate") : 0;
}

void http_certs_free(struct http_certs *c)
{
	struct buf *secret[] = { &c->ca_key, &c->key };

	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		if (secret[i]->p)
			explicit_bzero(secret[i]->p, secret[i]->len);
	buf_free(&c->ca);
	buf_free(&c->ca_key);
	buf_free(&c->certificate);
	buf_free(&c->key);
}
