#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/apparmor_files.h"
#include "profile/generate_private.h"
#include "profile/seen.h"

/* AF_* as AppArmor spells them (network_rules of apparmor.d(5)). */
static const char *const families[] = {
	[AF_UNIX] = "unix",
	[AF_INET] = "inet",
	[AF_AX25] = "ax25",
	[AF_IPX] = "ipx",
	[AF_APPLETALK] = "appletalk",
	[AF_NETROM] = "netrom",
	[AF_BRIDGE] = "bridge",
	[AF_ATMPVC] = "atmpvc",
	[AF_X25] = "x25",
	[AF_INET6] = "inet6",
	[AF_ROSE] = "rose",
	[AF_NETBEUI] = "netbeui",
	[AF_SECURITY] = "security",
	[AF_KEY] = "key",
	[AF_NETLINK] = "netlink",
	[AF_PACKET] = "packet",
	[AF_ASH] = "ash",
	[AF_ECONET] = "econet",
	[AF_ATMSVC] = "atmsvc",
	[AF_RDS] = "rds",
	[AF_SNA] = "sna",
	[AF_IRDA] = "irda",
	[AF_PPPOX] = "pppox",
	[AF_WANPIPE] = "wanpipe",
	[AF_LLC] = "llc",
	[AF_IB] = "ib",
	[AF_MPLS] = "mpls",
	[AF_CAN] = "can",
	[AF_TIPC] = "tipc",
	[AF_BLUETOOTH] = "bluetooth",
	[AF_IUCV] = "iucv",
	[AF_RXRPC] = "rxrpc",
	[AF_ISDN] = "isdn",
	[AF_PHONET] = "phonet",
	[AF_IEEE802154] = "ieee802154",
	[AF_CAIF] = "caif",
	[AF_ALG] = "alg",
	[AF_NFC] = "nfc",
	[AF_VSOCK] = "vsock",
	[AF_KCM] = "kcm",
	[AF_QIPCRTR] = "qipcrtr",
	[AF_SMC] = "smc",
	[AF_XDP] = "xdp",
};

static const char *const types[] = {
	[SOCK_STREAM] = "stream", [SOCK_DGRAM] = "dgram",	  [SOCK_RAW] = "raw",
	[SOCK_RDM] = "rdm",	  [SOCK_SEQPACKET] = "seqpacket", [SOCK_PACKET] = "packet",
};

/* Signal names of apparmor.d(5) that are not just strsignal's abbreviation in lower case. */
static void signal_name(uint64_t nr, struct buf *out)
{
	const char *name = nr < NSIG ? sigabbrev_np((int)nr) : NULL;

	if (nr == 0)
		buf_puts(out, "exists");
	else if (nr == SIGTSTP)
		buf_puts(out, "stp");
	else if (nr == SIGPOLL)
		buf_puts(out, "io");
	else if (nr >= 32 && nr <= 64)
		buf_printf(out, "rtmin+%u", (unsigned)nr - 32);
	else if (name)
		for (; *name; name++)
			buf_putc(out, (char)(*name | 0x20));
}

static void print_caps(const struct workload *w, struct buf *out)
{
	struct gen_caps c;

	gen_caps(w, &c);
	if (c.needed)
		buf_puts(out, "\n  # Capabilities that were used\n");
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (c.needed >> nr & 1)
			buf_printf(out, "  capability %s,\n", bcap_by_nr(nr)->aa_name);
}

/* Family and type, 0 for any type, of every socket; false when they are not all known. */
static bool collect_sockets(const struct workload *w, bool close, struct seen *out)
{
	static const char *const calls[] = { "socket", "socketpair" };
	bool known = !seen_called(w, "socketcall", WL_PROGRAM_PHASES);

	*out = (struct seen){ .state = SEEN_KNOWN };
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		cleanup_seen struct seen s = { 0 };

		seen_sockets(w, calls[i], WL_PROGRAM_PHASES, close, &s);
		known = known && s.state != SEEN_UNKNOWN;
		for (size_t k = 0; k < s.n; k++)
			seen_add(out, s.rows[k].v, 2);
	}
	for (size_t i = 0; i < w->nets_n; i++)
		if (w->nets[i].prov.phases & WL_PROGRAM_PHASES)
			seen_add(out, (uint64_t[]){ w->nets[i].family, w->nets[i].type }, 2);
	seen_sort(out);
	return known;
}

