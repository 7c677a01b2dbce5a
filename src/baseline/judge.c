/* What of an observation is outside of a model, and how much it weighs. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "baseline/baseline_private.h"
#include "model/caps.h"
#include "model/capture.h"
#include "model/constants.h"

static const struct {
	const char *name, *rule;
} kinds[DRIFT_KINDS] = {
	[DRIFT_EXEC] = { "exec", "Drift: new program" },
	[DRIFT_CALL] = { "call", "Drift: new system call" },
	[DRIFT_ARGUMENTS] = { "arguments", "Drift: new arguments" },
	[DRIFT_CAPABILITY] = { "capability", "Drift: new capability" },
	[DRIFT_CONNECTION] = { "connection", "Drift: new connection" },
	[DRIFT_LISTENING] = { "listening", "Drift: new listening port" },
	[DRIFT_WRITTEN] = { "written", "Drift: new path written" },
	[DRIFT_OPENED] = { "opened", "Drift: new file opened" },
};

const char *drift_kind_name(enum drift_kind k)
{
	return kinds[k].name;
}

void drift_free(struct drift *d)
{
	buf_free(&d->subject);
	buf_free(&d->text);
}

__attribute__((format(printf, 5, 6))) static void grade(struct drift *d, enum drift_kind kind,
							unsigned severity, const char *technique,
							const char *type, ...)
{
	va_list ap;

	d->kind = kind;
	d->rule = kinds[kind].rule;
	d->severity = severity;
	d->technique = technique;
	va_start(ap, type);
	vsnprintf(d->type, sizeof(d->type), type, ap);
	va_end(ap);
}

static bool begins(const char *path, const char *const *list)
{
	for (; *list; list++)
		if (!strncmp(path, *list, strlen(*list)))
			return true;
	return false;
}

/* ---- programs */

/* A program that only code names is none that the workload was seen to execute. */
static bool has_program(const struct workload *w, const char *path)
{
	int at = wl_program_find(w, path);

	return at >= 0 && !wl_program_only_named(w, (uint32_t)at);
}

static bool judge_exec(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	if (!m->recorded ||
	    (!o->in_memory && (bl_access(m, o->path) & WL_F_EXEC || has_program(&m->w, o->path))))
		return false;
	if (o->in_memory)
		grade(d, DRIFT_EXEC, 80, "T1620", "DefenseEvasion:Runtime/FilelessExecution");
	else if (o->layer == WATCH_UPPER)
		grade(d, DRIFT_EXEC, 70, "T1059", "Execution:Runtime/NewBinaryExecuted");
	else
		grade(d, DRIFT_EXEC, 50, "T1059", "Execution:Runtime/UnknownProgramExecuted");
	buf_puts(&d->subject, o->path);
	buf_printf(&d->text, "executes %s%s", o->path,
		   o->in_memory		     ? ", which is in no folder"
		   : o->layer == WATCH_UPPER ? ", which is not of the image"
					     : "");
	return true;
}

/* ---- calls */

static bool judge_call(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	const char *name = o->call ? o->call->name : NULL;
	const struct call_class *c = call_class_of(name);
	bool known = m->classes >> call_class_index(c) & 1;

	if (bl_has_call(m, o->abi, o->nr) || (name && call_is_common(name)))
		return false;
	if (!(m->abis >> o->abi & 1)) {
		grade(d, DRIFT_CALL, 60, "T1562", "DefenseEvasion:Runtime/NewCallInterface");
		buf_puts(&d->subject, sc_abi_name(o->abi));
		buf_printf(&d->text, "makes system calls of %s", sc_abi_name(o->abi));
		return true;
	}
	if (known)
		grade(d, DRIFT_CALL, 10, NULL, "Behavior:Runtime/NewCall.%s", c->name);
	else
		grade(d, DRIFT_CALL, c->severity, c->technique, "%s:Runtime/NewCallClass.%s",
		      c->purpose, c->name);
	buf_puts(&d->subject, c->name);
	if (name)
		buf_printf(&d->text, "makes the system call %s", name);
	else
		buf_printf(&d->text, "makes the unknown system call %u of %s", o->nr,
			   sc_abi_name(o->abi));
	buf_printf(&d->text, ", %s of the class %s", known ? "another one" : "the first one",
		   c->name);
	return true;
}

static const struct {
	const char *calls, *purpose, *technique;
	unsigned severity;
} argument_grades[] = {
	{ " clone clone3 unshare setns ", "PrivilegeEscalation", "T1611", 70 },
	{ " ptrace ", "DefenseEvasion", "T1055", 70 },
	{ " bpf ", "DefenseEvasion", "T1014", 70 },
	{ " mmap mprotect pkey_mprotect ", "DefenseEvasion", "T1620", 40 },
	{ " socket socketpair ", "Backdoor", "T1095", 40 },
	{ " keyctl ", "CredentialAccess", "T1552", 40 },
	{ " personality ", "DefenseEvasion", NULL, 40 },
	{ " ", "Behavior", NULL, 20 },
};

