/* A DNS message of any bytes: the first byte says whether it came over TCP, the rest is the
 * message. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "bpf/watch_rec.h"
#include "enrich/enrich.h"
#include "fuzz.h"
#include "model/event_fields.h"
#include "model/syscalls.h"
#include "unit/record_part.h"

enum { MESSAGE_MAX = 4096, MAX_NAMES = 128 };

static struct {
	struct watch_rec rec;
	char parts[MESSAGE_MAX + 512];
} made;

static void part(unsigned kind, unsigned arg, const void *bytes, size_t len)
{
	record_part(&made.rec, kind, arg, 0, bytes, len);
}

static void make_record(bool tcp, const uint8_t *message, size_t len)
{
	struct watch_fd d = { .fd = 5,
			      .mode = 0140777,
			      .family = AF_INET,
			      .type = tcp ? SOCK_STREAM : SOCK_DGRAM,
			      .lport = 40000,
			      .rport = 53,
			      .raddr = { 10, 0, 0, 1 } };

	memset(&made, 0, sizeof(made));
	made.rec.size = sizeof(made.rec);
	made.rec.kind = WATCH_CALL;
	made.rec.nr = (uint16_t)sc_nr(sc_abi_native(), "recvfrom");
	made.rec.time = 1000000;
	made.rec.pid = made.rec.tid = 50;
	made.rec.ret = (int64_t)len;
	part(WATCH_P_FD, 0, &d, sizeof(d));
	part(WATCH_P_DATA, 1, message, len);
}

/* Every byte of a value is read, so that one outside of the message shows. */
static unsigned look(const struct event *ev, enum ev_field_id id, const struct ev_values *v)
{
	unsigned sum = 0;

	(void)ev;
	if (v->n > MAX_NAMES)
		abort();
	for (size_t i = 0; i < v->n; i++) {
		if (id == EV_DNS_ADDRESSES && v->v[i].a.len != 4 && v->v[i].a.len != 16)
			abort();
		for (size_t k = 0; id <= EV_DNS_TYPE && k < v->v[i].s.len; k++)
			sum += (unsigned char)v->v[i].s.p[k];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct enrich *e;
	const struct event *ev;
	unsigned sum = 0;

	if (!e)
		e = enrich_new(&(struct enrich_options){ .outside.offline = true });
	if (!size || size > MESSAGE_MAX)
		return 0;
	make_record(data[0] & 1, data + 1, size - 1);
	ev = enrich_record(e, &made.rec, 0);
	for (unsigned id = EV_DNS_NAME; ev && id <= EV_DNS_ADDRESSES; id++) {
		struct ev_ref ref = { .field = ev_field_at(id), .kind = ev_field_at(id)->kind };
		struct ev_values v = { 0 };

		if (ev->ops->read(ev, &ref, &v))
			sum += look(ev, id, &v);
	}
	return sum == UINT32_MAX;
}
