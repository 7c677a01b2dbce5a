#include "base/base64.h"

void base64_put(struct buf *out, const void *p, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const unsigned char *in = p;

	for (size_t i = 0; i < len; i += 3) {
		unsigned v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < len ? in[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_putc(out, i + k > len ? '=' : digits[v >> (18 - 6 * k) & 63]);
	}
}