static void put_arguments(const struct observation *o, struct buf *out)
{
	struct wl_syscall s = { .abi = o->abi, .desc = o->call, .nr = o->nr };
	const struct capture *c = capture_by_name(o->call->name);
	struct wl_call call = { .n = o->args_n };

	memcpy(call.value, o->value, sizeof(call.value));
	for (unsigned i = 0; c && i < o->args_n; i++)
		call.index[i] = c->arg[i];
	buf_printf(out, "%s(", o->call->name);
	const_call(&s, &call, out);
	buf_putc(out, ')');
}

struct wanted_arguments {
	const struct observation *o;
	bool found;
};

static void compare_arguments(void *ctx, const uint64_t value[WL_MAX_ARGS])
{
	struct wanted_arguments *want = ctx;

	want->found |= !memcmp(value, want->o->value, want->o->args_n * sizeof(*value));
}

static bool judge_arguments(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	struct wanted_arguments want = { .o = o };
	size_t i = 0;

	if (!o->call || !bl_model_arguments(m, o->call->name, compare_arguments, &want) ||
	    want.found)
		return false;
	while (i + 1 < ARRAY_SIZE(argument_grades)) {
		cleanup_buf struct buf word = { 0 };

		buf_printf(&word, " %s ", o->call->name);
		if (strstr(argument_grades[i].calls, buf_str(&word)))
			break;
		i++;
	}
	grade(d, DRIFT_ARGUMENTS, argument_grades[i].severity, argument_grades[i].technique,
	      "%s:Runtime/NewArguments.%s", argument_grades[i].purpose, o->call->name);
	put_arguments(o, &d->subject);
	buf_printf(&d->text, "calls %s", buf_str(&d->subject));
	return true;
}

static bool judge_capability(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	static const unsigned severity[] = {
		[BCAP_RISK_LOW] = 40, [BCAP_RISK_HIGH] = 60, [BCAP_RISK_HOST] = 80
	};
	const struct bcap_desc *c = bcap_by_nr(o->capability);
	char number[24];

	for (size_t i = 0; i < m->w.caps_n; i++)
		if (m->w.caps[i].nr == o->capability && m->w.caps[i].result == WL_CAP_GRANTED)
			return false;
	if (!m->recorded)
		return false;
	snprintf(number, sizeof(number), "capability %u", o->capability);
	grade(d, DRIFT_CAPABILITY, severity[c ? c->risk : BCAP_RISK_HOST], "T1548",
	      "PrivilegeEscalation:Runtime/NewCapability.%s", c ? c->name : "Unknown");
	buf_puts(&d->subject, c ? c->name : number);
	buf_printf(&d->text, "uses %s", buf_str(&d->subject));
	return true;
}

/* ---- network */

static bool loopback(const struct observation *o)
{
	return (o->family == AF_INET && !strncmp(o->address, "127.", 4)) ||
	       !strcmp(o->address, "::1");
}

static bool is_outbound(enum wl_net_op op)
{
	return op == WL_NET_CONNECT || op == WL_NET_SEND;
}

/* Whether the model has the port, and with `address` this address too. */
static bool has_net(const struct bl_model *m, const struct observation *o, bool address)
{
	for (size_t i = 0; i < m->w.nets_n; i++) {
		const struct wl_net *n = &m->w.nets[i];
		bool inet = n->family == AF_INET || n->family == AF_INET6;

		if (is_outbound(n->op) != is_outbound(o->op) ||
		    (address && is_outbound(o->op) && n->family != o->family))
			continue;
		if (inet && n->port && n->port != o->port)
			continue;
		if (!inet && n->family != o->family)
			continue;
		if (address && *n->address && strcmp(n->address, o->address))
			continue;
		return true;
	}
	return false;
}

static void put_endpoint(const struct observation *o, struct buf *out)
{
	if (o->family == AF_UNIX)
		buf_puts(out, o->address);
	else
		buf_printf(out, o->family == AF_INET6 ? "[%s]:%u" : "%s:%u", o->address, o->port);
}

static bool judge_unix(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	static const char *const engines[] = { "docker.sock", "containerd.sock", "crio.sock",
					       "podman.sock", "dockershim.sock" };
	bool engine = false;

	if (!is_outbound(o->op) || has_net(m, o, true))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		engine |= strstr(o->address, engines[i]) != NULL;
	if (engine)
		grade(d, DRIFT_CONNECTION, 80, "T1611",
		      "PrivilegeEscalation:Runtime/ContainerEngineSocketUsed");
	else
		grade(d, DRIFT_CONNECTION, 30, NULL, "Behavior:Runtime/NewLocalSocket");
	put_endpoint(o, &d->subject);
	buf_printf(&d->text, "connects to %s", o->address);
	return true;
}

