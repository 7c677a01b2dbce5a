/* A NetworkPolicy (networking.k8s.io/v1) from the addresses of a model. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/platform_private.h"

enum { DNS_PORT = 53 };

/* One peer of the pods. */
struct flow {
	const char *protocol;
	uint16_t port;
	char cidr[INET6_ADDRSTRLEN + 4]; /* "" any address */
};

struct flows {
	struct flow *v;
	size_t n, cap;
};

static void flows_free(struct flows *f)
{
	free(f->v);
}

static int flow_cmp(const void *pa, const void *pb)
{
	const struct flow *a = pa, *b = pb;
	int c = strcmp(a->cidr, b->cidr);

	if (!c)
		c = strcmp(a->protocol, b->protocol);
	return c ? c : (a->port > b->port) - (a->port < b->port);
}

static void sort_flows(struct flows *f)
{
	size_t n = 0;

	if (!f->n)
		return;
	qsort(f->v, f->n, sizeof(*f->v), flow_cmp);
	for (size_t i = 0; i < f->n; i++)
		if (!n || flow_cmp(&f->v[n - 1], &f->v[i]))
			f->v[n++] = f->v[i];
	f->n = n;
}

static const char *protocol_of(const struct wl_net *n)
{
	if (n->protocol == IPPROTO_SCTP)
		return "SCTP";
	if (n->type == SOCK_STREAM && (!n->protocol || n->protocol == IPPROTO_TCP))
		return "TCP";
	if (n->type == SOCK_DGRAM && (!n->protocol || n->protocol == IPPROTO_UDP))
		return "UDP";
	return NULL;
}

static bool is_loopback(const char *address, bool peer)
{
	struct in6_addr a6;

	/* A peer without an address is this host. */
	if (!strncmp(address, "127.", 4) || (peer && !strcmp(address, "0.0.0.0")))
		return true;
	if (inet_pton(AF_INET6, address, &a6) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&a6) || (peer && IN6_IS_ADDR_UNSPECIFIED(&a6)) ||
	       (IN6_IS_ADDR_V4MAPPED(&a6) && a6.s6_addr[12] == 127);
}

/* A single address as a block: IPv4 also when it came through an IPv6 socket. False: no address. */
static bool to_cidr(const char *address, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4;

	if (inet_pton(AF_INET, address, &a4) == 1) {
		snprintf(out, size, "%s/32", inet_ntop(AF_INET, &a4, text, sizeof(text)));
		return true;
	}
	if (inet_pton(AF_INET6, address, &a6) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&a6))
		snprintf(out, size, "%s/32",
			 inet_ntop(AF_INET, &a6.s6_addr[12], text, sizeof(text)));
	else
		snprintf(out, size, "%s/128", inet_ntop(AF_INET6, &a6, text, sizeof(text)));
	return true;
}

static void add_egress(const struct wl_net *n, const char *protocol, bool ports_only,
		       struct flows *out, struct buf *notes)
{
	struct flow *f;

	if (!n->port) {
		gen_note(notes, "egress: a %s peer without a port in the model is left out",
			 protocol);
		return;
	}
	f = vec_push(out->v, out->n, out->cap);
	f->protocol = protocol;
	f->port = n->port;
	if (n->port == DNS_PORT) {
		/* Answers that are too long come over TCP, and each cluster has its own resolver.
		 */
		struct flow *tcp = vec_push(out->v, out->n, out->cap);

		out->v[out->n - 2].protocol = "UDP";
		*tcp = (struct flow){ .protocol = "TCP", .port = DNS_PORT };
	} else if (!ports_only) {
		to_cidr(n->address, f->cidr, sizeof(f->cidr));
	}
}

static void add_ingress(const struct wl_net *n, const char *protocol, struct flows *out,
			struct buf *notes)
{
	/* A stream socket is reached only once it listens; a bound client port is none. */
	if (n->op == WL_NET_BIND && n->type != SOCK_DGRAM)
		return;
	if (!n->port) {
		if (n->op == WL_NET_LISTEN)
			gen_note(notes,
				 "ingress: a %s socket on a port that the kernel chose is left "
				 "out, since a policy needs a number",
				 protocol);
		return;
	}
	*vec_push(out->v, out->n, out->cap) = (struct flow){ .protocol = protocol,
							     .port = n->port };
}

static void collect(const struct workload *w, bool ports_only, struct flows *in, struct flows *out,
		    struct buf *notes)
{
	bool other = false;

	for (size_t i = 0; i < w->nets_n; i++) {
		const struct wl_net *n = &w->nets[i];
		const char *protocol = protocol_of(n);
		bool own = n->op == WL_NET_LISTEN || n->op == WL_NET_BIND;

		if (!(n->prov.phases & WL_PROGRAM_PHASES) ||
		    (n->family != AF_INET && n->family != AF_INET6) ||
		    is_loopback(n->address, !own))
			continue;
		if (!protocol)
			other = true;
		else if (own)
			add_ingress(n, protocol, in, notes);
		else
			add_egress(n, protocol, ports_only, out, notes);
	}
	sort_flows(in);
	sort_flows(out);
	if (other)
		gen_note(notes, "raw sockets and protocols other than TCP, UDP and SCTP were used: "
				"a NetworkPolicy has no word for them, and network plugins differ "
				"in what they do with them");
}

