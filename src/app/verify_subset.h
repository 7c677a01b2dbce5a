/* boltseal verify --subset A B. */
#ifndef APP_VERIFY_SUBSET_H
#define APP_VERIFY_SUBSET_H

#include "app/command.h"

/* The exit code of the command. */
int verify_subset(struct args *a, struct err *e);

#endif