static bool judge_net(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	if (!m->recorded)
		return false;
	if (o->family == AF_UNIX)
		return judge_unix(m, o, d);
	if (!is_outbound(o->op)) {
		/* Streams are told by listen(2); port 0 is any that the kernel chooses. */
		if (!o->port || (o->op == WL_NET_BIND && o->type == SOCK_STREAM) ||
		    has_net(m, o, false))
			return false;
		grade(d, DRIFT_LISTENING, 60, "T1571", "Backdoor:Runtime/NewListeningPort");
		buf_printf(&d->subject, "port %u", o->port);
		buf_printf(&d->text, "listens on %s, port %u", o->address, o->port);
		return true;
	}
	if (!o->port || has_net(m, o, true)) /* port 0: asks for a route, nothing is sent */
		return false;
	if (loopback(o))
		grade(d, DRIFT_CONNECTION, 20, "T1046", "Discovery:Runtime/NewLocalConnection");
	else if (has_net(m, o, false))
		grade(d, DRIFT_CONNECTION, 40, "T1071", "Backdoor:Runtime/NewOutboundAddress");
	else
		grade(d, DRIFT_CONNECTION, 60, "T1571", "Backdoor:Runtime/NewOutboundPort");
	put_endpoint(o, &d->subject);
	buf_printf(&d->text, "%s %s", o->op == WL_NET_SEND ? "sends to" : "connects to",
		   buf_str(&d->subject));
	return true;
}

/* ---- files */

/* Devices that are in every container, and terminals. */
static bool common_file(const char *path)
{
	static const char *const files[] = { "/dev/null",    "/dev/zero",    "/dev/full",
					     "/dev/random",  "/dev/urandom", "/dev/tty",
					     "/dev/console", "/dev/ptmx" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(path, files[i]))
			return true;
	return !strncmp(path, "/dev/pts/", 9);
}

static bool sensitive(const char *path)
{
	static const char *const places[] = { "/etc/shadow",   "/etc/gshadow",	    "/etc/sudoers",
					      "/etc/ssh/",     "/etc/kubernetes/",  "/root/.",
					      "/run/secrets/", "/var/run/secrets/", "/proc/1/",
					      "/proc/kcore",   "/dev/mem",	    NULL };
	static const char *const parts[] = { "/.ssh/", "/.aws/", "/.kube/", "/.docker/", "id_rsa" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(path, parts[i]))
			return true;
	return begins(path, places);
}

static void grade_write(const char *path, struct drift *d)
{
	static const char *const kernel[] = { "/proc/sys/", "/sys/", "/proc/1/", NULL };
	static const char *const system[] = { "/etc/", "/usr/",	 "/bin/",  "/sbin/",
					      "/lib",  "/root/", "/boot/", "/var/spool/cron",
					      NULL };

	if (begins(path, kernel))
		grade(d, DRIFT_WRITTEN, 80, "T1611",
		      "PrivilegeEscalation:Runtime/NewKernelFileWritten");
	else if (begins(path, system))
		grade(d, DRIFT_WRITTEN, 60, "T1554", "Persistence:Runtime/NewPathWritten");
	else
		grade(d, DRIFT_WRITTEN, 30, NULL, "Behavior:Runtime/NewPathWritten");
}

static bool judge_file(const struct bl_model *m, const struct observation *o, struct drift *d)
{
	uint32_t known;

	if (!m->recorded || common_file(o->path))
		return false;
	known = bl_access(m, o->path);
	if (o->access & BL_CHANGES) {
		if (known & BL_CHANGES)
			return false;
		grade_write(o->path, d);
		buf_printf(&d->text, "%s %s",
			   o->access & WL_F_DELETE   ? "removes"
			   : o->access & WL_F_CREATE ? "makes"
			   : o->access & WL_F_META   ? "changes owner, mode or times of"
						     : "writes to",
			   o->path);
	} else {
		if (known || bl_folder_is_read(m, o->path))
			return false;
		if (sensitive(o->path))
			grade(d, DRIFT_OPENED, 60, "T1552",
			      "CredentialAccess:Runtime/SensitiveFileOpened");
		else
			grade(d, DRIFT_OPENED, 20, "T1083", "Discovery:Runtime/NewFileOpened");
		buf_printf(&d->text, "opens %s", o->path);
	}
	buf_puts(&d->subject, o->path);
	return true;
}

bool baseline_judge(const struct bl_model *m, const struct observation *o, struct drift *out)
{
	*out = (struct drift){ 0 };
	switch (o->kind) {
	case OBS_EXEC:
		return judge_exec(m, o, out);
	case OBS_CALL:
		return judge_call(m, o, out);
	case OBS_ARGUMENTS:
		return judge_arguments(m, o, out);
	case OBS_CAPABILITY:
		return judge_capability(m, o, out);
	case OBS_FILE:
		return judge_file(m, o, out);
	case OBS_NET:
		return judge_net(m, o, out);
	}
	return false;
}
