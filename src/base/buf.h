/* A growing byte buffer with a hard maximum; always NUL-terminated behind its last byte. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct buf {
	char *p; /* NULL while empty */
	size_t len, cap;
	size_t max;    /* 0 means BUF_MAX_DEFAULT */
	bool overflow; /* sticky: something did not fit below max and was left out */
};

enum { BUF_MAX_DEFAULT = 256 * 1024 * 1024 };

void buf_append(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *fmt, ...);
/* The text, "" when empty; owned by the buffer. */
const char *buf_str(const struct buf *b);
/* Hands the text to the caller, who frees it; the buffer is empty afterwards. Never NULL. */
char *buf_take(struct buf *b);
void buf_free(struct buf *b);

#define cleanup_buf cleanup(buf_free)

#endif
