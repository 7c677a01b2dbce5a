/* The state of a node, below the folder where its root file system is ("" for this machine). */
#ifndef INSPECT_NODE_STATE_H
#define INSPECT_NODE_STATE_H

#include <stdbool.h>

#include "base/buf.h"

/* The member that tells such a document. */
#define INS_STATE_KEY "boltsealNodeState"

struct ins_kubelet {
	bool runs, seccomp_default; /* as its command line says */
	const char *config;	    /* path of its configuration file, below the root */
	char config_path[512];
};

/* What the command line of the kubelet that runs says; the usual file when none runs. */
void ins_kubelet_flags(const char *root, struct ins_kubelet *out);

/*
 * Appends the state as a JSON document: security modules, kernel settings, modes of engine sockets
 * and configuration files. What cannot be read is left out.
 */
void ins_node_state(const char *root, const char *kubelet_config, struct buf *out);

#endif
