/*
 * Files that a program loads although its code does not name them: modules named in the
 * configuration of well-known servers, extensions of interpreters, services of nsswitch.conf(5).
 */
#ifndef ELF_MODULES_H
#define ELF_MODULES_H

#include "elf/reach.h"

/* Adds the modules of the program that are there. */
void modules_add(struct reach *r);
/* Adds the name services, once the program is known to look names up. */
void modules_add_name_services(struct reach *r);

#endif
