/* Docker Engine API over its unix socket (DOCKER_HOST=unix://…, else /var/run/docker.sock). */
#ifndef ENGINE_DOCKER_H
#define ENGINE_DOCKER_H

#include "base/err.h"
#include "base/json.h"

/*
 * GET /containers/NAME/json. -ENOENT: no such container, or no daemon at the socket; the message
 * says which.
 */
int docker_inspect(const char *name, struct json_doc *out, struct err *e);

/* GET /containers/json: the containers that run, each with "Id" and "Names". */
int docker_list(struct json_doc *out, struct err *e);

#endif
