/* Documents: what they are, and the subjects in them. */
#ifndef INSPECT_DOCUMENT_H
#define INSPECT_DOCUMENT_H

#include "inspect/run.h"

/* One document on its way; arena: what readers make, freed behind the document. */
struct ins_doc {
	struct ins_report *report;
	const struct ins_options *o;
	const struct yaml_stream *s;
	const struct yaml_node *root;
	struct arena *arena;
	bool quiet;
	const char *prefix; /* pointer of an outer document's string that this text is, or "" */
	const struct yaml_node *outer; /* that string, or NULL */
	struct err err;
};

/* A workload that was read: checks it. */
void ins_workload(struct ins_doc *d, struct ps_pod *pod, const struct yaml_node *object);
/* A subject without containers. */
void ins_configuration(struct ins_doc *d, enum ins_target target, const char *kind,
		       const char *name, const struct yaml_node *object);

/*
 * Readers: true when the document is of their kind. What is wrong with it goes into d->err, or, if
 * other subjects of the document remain, into the report's problems.
 */
bool ins_read_kube(struct ins_doc *d);
bool ins_read_ecs(struct ins_doc *d);
bool ins_read_docker(struct ins_doc *d);
bool ins_read_compose(struct ins_doc *d);
bool ins_read_oci(struct ins_doc *d);
bool ins_read_node(struct ins_doc *d);
bool ins_read_state(struct ins_doc *d); /* node_state.c */

/*
 * read_kube.c: the pod that an object of this kind is or makes. 0; 1, with a message, when it has
 * no template; a negative errno for kinds that run no pods and for wrong types.
 */
int ins_kube_pod(struct ps_reader *rd, const struct yaml_node *o, const char *kind,
		 struct ps_pod *pod);

/*
 * compose_vars.c: puts the defaults of variables in their place (${NAME:-DEFAULT}). Those without
 * one stay as ${NAME}, since the environment of who starts it is not known.
 */
void ins_compose_vars(struct arena *a, struct yaml_node *n);

/* read_docker.c, for engines: what security options say, and "CAP_CHOWN" or "chown" as CHOWN. */
void ins_docker_options(struct ps_container *c);
void ins_plain_caps(struct ps_reader *rd, struct ps_list *list);

#endif
