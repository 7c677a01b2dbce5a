/* What a workload shares with its host: namespaces, files, ports, kernel settings. */
#include <string.h>

#include "base/path.h"
#include "inspect/checks.h"

static void host_flag(struct ins_run *r, const struct ps_bool *flag, const char *what,
		      enum ins_severity severity)
{
	struct ins_finding *f;

	if (!flag->v)
		return;
	f = ins_find(r, NULL, flag->at, r->pod->spec, NULL, "shares the %s of the host", what);
	f->severity = severity;
	if (r->pod->platform == PS_KUBERNETES)
		ins_fix(r, f, INS_SET, flag->at, NULL, "false",
			arena_printf(r->arena, "the %s of the host", what));
	else if (r->pod->platform == PS_COMPOSE || r->pod->platform == PS_ECS)
		ins_fix(r, f, INS_REMOVE, flag->at, NULL, NULL,
			arena_printf(r->arena, "the %s of the host", what));
}

void check_host_namespaces(struct ins_run *r)
{
	host_flag(r, &r->pod->host_pid, "process namespace", INS_HIGH);
	host_flag(r, &r->pod->host_ipc, "IPC namespace", INS_HIGH);
	host_flag(r, &r->pod->host_network, "network namespace", INS_HIGH);
	host_flag(r, &r->pod->host_uts, "UTS namespace", INS_LOW);
}

/* ---- files of the host */

