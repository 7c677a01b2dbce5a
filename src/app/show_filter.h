/* boltseal show of a profile, a compiled filter or the filters of a process. */
#ifndef APP_SHOW_FILTER_H
#define APP_SHOW_FILTER_H

#include "app/operand.h"

/* `disassemble`: the programs; a profile is compiled for that. Prints; 0 or a negative errno. */
int show_filter(const struct operand *o, bool json, bool disassemble, unsigned width,
		struct err *e);

#endif
