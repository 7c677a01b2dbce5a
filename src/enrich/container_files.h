#ifndef ENRICH_CONTAINER_FILES_H
#define ENRICH_CONTAINER_FILES_H

#include "enrich/container.h"

/* Fills in what the engines' files say of the container with this id; false: nothing was found. */
bool container_files_read(struct container *c, const struct container_places *p);

#endif
