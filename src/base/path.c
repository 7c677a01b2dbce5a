#include "base/path.h"

#include <stdint.h>
#include <string.h>

const char *path_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A byte of 0x80 for each byte of `v` that is `c`, below 0x80. */
static uint64_t bytes_equal(uint64_t v, unsigned char c)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
	uint64_t x = v ^ c * 0x0101010101010101u;

	return ~(((x & low) + low) | x | low);
}

bool path_is_plain(const char *p, size_t len)
{
	uint64_t odd = 0, here, next;
	size_t i = 0;

	for (; i + 9 <= len; i += 8) {
		memcpy(&here, p + i, sizeof(here));
		memcpy(&next, p + i + 1, sizeof(next));
		odd |= bytes_equal(here, '/') & (bytes_equal(next, '/') | bytes_equal(next, '.'));
	}
	for (; i + 1 < len; i++)
		odd |= p[i] == '/' && (p[i + 1] == '/' || p[i + 1] == '.');
	return !odd && (len < 2 || p[len - 1] != '/');
}

size_t path_append(char *out, size_t len, size_t max, const char *s, size_t n)
{
	if (!len && n > 1 && n <= max && *s == '/' && path_is_plain(s, n)) {
		memcpy(out, s, n);
		return n;
	}
	for (size_t i = 0, end; i < n; i = end + 1) {
		end = i;
		while (end < n && s[end] != '/')
			end++;
		if (end == i || (end - i == 1 && s[i] == '.'))
			continue;
		if (end - i == 2 && s[i] == '.' && s[i + 1] == '.') {
			while (len && out[--len] != '/')
				;
			continue;
		}
		if (len + 1 + (end - i) > max)
			break;
		out[len++] = '/';
		memcpy(out + len, s + i, end - i);
		len += end - i;
	}
	return len;
}
