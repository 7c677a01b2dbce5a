/* Bounds of functions from the unwind information, which stripped files keep. */
#ifndef ELF_FRAMES_H
#define ELF_FRAMES_H

#include "elf/reader.h"

enum { ELF_MAX_FUNCTIONS = 4 * 1024 * 1024 };

/*
 * The address ranges of .eh_frame (Linux Standard Base, "Exception Frames"), ascending, without
 * overlaps; what does not lie in executable bytes of the file is left out. From malloc. A damaged
 * table gives the ranges before the damage: they only ever make the result of the analysis finer.
 */
struct elf_range *elf_frames(const struct elf_image *m, size_t *n);

#endif
