/* Calls and verdicts in words. */
#include <inttypes.h>
#include <string.h>

#include "model/constants.h"
#include "profile/compare.h"
#include "profile/region.h"

void sp_ret_text(struct sp_ret r, struct buf *out)
{
	const char *name = sp_action_name(r.action), *err = strerrorname_np(r.data);

	buf_puts(out, name ? name + strlen("SCMP_ACT_") : "?");
	if (!sp_action_takes_data(r.action))
		return;
	if (r.action == SP_ERRNO && r.data && err)
		buf_printf(out, " %s", err);
	else
		buf_printf(out, " %u", r.data);
}

enum sc_abi sp_call_abi(const struct seccomp_data *sd)
{
	bool x32 = (uint32_t)sd->nr & SC_X32_BIT;

	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		if (sd->arch == sc_abi_audit_arch((enum sc_abi)i) &&
		    (sd->arch != sc_abi_audit_arch(SC_X32) || x32 == (i == SC_X32)))
			return (enum sc_abi)i;
	return SC_ABI_COUNT;
}

const struct sc_desc *sp_call_desc(const struct seccomp_data *sd)
{
	enum sc_abi abi = sp_call_abi(sd);
	uint32_t nr = (uint32_t)sd->nr;

	if (abi == SC_ABI_COUNT)
		return NULL;
	return sc_by_nr(abi, abi == SC_X32 ? nr & ~SC_X32_BIT : nr);
}

/* The arguments as a call of the model, on which the names of others depend. */
static void to_call(const struct seccomp_data *sd, struct wl_call *c)
{
	*c = (struct wl_call){ .n = WL_MAX_ARGS };
	for (uint8_t i = 0; i < WL_MAX_ARGS; i++) {
		c->index[i] = i;
		c->value[i] = (uint32_t)sd->args[i];
	}
}

static void put_arg(const struct seccomp_data *sd, enum sc_abi abi, const struct sc_desc *d,
		    const struct sc_arg *arg, unsigned i, struct buf *out)
{
	unsigned bits = sc_arg_width(abi, arg->kind);
	uint64_t v = sd->args[i], low = v & region_max(bits);
	struct wl_call c;

	to_call(sd, &c);
	buf_printf(out, "%s=", arg->name);
	if (v == low) {
		const_arg(d, abi, i, v, &c, out);
		return;
	}
	buf_printf(out, "0x%" PRIx64 " (as %u bits: ", v, bits);
	const_arg(d, abi, i, low, &c, out);
	buf_putc(out, ')');
}

void sp_call_text(const struct seccomp_data *sd, struct buf *out)
{
	enum sc_abi abi = sp_call_abi(sd);
	const struct sc_desc *d = sp_call_desc(sd);
	const struct sc_arg *arg = NULL;
	unsigned n = 0, last = 0;

	if (abi == SC_ABI_COUNT)
		buf_printf(out, "architecture 0x%08x ", sd->arch);
	else
		buf_printf(out, "%s ", sc_abi_name(abi));
	if (d) {
		buf_printf(out, "%s(", d->name);
		arg = sc_args(d, abi, &n);
	} else {
		buf_printf(out, "number %" PRIu32 " (0x%" PRIx32 ")(", (uint32_t)sd->nr,
			   (uint32_t)sd->nr);
	}
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		if (sd->args[i] || i < n)
			last = i + 1;
	for (unsigned i = 0; i < last; i++) {
		buf_puts(out, i ? ", " : "");
		if (i < n)
			put_arg(sd, abi, d, &arg[i], i, out);
		else
			buf_printf(out, "register %u=0x%" PRIx64, i, (uint64_t)sd->args[i]);
	}
	buf_putc(out, ')');
	if (sd->instruction_pointer)
		buf_printf(out, " at 0x%" PRIx64, (uint64_t)sd->instruction_pointer);
}