static void print_socket(const uint64_t *v, struct buf *out, struct buf *notes)
{
	const char *family = v[0] < ARRAY_SIZE(families) ? families[v[0]] : NULL;
	const char *type = v[1] < ARRAY_SIZE(types) ? types[v[1]] : NULL;

	if (!family) {
		if (v[0])
			gen_note(notes,
				 "no rule for sockets of the family %llu, which AppArmor does "
				 "not know",
				 (unsigned long long)v[0]);
		return;
	}
	buf_printf(out, "  network %s%s%s,\n", family, type ? " " : "", type ? type : "");
	/* Kernels with finer rules for unix sockets ask these instead. */
	if (v[0] == AF_UNIX && type)
		buf_printf(out, "  unix type=%s,\n", type);
	else if (v[0] == AF_UNIX)
		buf_puts(out, "  unix,\n");
}

static void print_network(const struct workload *w, const struct gen_options *o, struct buf *out,
			  struct buf *notes)
{
	cleanup_seen struct seen s = { 0 };

	if (!collect_sockets(w, o->equivalents != GEN_EQ_OFF, &s)) {
		buf_puts(out, "\n  # Sockets: which ones is not known\n  network,\n");
		gen_note(notes, "network: every family, since not all sockets are in the model");
		return;
	}
	if (s.n)
		buf_puts(out, "\n  # Sockets that were used\n");
	for (size_t i = 0; i < s.n; i++)
		print_socket(s.rows[i].v, out, notes);
}

/* The signals that the program sends to itself; false when they are not all known. */
static bool collect_signals(const struct workload *w, struct seen *out)
{
	static const struct {
		const char *name;
		uint8_t index;
	} calls[] = {
		{ "kill", 1 },
		{ "tkill", 1 },
		{ "tgkill", 2 },
		{ "rt_sigqueueinfo", 1 },
		{ "rt_tgsigqueueinfo", 2 },
		{ "pidfd_send_signal", 1 },
	};
	/* What a crash and an ordinary end send, seen or not. */
	static const uint64_t ordinary[] = { SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGTERM };
	static const uint64_t mask[] = { UINT32_MAX };

	*out = (struct seen){ .state = SEEN_KNOWN };
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		cleanup_seen struct seen s = { 0 };

		seen_collect(w, calls[i].name, WL_PROGRAM_PHASES, 1, &calls[i].index, mask, &s);
		if (s.state == SEEN_UNKNOWN)
			return false;
		for (size_t k = 0; k < s.n; k++)
			if (s.rows[k].v[0] <= 64)
				seen_add(out, s.rows[k].v, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ordinary); i++)
		seen_add(out, &ordinary[i], 1);
	seen_sort(out);
	return true;
}

static void print_signals(const struct workload *w, struct buf *out)
{
	static const char *const senders[] = { "unconfined", "crun", "runc", "podman" };
	cleanup_seen struct seen s = { 0 };
	bool known = collect_signals(w, &s);

	buf_puts(out, "\n  # Signals: from the host and its container runtime, and among the "
		      "container's processes\n");
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
		buf_printf(out, "  signal (receive) peer=%s,\n", senders[i]);
	buf_puts(out, "  signal (send,receive)");
	for (size_t i = 0; known && i < s.n; i++) {
		buf_puts(out, i ? "," : " set=(");
		signal_name(s.rows[i].v[0], out);
	}
	buf_printf(out, "%s peer=@{profile_name},\n", known ? ")" : "");
}

static bool reads_other_processes(const struct workload *w)
{
	static const char *const calls[] = { "process_vm_readv", "kcmp", "pidfd_getfd" };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (seen_called(w, calls[i], WL_PROGRAM_PHASES))
			return true;
	for (size_t i = 0; i < w->files_n; i++) {
		const char *p = w->files[i].path;

		if (w->files[i].prov.phases & WL_PROGRAM_PHASES && !strncmp(p, "/proc/", 6) &&
		    (p[6] == '@' || (p[6] >= '1' && p[6] <= '9')))
			return true;
	}
	return false;
}

