/* The functions of the table of checks, and what they share. */
#ifndef INSPECT_CHECKS_H
#define INSPECT_CHECKS_H

#include "inspect/run.h"

/* Settings that every platform writes somewhere else. */
enum ins_setting {
	SET_PRIVILEGED,
	SET_ESCALATION,
	SET_READ_ONLY,
	SET_USER,
	SET_CAP_ADD,
	SET_CAP_DROP,
	SET_SECCOMP,
	SET_APPARMOR,
	SET_PIDS,
	SET_COUNT
};
/* Its pointer, relative to the container's node; NULL: the platform has no such setting. */
const char *ins_setting_path(enum ps_platform p, enum ins_setting s);

/* "container \"web\" " or "", for messages. */
const char *ins_who(const struct ins_run *r, const struct ps_container *c);
bool ins_linux(const struct ins_run *r); /* not a Windows workload */
const char *ins_json_string(struct ins_run *r, const char *text);
/* The profile in effect: the container's, else the pod's; NULL: none is set. */
const struct ps_profile *ins_seccomp_of(const struct ins_run *r, const struct ps_container *c);

/* checks_privilege.c */
void check_privileged(struct ins_run *r);
void check_dangerous_caps(struct ins_run *r);
void check_caps_not_dropped(struct ins_run *r);
void check_escalation(struct ins_run *r);
void check_root(struct ins_run *r);
void check_read_only_root(struct ins_run *r);
void check_host_process(struct ins_run *r);
void check_user_namespace(struct ins_run *r);
void check_no_context(struct ins_run *r);
void check_token(struct ins_run *r);

/* checks_host.c */
void check_host_namespaces(struct ins_run *r);
void check_host_path(struct ins_run *r);
void check_runtime_socket(struct ins_run *r);
void check_host_port(struct ins_run *r);
void check_probe_host(struct ins_run *r);
void check_proc_mount(struct ins_run *r);
void check_sysctls(struct ins_run *r);
void check_volume_types(struct ins_run *r);
void check_devices(struct ins_run *r);

/* checks_confine.c */
void check_seccomp_unconfined(struct ins_run *r);
void check_seccomp_missing(struct ins_run *r);
void check_apparmor(struct ins_run *r);
void check_selinux(struct ins_run *r);
void check_profile_exists(struct ins_run *r);
void check_profile_ignored(struct ins_run *r);
void check_old_annotations(struct ins_run *r);

/* checks_fleet.c: the profile on the nodes where the pod may run; a part of check_profile_exists */
void ins_profile_on_nodes(struct ins_run *r, const struct ps_container *c, bool apparmor,
			  const char *profile, const struct yaml_node *at);

/* checks_model.c: compared with what the workload was seen to do */
void check_profile_excess(struct ins_run *r);
void check_caps_unused(struct ins_run *r);
void check_caps_needed(struct ins_run *r);

/* checks_node.c: kubelet, Docker daemon, namespaces; settings that a platform ignores */
void check_namespace_labels(struct ins_run *r);
void check_kubelet_seccomp(struct ins_run *r);
void check_kubelet_anonymous(struct ins_run *r);
void check_kubelet_authorization(struct ins_run *r);
void check_kubelet_read_only_port(struct ins_run *r);
void check_kubelet_kernel_defaults(struct ins_run *r);
void check_kubelet_sysctls(struct ins_run *r);
void check_kubelet_client_ca(struct ins_run *r);
void check_kubelet_pids(struct ins_run *r);
void check_daemon_userns(struct ins_run *r);
void check_daemon_new_privileges(struct ins_run *r);
void check_daemon_seccomp(struct ins_run *r);
void check_daemon_icc(struct ins_run *r);
void check_daemon_tcp(struct ins_run *r);
void check_ignored_settings(struct ins_run *r);

/* checks_kernel.c: the node itself */
void check_node_modules(struct ins_run *r);
void check_node_settings(struct ins_run *r);
void check_node_sockets(struct ins_run *r);
void check_node_files(struct ins_run *r);
void check_node_core_pattern(struct ins_run *r);

#endif