static struct json_object *port_json(const struct flow *f)
{
	struct json_object *o = json_object_new_object();

	put_str(o, "protocol", f->protocol);
	put_int(o, "port", f->port);
	return o;
}

/* One rule for each block of addresses, with all its ports; `side` is "to" or "from". */
static struct json_object *rules_json(const struct flows *f)
{
	struct json_object *rules = json_object_new_array(), *ports = NULL;

	for (size_t i = 0; i < f->n; i++) {
		if (!i || strcmp(f->v[i - 1].cidr, f->v[i].cidr)) {
			struct json_object *rule = json_object_new_object();

			if (*f->v[i].cidr) {
				struct json_object *peer = json_object_new_object(),
						   *block = json_object_new_object(),
						   *to = json_object_new_array();

				put_str(block, "cidr", f->v[i].cidr);
				put(peer, "ipBlock", block);
				push(to, peer);
				put(rule, "to", to);
			}
			ports = json_object_new_array();
			put(rule, "ports", ports);
			push(rules, rule);
		}
		push(ports, port_json(&f->v[i]));
	}
	return rules;
}

/* A name of a label: an optional DNS prefix and "/", then letters, digits, "-", "_", ".". */
static bool good_selector(const char *s)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "-_.";
	const char *value = strchr(s, '=');
	size_t n = value ? (size_t)(value - s) : 0;

	if (!n || n > 253 + 1 + 63 || strlen(value + 1) > 63 ||
	    strspn(value + 1, word) != strlen(value + 1))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr(word, s[i]) && s[i] != '/')
			return false;
	return *s != '/' && s[n - 1] != '/';
}

static int put_selector(struct json_object *spec, const struct gen_networkpolicy *n, struct err *e)
{
	struct json_object *selector = json_object_new_object(), *labels = json_object_new_object();

	put(selector, "matchLabels", labels);
	put(spec, "podSelector", selector);
	for (size_t i = 0; i < n->selectors_n; i++) {
		const char *s = n->selectors[i];
		cleanup_free char *key = NULL;

		if (!good_selector(s))
			return err_set(e, EINVAL, "--selector '%s': expected LABEL=VALUE", s);
		key = strndup(s, strcspn(s, "="));
		if (!key)
			mem_exhausted();
		put_str(labels, key, strchr(s, '=') + 1);
	}
	if (!n->selectors_n)
		put_str(labels, "app", n->name);
	return 0;
}

static void general_notes(const struct gen_networkpolicy *n, const struct flows *out,
			  struct buf *notes)
{
	bool addresses = false, dns = false;

	for (size_t i = 0; i < out->n; i++) {
		addresses = addresses || *out->v[i].cidr;
		dns = dns || out->v[i].port == DNS_PORT;
	}
	if (!n->selectors_n)
		gen_note(notes, "the pods are chosen by the label app=%s (--selector LABEL=VALUE)",
			 n->name);
	if (addresses)
		gen_note(notes, "egress names the addresses of the recording: those of pods and "
				"services change, and most network plugins see a service's pods "
				"and not its address; put pod selectors in their place, or use "
				"--egress ports");
	if (out->n && !dns)
		gen_note(notes, "no DNS request is in the model, so egress to port 53 is not "
				"allowed");
	gen_note(notes, "a NetworkPolicy needs a network plugin that enforces it; it does not "
			"apply to loopback, unix sockets and pods with hostNetwork, and ingress is "
			"allowed from any address, since the model does not know the clients");
}

int gen_networkpolicy(const struct workload *w, const struct gen_networkpolicy *n,
		      struct json_object **out, struct buf *notes, struct err *e)
{
	cleanup(flows_free) struct flows in = { 0 }, to = { 0 };
	cleanup_json struct json_object *doc = json_object_new_object();
	struct json_object *meta = json_object_new_object(), *spec = json_object_new_object(),
			   *types = json_object_new_array();
	int r;

	put_str(doc, "apiVersion", "networking.k8s.io/v1");
	put_str(doc, "kind", "NetworkPolicy");
	put_str(meta, "name", n->name);
	put(doc, "metadata", meta);
	put(doc, "spec", spec);
	r = put_selector(spec, n, e);
	push_str(types, "Ingress");
	push_str(types, "Egress");
	put(spec, "policyTypes", types);
	if (r < 0)
		return r;
	collect(w, n->ports_only, &in, &to, notes);
	put(spec, "ingress", rules_json(&in));
	put(spec, "egress", rules_json(&to));
	general_notes(n, &to, notes);
	*out = take_ptr(doc);
	return 0;
}
