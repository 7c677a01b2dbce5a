/* What the files of the command inspect share. */
#ifndef APP_INSPECT_H
#define APP_INSPECT_H

#include "base/map.h"
#include "inspect/inspect.h"

struct inspect {
	struct ins_report report;
	struct ins_options o;
	struct pss_policy policy;
	bool fix;
	struct buf fixed; /* corrected documents */
	size_t fixed_files, notes;
	size_t files; /* that were read */
	const char **only;
	struct map seen_notes;
	struct ins_node *nodes; /* of the cluster */
	size_t nodes_cap;
	const char *kubeconfig, *context, *ns; /* of --cluster; NULL: as usual, all namespaces */
};

/* cmd_inspect.c: reads the options and inspects all that was named; an exit code. */
int inspect_all(struct inspect *in, struct args *a, struct err *e);
void inspect_free(struct inspect *in);
/* Whether something is inspected that tells nobody when it changes. */
bool inspect_has_live(const struct args *a);

/*
 * inspect_live.c. A document that an API gave; then what runs in the engines (-ENOENT: there is
 * none), and the node below o.node_root: the kubelet's and Docker's configuration and its state.
 */
void inspect_text(struct inspect *in, const char *name, const char *text, size_t len);
int inspect_docker(struct inspect *in, struct err *e);
int inspect_podman(struct inspect *in, struct err *e);
int inspect_node(struct inspect *in, struct err *e);

/* inspect_cluster.c: the cluster of in->kubeconfig. */
int inspect_cluster(struct inspect *in, struct err *e);

/* inspect_store.c: what counts goes to the findings database. */
int inspect_store(const struct inspect *in, const char *path, struct err *e);

/* inspect_continuous.c: until SIGINT or SIGTERM; an exit code. */
int inspect_continuous(struct args *a, struct err *e);

/*
 * inspect_files.c: every file of a path: the file, "-", or what a folder has below it (*.yaml,
 * *.yml, *.json; in the order of names; hidden ones and links to folders are left out).
 */
int inspect_path(struct inspect *in, const char *path, struct err *e);
/* The models that --model and --models name; from a folder: *.workload.json and *.json. */
int inspect_load_models(struct inspect *in, const struct args *a, struct err *e);

/* inspect_profile.c: what a profile of a node allows beyond the model. */
int inspect_excess(const char *profile, const struct workload *w, struct ins_excess *out,
		   struct err *e);

/*
 * inspect_fix.c: the text of the stream with the fixes of the findings from `first` on. A change
 * that takes something from the workload, or that has no place in the text, is noted on standard
 * error.
 */
void inspect_fix(struct inspect *in, const struct yaml_stream *s, size_t first);

#endif
