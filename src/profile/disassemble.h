/* Classic BPF for people. */
#ifndef PROFILE_DISASSEMBLE_H
#define PROFILE_DISASSEMBLE_H

#include <json-c/json.h>

#include "profile/seccomp.h"

/*
 * What is known at each instruction from the jumps before it: the word that the accumulator holds,
 * the architecture, the number; from that, the comment: "is it socket?", "family == AF_UNIX".
 */
struct disassembly;
/* The filter has passed sp_filter_check() and stays with the caller. */
struct disassembly *disassemble(const struct sp_filter *f);
void disassembly_free(struct disassembly **d);
#define cleanup_disassembly cleanup(disassembly_free)

/* "jeq  #41, 12, 3": the instruction with absolute jump targets. */
void disassembly_insn(const struct disassembly *d, size_t pc, struct buf *out);
/* "" when there is nothing to say. */
void disassembly_comment(const struct disassembly *d, size_t pc, struct buf *out);
/* All of it, one instruction a line. */
void disassembly_text(const struct disassembly *d, struct buf *out);
/* A list of {pc, code, jt, jf, k, text, comment}; belongs to the caller. */
struct json_object *disassembly_json(const struct disassembly *d);

#endif
