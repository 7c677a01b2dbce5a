#include "profile/filter_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/disassemble.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* False when it is no base64. */
static bool decode(const char *s, size_t len, struct buf *out)
{
	uint32_t bits = 0;
	unsigned n = 0, pad = 0;

	for (size_t i = 0; i < len; i++) {
		int v = digit(s[i]);

		if (is_space(s[i]))
			continue;
		if (s[i] == '=') {
			pad++;
			continue;
		}
		if (v < 0 || pad)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (++n % 4 == 0)
			for (int shift = 16; shift >= 0; shift -= 8)
				buf_putc(out, (char)(bits >> shift));
	}
	if (pad > 2 || (pad && (n + pad) % 4) || n % 4 == 1)
		return false;
	if (n % 4 >= 2)
		buf_putc(out, (char)(bits >> (n % 4 == 2 ? 4 : 10)));
	if (n % 4 == 3)
		buf_putc(out, (char)(bits >> 2));
	return n > 0;
}

static void from_bytes(struct sp_filter *f, const void *data, size_t len)
{
	f->n = len / sizeof(*f->insn);
	f->insn = xcalloc(f->n, sizeof(*f->insn));
	memcpy(f->insn, data, len);
}

int sp_filter_read(struct sp_filter *f, const char *name, const void *data, size_t len,
		   struct err *e)
{
	cleanup_sp_filter struct sp_filter g = { 0 };
	cleanup_buf struct buf raw = { 0 };
	int r;

	if (len > SP_FILTER_MAX_TEXT)
		return err_set(e, EFBIG, "%s: more than a filter can have (%d instructions)", name,
			       SP_MAX_INSNS);
	if (decode(data, len, &raw)) {
		data = raw.p;
		len = raw.len;
	}
	if (!len || len % sizeof(*g.insn) || len > SP_FILTER_MAX_BYTES)
		return err_set(e, EINVAL,
			       "%s: neither a profile nor a filter: %zu bytes, expected JSON, or 8 "
			       "bytes (or their base64) for each of 1 to %d instructions",
			       name, len, SP_MAX_INSNS);
	from_bytes(&g, data, len);
	r = sp_filter_check(&g, e);
	if (r < 0)
		return err_prefix(e, "%s: neither JSON nor a filter that the kernel would take",
				  name);
	*f = g;
	g.insn = NULL;
	return 0;
}

void sp_filter_base64(const struct sp_filter *f, struct buf *out)
{
	base64_put(out, f->insn, f->n * sizeof(*f->insn));
	buf_putc(out, '\n');
}

static char *identifier(const char *name)
{
	char *id = xasprintf("%s%s", isdigit((unsigned char)*name) ? "_" : "", name);

	for (char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '_';
	return id;
}

/* Text that may stand in a comment of C. */
static void put_comment(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_putc(out, (*s == '*' && s[1] == '/') || *s < ' ' || *s > '~' ? '?' : *s);
}

void sp_filter_c(const struct sp_filter *f, const char *name, const char *title, struct buf *out)
{
	cleanup_disassembly struct disassembly *d = disassemble(f);
	cleanup_free char *id = identifier(name);

	buf_puts(out, "/*\n * ");
	put_comment(out, title);
	buf_printf(out,
		   "\n *\n * Load it with no_new_privs set, or CAP_SYS_ADMIN:\n"
		   " *   prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);\n"
		   " *   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &%s_prog);\n"
		   " */\n#include <linux/filter.h>\n\n"
		   "static struct sock_filter %s_filter[] = {\n",
		   id, id);
	for (size_t pc = 0; pc < f->n; pc++) {
		const struct sock_filter *i = &f->insn[pc];
		cleanup_buf struct buf text = { 0 };

		disassembly_insn(d, pc, &text);
		buf_printf(out, "\t{ 0x%02x, %3u, %3u, 0x%08x }, /* %4zu: %s", i->code, i->jt,
			   i->jf, i->k, pc, buf_str(&text));
		buf_free(&text);
		disassembly_comment(d, pc, &text);
		if (text.len) {
			buf_puts(out, "  ");
			put_comment(out, buf_str(&text));
		}
		buf_puts(out, " */\n");
	}
	buf_printf(out,
		   "};\n\nstatic const struct sock_fprog %s_prog = {\n\t.len = %zu,\n"
		   "\t.filter = %s_filter,\n};\n",
		   id, f->n, id);
}
