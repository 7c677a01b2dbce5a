/* The value of --capabilities: names separated by commas, "none", "ALL" or "docker". */
#ifndef APP_CAPS_LIST_H
#define APP_CAPS_LIST_H

#include <stdint.h>

#include "base/err.h"

/* Bit n of *mask is capability n. -EINVAL for a word that is none. */
int caps_list_parse(const char *list, uint64_t *mask, struct err *e);

#endif
