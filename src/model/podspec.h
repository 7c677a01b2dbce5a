/*
 * What a workload asks for, in the same form wherever it was declared: a Kubernetes pod template,
 * an ECS task definition, a container of Docker, a Compose service, an OCI bundle. Every value
 * knows the node of the document that it was read from (`at`; NULL: not set there), which gives its
 * place and JSON pointer. Members that a platform does not have are not set.
 *
 * Everything lives in the arena given to the reader and borrows texts from the document.
 */
#ifndef MODEL_PODSPEC_H
#define MODEL_PODSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/yaml.h"

enum ps_platform {
	PS_KUBERNETES,
	PS_ECS,
	PS_DOCKER, /* docker inspect, docker container inspect, podman inspect */
	PS_COMPOSE,
	PS_OCI,
	PS_PLATFORM_COUNT
};

enum { PS_MAX_CONTAINERS = 1000 }; /* of one workload */

/* Set or not, with the node. `v` is NULL or 0 when not set. */
struct ps_str {
	const char *v;
	const struct yaml_node *at;
};
struct ps_int {
	int64_t v;
	const struct yaml_node *at;
};
struct ps_bool {
	bool v;
	const struct yaml_node *at;
};
struct ps_list {
	struct ps_str *v;
	size_t n;
	const struct yaml_node *at;
};
/* A map of strings: annotations, labels, sysctls. */
struct ps_entry {
	const char *key, *value;
	const struct yaml_node *at; /* of the value; for sysctls of the entry */
};
struct ps_entries {
	struct ps_entry *v;
	size_t n;
	const struct yaml_node *at;
};

/* Seccomp or AppArmor: `at` is the struct; type "RuntimeDefault", "Localhost", "Unconfined" … */
struct ps_profile {
	const struct yaml_node *at;
	struct ps_str type, localhost;
};

struct ps_selinux {
	const struct yaml_node *at;
	struct ps_str type, user, role, level;
};

/* Of a pod or of a container; each platform sets what it has. */
struct ps_security {
	const struct yaml_node *at;
	struct ps_bool privileged, escalation, read_only_root, non_root, host_process;
	struct ps_int user, group, fs_group;
	struct ps_str user_name;    /* user by name: Docker, ECS, Compose */
	struct ps_str windows_user; /* windowsOptions.runAsUserName */
	struct ps_str proc_mount;
	struct ps_profile seccomp, apparmor;
	struct ps_selinux selinux;
	const struct yaml_node *caps_at;
	struct ps_list cap_add, cap_drop;
	struct ps_entries sysctls;
	struct ps_list options; /* Docker's security options as written */
};

enum ps_class { PS_INIT, PS_NORMAL, PS_EPHEMERAL, PS_CLASS_COUNT };

struct ps_port {
	int64_t container, host;    /* 0: not set */
	const struct yaml_node *at; /* of the host port, or of the port */
	bool implied;		    /* by hostNetwork, through the API server's defaults */
};

struct ps_mount {
	const char *volume; /* name of the pod's volume, or NULL */
	const char *source; /* path on the host, or NULL */
	const char *target;
	struct ps_str propagation;
	struct ps_bool read_only;
	const struct yaml_node *at;
};

/* A host of a probe or lifecycle hook. */
struct ps_host {
	const char *host;
	const struct yaml_node *at;
};

struct ps_container {
	enum ps_class class;
	const char *name, *image; /* "" when not set */
	const struct yaml_node *at;
	struct ps_security sec;
	struct ps_port *ports;
	size_t ports_n;
	struct ps_mount *mounts;
	size_t mounts_n;
	struct ps_host *hosts;
	size_t hosts_n;
	struct ps_list devices;
	struct ps_entries ulimits;
	struct ps_int pids_limit;
	struct ps_list command; /* entry point or command, then arguments */
};

struct ps_volume {
	const char *name;
	const char *type; /* the member that tells its type, "emptyDir", "hostPath", "unknown" */
	struct ps_str host_path;
	const struct yaml_node *at, *source; /* the volume; the value of `type`, or NULL */
};

struct ps_pod {
	enum ps_platform platform;
	const char *kind, *api_version;
	const char *name, *ns;		   /* "" when not set */
	const struct yaml_node *root;	   /* the object */
	const struct yaml_node *meta;	   /* metadata of the pod or template, or NULL */
	const struct yaml_node *spec;	   /* what has the containers */
	struct ps_entries annotations;	   /* of the pod or its template */
	struct ps_entries own_annotations; /* of the object that has the template */
	struct ps_security sec;
	struct ps_bool host_network, host_pid, host_ipc, host_uts, host_users, automount_token;
	struct ps_str os_name, service_account, runtime_class, node_name;
	struct ps_container *containers; /* init, normal, ephemeral */
	size_t containers_n;
	struct ps_volume *volumes;
	size_t volumes_n;
	bool fargate;	  /* ECS: may run on Fargate */
	bool pascal_case; /* members are written ReadonlyRootFilesystem (CloudFormation) */
};

const char *ps_class_name(enum ps_class c); /* "init", "normal", "ephemeral" */
bool ps_is_windows(const struct ps_pod *p);
/* Whether it drops all capabilities, by the word "ALL". */
bool ps_drops_all(const struct ps_container *c);

/*
 * Reading members of a map. A reader stops at the first wrong type: then `r` is negative and `e`
 * has the place, and further calls do nothing. Missing and null members leave *out as it is.
 */
struct ps_reader {
	const struct yaml_stream *s;
	struct arena *arena;
	struct err *e;
	int r;
};

struct yaml_node *ps_map(struct ps_reader *rd, const struct yaml_node *map, const char *key);
struct yaml_node *ps_seq(struct ps_reader *rd, const struct yaml_node *map, const char *key);
void ps_read_str(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		 struct ps_str *out);
void ps_read_int(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		 struct ps_int *out);
void ps_read_bool(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		  struct ps_bool *out);
void ps_read_list(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		  struct ps_list *out);
void ps_read_entries(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		     struct ps_entries *out);
/* The string, or "" when it is missing. */
const char *ps_text(struct ps_reader *rd, const struct yaml_node *map, const char *key);

/*
 * podspec_kube.c. A pod: `meta` is its metadata (may be NULL), `spec` its spec. Values that the API
 * server would refuse for their type are errors; unknown members are not looked at. `is_pod`: the
 * object itself is a Pod, to which more of the API server's defaults apply than to a template.
 */
int ps_read_kube(struct ps_reader *rd, const struct yaml_node *meta, const struct yaml_node *spec,
		 bool is_pod, struct ps_pod *out);

#endif
