/* Nodes: what their kernel and the modes of their files allow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/checks.h"

static bool is_true(const struct ins_run *r, const struct yaml_node *n)
{
	bool v = false;

	return n && yaml_bool(r->s, n, &v, NULL) == 0 && v;
}

static const struct yaml_node *part(const struct ins_run *r, const char *key)
{
	const struct yaml_node *n = yaml_get(r->object, key);

	return yaml_is_null(n) ? NULL : n;
}

void check_node_modules(struct ins_run *r)
{
	const struct yaml_node *security = part(r, "security");
	const struct yaml_node *modules = yaml_get(security, "modules");
	const struct yaml_node *apparmor = yaml_get(security, "apparmor");
	const struct yaml_node *enforcing = yaml_get(security, "selinuxEnforcing");
	bool mandatory = is_true(r, apparmor);

	for (uint32_t i = 0; modules && modules->kind == YAML_SEQ && i < modules->n; i++)
		mandatory |= yaml_eq(modules->item[i], "apparmor") ||
			     yaml_eq(modules->item[i], "selinux");
	if (enforcing && !is_true(r, enforcing))
		ins_find(r, NULL, enforcing, r->object, NULL,
			 "SELinux only reports what it should refuse (permissive)");
	else if (security && !mandatory && !enforcing)
		ins_find(
			r, NULL, modules, r->object, "security/modules",
			"neither AppArmor nor SELinux is in use: profiles that pods name cannot be "
			"loaded");
}

struct setting {
	const char *name;
	long least; /* values below it are found */
	enum ins_severity severity;
	const char *message;
};

/* docs.kernel.org: admin-guide/sysctl/{kernel,vm,fs,net}, admin-guide/LSM/Yama. */
static const struct setting settings[] = {
	{ "kernel.unprivileged_bpf_disabled", 1, INS_MEDIUM, "every user may load eBPF programs" },
	{ "kernel.randomize_va_space", 2, INS_MEDIUM,
	  "addresses of programs are not, or not fully, random" },
	{ "vm.mmap_min_addr", 4096, INS_MEDIUM,
	  "programs may map page 0, which makes NULL pointers of the kernel exploitable" },
	{ "kernel.kptr_restrict", 1, INS_LOW, "addresses of the kernel can be read" },
	{ "kernel.dmesg_restrict", 1, INS_LOW, "every user reads the kernel's messages" },
	{ "kernel.yama.ptrace_scope", 1, INS_LOW,
	  "a program may trace every other one of its user" },
	{ "kernel.perf_event_paranoid", 2, INS_LOW,
	  "every user may count and sample events of the kernel" },
	{ "fs.protected_symlinks", 1, INS_MEDIUM,
	  "links in /tmp and the like lead other users' programs astray" },
	{ "fs.protected_hardlinks", 1, INS_MEDIUM,
	  "every user may make hard links to files of others" },
	{ "net.core.bpf_jit_harden", 1, INS_INFO, "compiled eBPF programs keep their constants" },
};

void check_node_settings(struct ins_run *r)
{
	const struct yaml_node *list = part(r, "sysctl");

	for (size_t i = 0; list && i < ARRAY_SIZE(settings); i++) {
		const struct yaml_node *v = yaml_get(list, settings[i].name);
		struct ins_finding *f;
		char *end;
		long value;

		if (!v || v->kind != YAML_SCALAR)
			continue;
		value = strtol(v->text, &end, 10);
		if (end == v->text || value >= settings[i].least)
			continue;
		f = ins_find(r, NULL, v, r->object, NULL, "%s = %ld: %s", settings[i].name, value,
			     settings[i].message);
		f->severity = settings[i].severity;
	}
}

/* Paths of the list whose mode has one of the bits; `who_may`: who may do what with the path. */
static void modes(struct ins_run *r, const char *list_name, unsigned long bits, const char *who_may)
{
	const struct yaml_node *list = part(r, list_name);

	for (uint32_t i = 0; list && list->kind == YAML_MAP && i < list->n; i++) {
		const struct yaml_node *v = list->pair[i].value;

		if (v->kind == YAML_SCALAR && strtoul(v->text, NULL, 8) & bits)
			ins_find(r, NULL, v, r->object, NULL, "%s %s (mode %s)", who_may,
				 list->pair[i].key->text, v->text);
	}
}

void check_node_sockets(struct ins_run *r)
{
	modes(r, "sockets", 06, "every user of the node may use");
}

void check_node_files(struct ins_run *r)
{
	modes(r, "files", 022, "others than its owner may write");
}

void check_node_core_pattern(struct ins_run *r)
{
	const struct yaml_node *v = yaml_get(part(r, "sysctl"), "kernel.core_pattern");

	if (v && v->kind == YAML_SCALAR && *v->text == '|' &&
	    (strstr(v->text, "/tmp/") || strstr(v->text, "/proc/") ||
	     strstr(v->text, "/overlay2/") || strstr(v->text, "/dev/shm/")))
		ins_find(r, NULL, v, r->object, NULL,
			 "when a program crashes the kernel runs %s, which lies where containers "
			 "can write: this is how containers break out",
			 v->text + 1);
}