static void print_ptrace(const struct workload *w, struct buf *out)
{
	if (seen_called(w, "ptrace", WL_PROGRAM_PHASES) ||
	    seen_called(w, "process_vm_writev", WL_PROGRAM_PHASES))
		buf_puts(out, "\n  # Tracing among the container's processes\n"
			      "  ptrace (trace,read,tracedby,readby) peer=@{profile_name},\n");
	else if (reads_other_processes(w))
		buf_puts(out, "\n  # Reading /proc of the container's own processes\n"
			      "  ptrace (read,readby) peer=@{profile_name},\n");
}

/* A rule per mount point that is known, else one without. */
static void print_mount_points(const struct workload *w, const char *rule, const char *before,
			       struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];
		size_t n = strlen(f->path);

		if (!(f->access & WL_F_MOUNT) || !(f->prov.phases & WL_PROGRAM_PHASES) || !n)
			continue;
		buf_printf(out, "  %s %s", rule, before);
		aa_path(f->path, f->pattern, out);
		buf_puts(out, ",\n");
		/* A mount point that is a folder is matched with its slash. */
		if (f->path[n - 1] != '/') {
			cleanup_free char *folder = xasprintf("%s/", f->path);

			buf_printf(out, "  %s %s", rule, before);
			aa_path(folder, f->pattern, out);
			buf_puts(out, ",\n");
		}
		any = true;
	}
	if (!any)
		buf_printf(out, "  %s,\n", rule);
}

static void print_mounts(const struct workload *w, struct buf *out)
{
	bool mounts = seen_called(w, "mount", WL_PROGRAM_PHASES);
	bool moves = seen_called(w, "move_mount", WL_PROGRAM_PHASES) ||
		     seen_called(w, "mount_setattr", WL_PROGRAM_PHASES);
	bool umounts = seen_called(w, "umount2", WL_PROGRAM_PHASES) ||
		       seen_called(w, "umount", WL_PROGRAM_PHASES);
	bool pivots = seen_called(w, "pivot_root", WL_PROGRAM_PHASES);

	if (mounts || moves || umounts || pivots)
		buf_puts(out, "\n  # Mounts\n");
	if (moves) /* through descriptors, so the paths are not known */
		buf_puts(out, "  mount,\n");
	else if (mounts)
		print_mount_points(w, "mount", "-> ", out);
	if (umounts)
		print_mount_points(w, "umount", "", out);
	if (pivots)
		buf_puts(out, "  pivot_root,\n");
}

static void print_head(const struct workload *w, const struct gen_options *o, const char *name,
		       struct buf *out)
{
	buf_puts(out, "# AppArmor profile of the workload ");
	gen_printable(w->identity.name ? w->identity.name : name, out);
	if (w->identity.image) {
		buf_puts(out, ", image ");
		gen_printable(w->identity.image, out);
	}
	buf_printf(out,
		   ", generated by boltseal.\n"
		   "# What is not listed is refused. Load: apparmor_parser -r FILE\n"
		   "\n"
		   "abi <abi/3.0>,\n"
		   "include <tunables/global>\n"
		   "\n"
		   "profile \"%s\" flags=(attach_disconnected,mediate_deleted%s) {\n",
		   name, o->complain ? ",complain" : "");
}

int gen_apparmor(const struct workload *w, const struct gen_options *o, struct buf *out,
		 struct buf *notes, struct err *e)
{
	cleanup_free char *name = NULL;
	int r = gen_check_model(w, o, notes, e);

	if (r >= 0)
		r = gen_name(w, o, &name, e);
	if (r < 0)
		return r;
	print_head(w, o, name, out);
	print_caps(w, out);
	print_network(w, o, out, notes);
	print_signals(w, out);
	print_ptrace(w, out);
	print_mounts(w, out);
	aa_files(w, o->unseen_programs, out, notes);
	aa_denials(w, out);
	buf_puts(out, "}\n");
	return 0;
}
