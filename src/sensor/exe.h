/*
 * What the kernel needs besides the file itself to execute it: the ELF interpreter (PT_INTERP,
 * System V ABI "Program Interpreter") or the interpreter of a script ("#!", execve(2)). The file
 * may be hostile: every read is bounded and nothing but a regular file is opened for reading.
 */
#ifndef SENSOR_EXE_H
#define SENSOR_EXE_H

#include <limits.h>
#include <stdint.h>

enum exe_kind {
	EXE_OTHER,  /* neither; binfmt_misc may know it */
	EXE_ELF,    /* `interpreter` is empty for a static program */
	EXE_SCRIPT, /* `interpreter` is what follows "#!", without its argument */
};

struct exe_info {
	enum exe_kind kind;
	uint8_t elf_class;    /* ELFCLASS32, ELFCLASS64; 0 when no ELF file */
	uint16_t elf_machine; /* EM_* */
	char interpreter[PATH_MAX];
};

/*
 * Describes the regular file behind a descriptor that is open for reading. 0; -EINVAL when its
 * headers contradict themselves (`out` has the kind then, and no interpreter); another negative
 * errno when it cannot be read.
 */
int exe_describe_fd(int fd, struct exe_info *out);

/*
 * The same for the file `path` in the root directory `rootfd` (O_PATH is enough, as of
 * /proc/PID/root). Symbolic links are followed and never leave that root. -EACCES when it is not a
 * regular file.
 */
int exe_describe(int rootfd, const char *path, struct exe_info *out);

#endif
