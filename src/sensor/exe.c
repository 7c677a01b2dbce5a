#include "sensor/exe.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	HEAD_BYTES = 256,	  /* BINPRM_BUF_SIZE: where the kernel looks for "#!" */
	MAX_PHDR_BYTES = 1 << 16, /* the kernel loads no more of program headers */
};

struct elf {
	int fd;
	bool wide, big; /* ELFCLASS64, ELFDATA2MSB */
};

/* An unsigned number of `n` bytes in the file's byte order. */
static uint64_t number(const struct elf *f, const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[f->big ? i : n - 1 - i];
	return v;
}

static int read_at(int fd, uint64_t at, void *out, size_t n)
{
	ssize_t got;

	if (at > INT64_MAX - n)
		return -EINVAL;
	got = TEMP_FAILURE_RETRY(pread(fd, out, n, (off_t)at));
	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EINVAL;
}

static int read_interpreter(const struct elf *f, uint64_t at, uint64_t len, struct exe_info *out)
{
	char text[PATH_MAX];
	int r;

	if (len < 2 || len > sizeof(text))
		return -EINVAL;
	r = read_at(f->fd, at, text, len);
	if (r)
		return r;
	if (text[len - 1])
		return -EINVAL;
	snprintf(out->interpreter, sizeof(out->interpreter), "%s", text);
	return 0;
}

/* The first PT_INTERP, as the kernel takes it. Offsets are those of Elf32_Ehdr … Elf64_Phdr. */
static int describe_elf(struct elf *f, const uint8_t *head, struct exe_info *out)
{
	uint64_t phoff = f->wide ? number(f, head + 32, 8) : number(f, head + 28, 4);
	unsigned entsize = (unsigned)number(f, head + (f->wide ? 54 : 42), 2);
	unsigned count = (unsigned)number(f, head + (f->wide ? 56 : 44), 2);
	unsigned want = f->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (!count)
		return 0;
	if (entsize != want || count * entsize > MAX_PHDR_BYTES)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++) {
		uint8_t ph[sizeof(Elf64_Phdr)];
		int r;

		if (phoff > INT64_MAX)
			return -EINVAL;
		r = read_at(f->fd, phoff + (uint64_t)i * entsize, ph, entsize);
		if (r)
			return r;
		if (number(f, ph, 4) != PT_INTERP)
			continue;
		if (f->wide)
			return read_interpreter(f, number(f, ph + 8, 8), number(f, ph + 32, 8),
						out);
		return read_interpreter(f, number(f, ph + 4, 4), number(f, ph + 16, 4), out);
	}
	return 0;
}

/* "#! /bin/sh -e\n": blanks, the interpreter up to a blank, newline or the end. */
static int describe_script(const uint8_t *head, size_t n, struct exe_info *out)
{
	const char *text = (const char *)head;
	size_t from = 2, to;

	while (from < n && (text[from] == ' ' || text[from] == '\t'))
		from++;
	for (to = from; to < n && text[to] && !strchr(" \t\n", text[to]); to++)
		;
	if (to == from || to == HEAD_BYTES)
		return -EINVAL;
	memcpy(out->interpreter, text + from, to - from);
	out->interpreter[to - from] = '\0';
	return 0;
}

int exe_describe_fd(int fd, struct exe_info *out)
{
	uint8_t head[HEAD_BYTES];
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, head, sizeof(head), 0));
	struct elf f = { .fd = fd };

	memset(out, 0, sizeof(*out));
	if (n < 0)
		return -errno;
	if (n >= 2 && head[0] == '#' && head[1] == '!') {
		out->kind = EXE_SCRIPT;
		return describe_script(head, (size_t)n, out);
	}
	if (n < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0)
		return 0;
	out->kind = EXE_ELF;
	if (n < (ssize_t)sizeof(Elf32_Ehdr))
		return -EINVAL;
	out->elf_class = head[EI_CLASS];
	f.wide = head[EI_CLASS] == ELFCLASS64;
	f.big = head[EI_DATA] == ELFDATA2MSB;
	if (f.wide ? n < (ssize_t)sizeof(Elf64_Ehdr) : head[EI_CLASS] != ELFCLASS32)
		return -EINVAL;
	out->elf_machine = (uint16_t)number(&f, head + 18, 2);
	return describe_elf(&f, head, out);
}

int exe_describe(int rootfd, const char *path, struct exe_info *out)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	cleanup_close int at = (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
	cleanup_close int fd = -1;
	char name[64];
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (at < 0 || fstat(at, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", at);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return exe_describe_fd(fd, out);
}
