/* Tar archives and images made by tests. */
#ifndef TAR_BUILDER_H
#define TAR_BUILDER_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "image/blob.h"

static inline void tb_checksum(char *block)
{
	unsigned int sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
}

/* A header alone, with a size field as given. */
static inline void tb_header(struct buf *b, char type, const char *name, const char *link,
			     const void *size, size_t size_len)
{
	char block[512] = { 0 };

	memcpy(block, name, strlen(name) < 100 ? strlen(name) : 100);
	memcpy(block + 100, "0000644", 8);
	memcpy(block + 124, size, size_len);
	memcpy(block + 157, link, strlen(link) < 100 ? strlen(link) : 100);
	memcpy(block + 257, "ustar\00000", 8);
	block[156] = type;
	tb_checksum(block);
	buf_append(b, block, sizeof(block));
}

static inline void tb_content(struct buf *b, const void *data, size_t len)
{
	static const char zeros[512];

	buf_append(b, data, len);
	if (len % 512)
		buf_append(b, zeros, 512 - len % 512);
}

/* A member with content. */
static inline void tb_member(struct buf *b, char type, const char *name, const char *link,
			     const void *data, size_t len)
{
	char size[24];

	snprintf(size, sizeof(size), "%011zo", len);
	tb_header(b, type, name, link, size, 12);
	tb_content(b, data, len);
}

static inline void tb_file(struct buf *b, const char *name, const char *text)
{
	tb_member(b, '0', name, "", text, strlen(text));
}

static inline void tb_dir(struct buf *b, const char *name)
{
	tb_member(b, '5', name, "", "", 0);
}

static inline void tb_link(struct buf *b, char type, const char *name, const char *target)
{
	tb_member(b, type, name, target, "", 0);
}

static inline void tb_end(struct buf *b)
{
	static const char zeros[1024];

	buf_append(b, zeros, sizeof(zeros));
}

/* The bytes as a file; the caller closes fd. */
static inline struct blob tb_blob(const struct buf *b)
{
	int fd = memfd_create("blob", MFD_CLOEXEC);

	if (fd < 0 || write(fd, b->len ? b->p : "", b->len) != (ssize_t)b->len)
		perror("memfd");
	return (struct blob){ .fd = fd, .len = b->len };
}

#endif