/* The path as kubelets and engines take it: without "//", "." and "..", no slash at its end. */
static const char *cleaned(struct ins_run *r, const char *path)
{
	size_t n = strlen(path), len;
	char *out;

	if (*path != '/')
		return path;
	out = arena_strdup(r->arena, path);
	len = path_append(out, 0, n, path, n);
	out[len] = '\0';
	return len ? out : "/";
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* The engine's control sockets; who can write there starts privileged containers. `path`: cleaned.
 */
static bool is_socket(const char *path)
{
	static const char *const sockets[] = {
		"docker.sock",	   "containerd.sock", "containerd.sock.ttrpc",
		"crio.sock",	   "podman.sock",     "cri-dockerd.sock",
		"dockershim.sock", "buildkitd.sock",  "frakti.sock",
	};
	/* containerd's folders of containers: their sockets lie elsewhere (/run/containerd/s) */
	static const char tasks[] = "/containerd/io.containerd.runtime.v2.task";
	const char *base = strrchr(path, '/');

	if (strstr(path, tasks))
		return false;
	for (size_t i = 0; base && i < ARRAY_SIZE(sockets); i++)
		if (!strcmp(base + 1, sockets[i]))
			return true;
	return below(path, "/run/containerd") || below(path, "/var/run/containerd") ||
	       below(path, "/run/crio") || below(path, "/var/run/crio") ||
	       below(path, "/run/podman") || below(path, "/var/run/podman");
}

/* `path`: cleaned. In a Compose file "~" is the home of who starts it. */
static bool is_sensitive(const char *path)
{
	static const char *const dirs[] = { "/boot",
					    "/dev",
					    "/etc",
					    "/lib",
					    "/lib64",
					    "/proc",
					    "/sys",
					    "/usr",
					    "/bin",
					    "/sbin",
					    "/root",
					    "/home",
					    "/run",
					    "/var/run",
					    "/var/lib/kubelet",
					    "/var/lib/docker",
					    "/var/lib/containerd",
					    "/var/lib/etcd",
					    "/opt/cni" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (below(path, dirs[i]))
			return true;
	return !path[strspn(path, "/")] || below(path, "~") || !strcmp(path, "/var") ||
	       !strcmp(path, "/var/lib");
}

/* Whether some container mounts the volume for writing. */
static bool writable(const struct ins_run *r, const char *volume)
{
	bool mounted = false;

	ins_each(r, c) for (size_t i = 0; i < c->mounts_n; i++)
	{
		if (!c->mounts[i].volume || strcmp(c->mounts[i].volume, volume))
			continue;
		mounted = true;
		if (!c->mounts[i].read_only.v)
			return true;
	}
	return !mounted;
}

static enum ins_severity path_severity(const char *path, bool write)
{
	return is_sensitive(path) && write   ? INS_HIGH
	       : is_sensitive(path) || write ? INS_MEDIUM
					     : INS_LOW;
}

/* The volume stays, empty: its mounts stay valid. */
static void fix_volume(struct ins_run *r, struct ins_finding *f, const struct ps_volume *v,
		       const char *source)
{
	const char *note = arena_printf(
		r->arena, "the data of volume \"%s\": it becomes an empty one", v->name);

	ins_fix(r, f, INS_REMOVE, v->at, source, NULL, note);
	ins_fix(r, f, INS_SET, v->at, "emptyDir", "{}", note);
}

void check_host_path(struct ins_run *r)
{
	struct ins_finding *f;

	for (size_t i = 0; i < r->pod->volumes_n; i++) {
		const struct ps_volume *v = &r->pod->volumes[i];
		bool write = writable(r, v->name);

		if (!v->host_path.at || r->pod->platform != PS_KUBERNETES)
			continue;
		f = ins_find(r, NULL, v->host_path.at, v->at, NULL,
			     "volume \"%s\" is %s of the host%s", v->name,
			     *v->host_path.v ? v->host_path.v : "a path",
			     write ? ", writable" : "");
		f->severity = path_severity(cleaned(r, v->host_path.v), write);
		fix_volume(r, f, v, "hostPath");
	}
	ins_each(r, c) for (size_t i = 0; r->pod->platform != PS_KUBERNETES && i < c->mounts_n; i++)
	{
		const struct ps_mount *m = &c->mounts[i];
		const char *path = m->source ? cleaned(r, m->source) : NULL;
		bool write = !m->read_only.v;

		if (!path || is_socket(path) || (!is_sensitive(path) && r->pod->platform != PS_ECS))
			continue;
		f = ins_find(r, c, m->at, c->at, NULL, "%s has %s of the host at %s%s",
			     ins_who(r, c), m->source, m->target ? m->target : "?",
			     write ? ", writable" : "");
		f->severity = path_severity(path, write);
	}
}

void check_runtime_socket(struct ins_run *r)
{
	struct ins_finding *f;

	for (size_t i = 0; i < r->pod->volumes_n; i++) {
		const struct ps_volume *v = &r->pod->volumes[i];

		if (!v->host_path.at || !is_socket(cleaned(r, v->host_path.v)) ||
		    r->pod->platform != PS_KUBERNETES)
			continue;
		f = ins_find(r, NULL, v->host_path.at, v->at, NULL,
			     "volume \"%s\" gives the control socket of the container engine (%s)",
			     v->name, v->host_path.v);
		fix_volume(r, f, v, "hostPath");
	}
	ins_each(r, c) for (size_t i = 0; r->pod->platform != PS_KUBERNETES && i < c->mounts_n; i++)
	{
		const struct ps_mount *m = &c->mounts[i];

		if (m->source && is_socket(cleaned(r, m->source)))
			ins_find(r, c, m->at, c->at, NULL,
				 "%s has the control socket of the container engine (%s)",
				 ins_who(r, c), m->source);
	}
}

/* ---- network */

void check_host_port(struct ins_run *r)
{
	ins_each(r, c) for (size_t i = 0; i < c->ports_n; i++)
	{
		const struct ps_port *p = &c->ports[i];
		struct ins_finding *f;

		if (!p->host || p->implied)
			continue;
		if (r->pod->platform != PS_KUBERNETES && p->host >= 1024)
			continue;
		f = ins_find(r, c, p->at, c->at, NULL, "%s takes port %lld of the host",
			     ins_who(r, c), (long long)p->host);
		if (r->pod->platform == PS_KUBERNETES)
			ins_fix(r, f, INS_REMOVE, p->at, NULL, NULL,
				arena_printf(r->arena, "port %lld of the node",
					     (long long)p->host));
		else
			f->severity = INS_LOW;
	}
}

void check_probe_host(struct ins_run *r)
{
	ins_each(r, c) for (size_t i = 0; i < c->hosts_n; i++)
	{
		struct ins_finding *f =
			ins_find(r, c, c->hosts[i].at, c->at, NULL,
				 "a probe or hook of %s makes the node connect to %s",
				 ins_who(r, c), c->hosts[i].host);

		ins_fix(r, f, INS_REMOVE, c->hosts[i].at, NULL, NULL,
			"the other host: the pod itself is asked");
	}
}

/* ---- kernel settings, devices, volumes */

void check_proc_mount(struct ins_run *r)
{
	ins_each(r, c)
	{
		const struct ps_str *mount = &c->sec.proc_mount;
		struct ins_finding *f;

		if (!mount->at || !strcmp(mount->v, "Default"))
			continue;
		f = ins_find(r, c, mount->at, c->at, NULL,
			     "%s sees /proc and /sys without the runtime's masks", ins_who(r, c));
		if (r->pod->platform == PS_KUBERNETES)
			ins_fix(r, f, INS_REMOVE, mount->at, NULL, NULL, NULL);
	}
}

static void check_sysctl_list(struct ins_run *r, const struct ps_container *c,
			      const struct ps_entries *list)
{
	unsigned minor = r->o->policy ? r->o->policy->minor : PSS_NEWEST;

	for (size_t i = 0; i < list->n; i++) {
		struct ins_finding *f;

		if (pss_sysctl_is_safe(list->v[i].key, minor > PSS_NEWEST ? PSS_NEWEST : minor))
			continue;
		f = ins_find(r, c, list->v[i].at, r->pod->spec, NULL,
			     "sets the kernel parameter %s, which is not safe to share",
			     list->v[i].key);
		if (r->pod->platform == PS_KUBERNETES)
			ins_fix(r, f, INS_REMOVE, list->v[i].at, NULL, NULL,
				arena_printf(r->arena, "the kernel parameter %s", list->v[i].key));
	}
}

void check_sysctls(struct ins_run *r)
{
	check_sysctl_list(r, NULL, &r->pod->sec.sysctls);
	ins_each(r, c) check_sysctl_list(r, c, &c->sec.sysctls);
}

void check_volume_types(struct ins_run *r)
{
	for (size_t i = 0; i < r->pod->volumes_n; i++) {
		const struct ps_volume *v = &r->pod->volumes[i];
		struct ins_finding *f;

		if (v->host_path.at || !pss_volume_is_restricted(v->type))
			continue;
		f = ins_find(r, NULL, v->at, v->at, NULL,
			     "volume \"%s\" is of type %s, which level restricted does not allow",
			     v->name, v->type);
		for (uint32_t k = 0; k < v->at->n; k++)
			if (strcmp(v->at->pair[k].key->text, "name") &&
			    (!v->source || v->at->pair[k].value == v->source))
				fix_volume(r, f, v, v->at->pair[k].key->text);
	}
}

void check_devices(struct ins_run *r)
{
	ins_each(r, c)
	{
		struct ins_finding *f;

		for (size_t i = 0; i < c->devices.n; i++)
			ins_find(r, c, c->devices.v[i].at, c->at, NULL,
				 "%s has the device %s of the host", ins_who(r, c),
				 c->devices.v[i].v);
		for (size_t i = 0; i < c->mounts_n; i++) {
			const struct ps_mount *m = &c->mounts[i];

			if (!m->propagation.at || (strcmp(m->propagation.v, "Bidirectional") &&
						   !strstr(m->propagation.v, "shared")))
				continue;
			f = ins_find(r, c, m->propagation.at, c->at, NULL,
				     "what %s mounts at %s appears on the host", ins_who(r, c),
				     m->target);
			if (r->pod->platform == PS_KUBERNETES)
				ins_fix(r, f, INS_REMOVE, m->propagation.at, NULL, NULL,
					"mounts that reach the host");
		}
		if (ins_setting_path(r->pod->platform, SET_PIDS) && c->pids_limit.v <= 0) {
			f = ins_find(r, c, c->pids_limit.at, c->at,
				     ins_setting_path(r->pod->platform, SET_PIDS),
				     "%s may start any number of processes", ins_who(r, c));
			f->severity = INS_LOW;
			if (r->pod->platform != PS_DOCKER)
				ins_fix(r, f, INS_SET, c->at,
					ins_setting_path(r->pod->platform, SET_PIDS), "1024",
					"more than 1024 processes");
		}
	}
}
