/* The table of checks. Findings of equal severity are shown in its order. */
#include "profile/lint_private.h"

#define OCI	 "OCI runtime specification, config-linux.md, Seccomp"
#define DOCKER	 "moby/profiles, seccomp/seccomp.go"
#define KERNEL	 "seccomp(2)"
#define LIBRARY	 "seccomp_rule_add(3)"
#define RUNTIMES "runc libcontainer/seccomp, crun src/libcrun/seccomp.c"
#define SELF	 "boltseal-generate(1), docs/profiles.md"

#define CHECK(name, id) id, .run = lint_run_##name

const struct lint_check lint_checks[] = {
	/* What lets calls through. */
	{ CHECK(arg_width, "arg-width"), .title = "Comparison wider than the argument",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "Runtimes compare all 64 bits of a register. The kernel looks at fewer: with a "
		 "bit "
		 "above the width set, a call does the same and the comparison sees another value.",
	  .fix = "Compare with SCMP_CMP_MASKED_EQ and the mask of the width; ranges become several "
		 "such rules.",
	  .reference = LIBRARY },
	{ CHECK(arg_same_index, "arg-same-index"), .title = "Two conditions on one argument",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "In one rule all conditions should hold. When two are about one argument, runc "
		 "and "
		 "crun make every condition of the rule a rule of its own: any one is enough.",
	  .fix = "Split the range into rules with one condition for each argument.",
	  .reference = RUNTIMES },
	{ CHECK(arg_too_many, "arg-too-many"), .title = "More than six conditions in one rule",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "A call has six arguments. crun takes the first six conditions only, runc makes "
		 "each a rule of its own.",
	  .fix = "Split the rule.", .reference = RUNTIMES },
	{ CHECK(arg_mask, "arg-mask"), .title = "Masked comparison with bits outside the mask",
	  .severity = LINT_HIGH,
	  .why = "(argument & value) == valueTwo can never hold when valueTwo has other bits than "
		 "value. libseccomp ignores those bits, so the rule matches something else than it "
		 "says.",
	  .fix = "value is the mask, valueTwo what the masked argument must equal.",
	  .reference = OCI },
	{ CHECK(rule_order, "rule-order"), .title = "The result depends on the order of rules",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "Rules of different actions match the same call, and nothing defines which of "
		 "them "
		 "counts. boltseal takes a rule with conditions before one without, then the "
		 "stricter action; libseccomp does otherwise.",
	  .fix = "Write rules that exclude one another.", .reference = LIBRARY },
	{ CHECK(rule_is_default, "rule-is-default"), .title = "Rule with the default action",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "runc and crun leave out rules with the default action, so that such a rule "
		 "cannot "
		 "take anything out of a broader one.",
	  .fix = "Limit the broader rule, or remove this one when it has no effect.",
	  .reference = RUNTIMES },
	{ CHECK(clone3_allowed, "clone3-allowed"), .title = "clone3 gets around the limit on clone",
	  .severity = LINT_HIGH,
	  .why = "The flags of clone3 are in memory, where no filter can see whether it makes a "
		 "namespace.",
	  .fix = "Answer clone3 with SCMP_ACT_ERRNO and errnoRet 38 (ENOSYS): every libc then "
		 "calls "
		 "clone.",
	  .reference = "clone(2)" },
	{ CHECK(namespaces, "namespaces"), .title = "New user namespaces may be made",
	  .severity = LINT_HIGH,
	  .why = "In a user namespace of its own a process has all capabilities, and with them "
		 "reaches much kernel code that is written for administrators.",
	  .fix = "Allow clone only with SCMP_CMP_MASKED_EQ, value 2114060288 (the CLONE_NEW "
		 "flags), "
		 "valueTwo 0, and unshare not at all. Docker's default does so without "
		 "CAP_SYS_ADMIN.",
	  .reference = "user_namespaces(7)" },
	{ CHECK(dangerous, "dangerous-call"), .title = "Dangerous call allowed without condition",
	  .severity = LINT_HIGH,
	  .why = "Hardly any workload needs it, and it gives a way to the host or to kernel code "
		 "that "
		 "is attacked often. Capabilities alone may stop it today; a filter does so also "
		 "when a check in the kernel is wrong.",
	  .fix = "Remove it, unless a recording (boltseal record) shows that the workload uses it.",
	  .reference = "syscalls(2), capabilities(7)" },
	{ CHECK(default_allow, "default-allow"), .title = "A list of what is refused",
	  .severity = LINT_HIGH,
	  .why = "Calls that the list forgets, and all that later kernels bring, are allowed.",
	  .fix = "Make SCMP_ACT_ERRNO the default and list what the workload needs (boltseal "
		 "record, "
		 "boltseal generate).",
	  .reference = SELF },
	{ CHECK(default_log, "default-log"), .title = "Complain mode", .severity = LINT_HIGH,
	  .why = "SCMP_ACT_LOG as the default refuses nothing. It is for trying a profile out.",
	  .fix = "Make SCMP_ACT_ERRNO the default.", .reference = KERNEL },
	{ CHECK(denial_incomplete, "denial-incomplete"), .title = "A refusal that has a way around",
	  .severity = LINT_MEDIUM,
	  .why = "Another call that is allowed does the same work, so the refusal protects nothing "
		 "and breaks only programs that use the one name.",
	  .fix = "Refuse all of them, or none.", .reference = "syscalls(2)" },
	{ CHECK(multiplexer, "multiplexer"), .title = "32-bit calls get around limits",
	  .severity = LINT_MEDIUM,
	  .why = "32-bit programs may make socket and System V calls through one call, socketcall "
		 "or "
		 "ipc, whose arguments are in memory. libseccomp allows that call too when it "
		 "allows the one that is meant.",
	  .fix = "Leave SCMP_ARCH_X86 out when no 32-bit program runs in the container.",
	  .reference = "socketcall(2), ipc(2)" },
	{ CHECK(rule_limit_void, "rule-limit-void"), .title = "Conditions without effect",
	  .severity = LINT_MEDIUM,
	  .why = "Another rule gives the same action to all calls of this name.",
	  .fix = "Take the name out of the rule without conditions, or remove the limited rule.",
	  .reference = OCI },
	{ CHECK(arg_never, "arg-never"), .title = "Condition that can never hold",
	  .severity = LINT_HIGH,
	  .why = "No value of the argument meets it, so the rule has no effect.",
	  .fix = "Correct the value or the operator; two alternatives are two rules.",
	  .reference = OCI },
	{ CHECK(errno_zero, "errno-zero"), .title = "Error number 0", .severity = LINT_MEDIUM,
	  .why = "A call with errno 0 is skipped and returns 0, which programs take for success: a "
		 "setuid that did not happen, for example.",
	  .fix = "Use 1 (EPERM), or 38 (ENOSYS) for calls with a fallback.", .reference = KERNEL },

	/* What keeps containers from starting, or profiles from being read. */
	{ CHECK(base_missing, "base-missing"), .title = "The runtime cannot start a container",
	  .severity = LINT_HIGH,
	  .why = "The runtime itself works under the filter until it executes the program.",
	  .fix = "Allow these calls; with no_new_privs fewer are needed.", .reference = SELF },
	{ CHECK(errno_unused, "errno-unused"), .title = "Error number on an action without one",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "Only ERRNO and TRACE take a number. crun refuses to start, runc ignores it.",
	  .fix = "Remove it.", .reference = OCI },
	{ CHECK(errno_range, "errno-range"), .title = "Error number out of range",
	  .severity = LINT_HIGH,
	  .why = "The kernel knows 1 to 4095; runc keeps 16 bits of what stands here.",
	  .fix = "Use the number of the error that is meant, see errno(3).", .reference = KERNEL },
	{ CHECK(arg_index, "arg-index"), .title = "Argument that no call has",
	  .severity = LINT_HIGH, .why = "Runtimes refuse the profile.",
	  .fix = "Arguments are numbered from 0 to 5.", .reference = OCI },
	{ CHECK(notify_write, "notify-write"), .title = "write handed to a listener",
	  .severity = LINT_HIGH,
	  .why = "runc needs write to hand over the listener's descriptor and would wait for "
		 "itself.",
	  .fix = "Leave write out of the rule.", .reference = RUNTIMES },
	{ CHECK(default_tracer, "default-tracer"), .title = "Everything handed to another process",
	  .severity = LINT_HIGH,
	  .why = "The default action needs a tracer or listener that is there from the first call.",
	  .fix = "Use SCMP_ACT_ERRNO, or SCMP_ACT_LOG for a trial.", .reference = KERNEL },
	{ CHECK(listener_missing, "listener-missing"), .title = "NOTIFY without a listener",
	  .severity = LINT_HIGH,
	  .why = "Without listenerPath nobody gets the descriptor: the runtime refuses to start, "
		 "or "
		 "the calls wait or answer ENOSYS. (crun also takes a receiver from an "
		 "annotation.)",
	  .fix = "Name the socket of the listener in listenerPath.", .reference = OCI },
	{ CHECK(tracer_missing, "tracer-missing"), .title = "TRACE without a tracer",
	  .severity = LINT_MEDIUM,
	  .why = "SCMP_ACT_TRACE asks a ptrace tracer; without one the call answers ENOSYS.",
	  .fix = "Use SCMP_ACT_ERRNO or SCMP_ACT_NOTIFY.", .reference = KERNEL },
	{ CHECK(flag_unknown, "flag-unknown"), .title = "Unknown flag", .severity = LINT_HIGH,
	  .why = "The runtime does not start a container with it.",
	  .fix = "The flags are SECCOMP_FILTER_FLAG_TSYNC, _LOG, _SPEC_ALLOW and "
		 "_WAIT_KILLABLE_RECV.",
	  .reference = OCI },
	{ CHECK(flag_listener, "flag-listener"), .title = "Listener's flag without a listener",
	  .severity = LINT_HIGH,
	  .why = "The kernel takes SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV only with a listener.",
	  .fix = "Remove the flag.", .reference = KERNEL },
	{ CHECK(arch_unknown, "arch-unknown"), .title = "Unknown architecture",
	  .severity = LINT_HIGH, .why = "The runtime does not start a container with it.",
	  .fix = "Use the SCMP_ARCH names of the OCI specification.", .reference = OCI },
	{ CHECK(arch_both, "arch-both"), .title = "Two lists of architectures",
	  .severity = LINT_HIGH,
	  .why = "Docker and Podman refuse a profile with both; others ignore archMap.",
	  .fix = "Keep architectures.", .reference = DOCKER },
	{ CHECK(name_and_names, "name-and-names"), .title = "Both name and names",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "Docker and Podman refuse such a rule; others ignore name.",
	  .fix = "Put the name into names.", .reference = DOCKER },
	{ CHECK(condition_unknown, "condition-unknown"), .title = "Condition that never holds",
	  .severity = LINT_HIGH,
	  .why = "Engines compare capabilities as CAP_NAME and architectures by Go's names.",
	  .fix = "Correct the word.", .reference = DOCKER },
	{ CHECK(engine_members, "engine-members"), .title = "Members that not every engine reads",
	  .severity = LINT_HIGH, .fixable = true,
	  .why = "includes, excludes, archMap and name belong to Docker's and Podman's dialects, "
		 "errno and defaultErrno to Podman's. Who reads plain OCI ignores them without a "
		 "word.",
	  .fix = "Write the profile for the engine that reads it (--engine NAME --fix).",
	  .reference = DOCKER },
	{ CHECK(names_missing, "names-missing"), .title = "Rule for no call",
	  .severity = LINT_MEDIUM, .fixable = true,
	  .why = "The OCI schema wants at least one name; some readers refuse the profile.",
	  .fix = "Remove the rule, or name calls.", .reference = OCI },

	/* What breaks programs. */
	{ CHECK(clone3_refused, "clone3-refused"), .title = "clone3 does not answer ENOSYS",
	  .severity = LINT_HIGH,
	  .why = "glibc calls clone3 and falls back to clone only when the kernel does not know "
		 "it.",
	  .fix = "Add { \"names\": [ \"clone3\" ], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": "
		 "38 }.",
	  .reference = SELF },
	{ CHECK(new_call_eperm, "new-call-refused"), .title = "Newer call does not answer ENOSYS",
	  .severity = LINT_MEDIUM,
	  .why = "Libraries try newer calls first and have another way only when the kernel does "
		 "not "
		 "know them. Any other error is taken for the answer.",
	  .fix = "Add a rule for it with SCMP_ACT_ERRNO and errnoRet 38 (ENOSYS), or allow it.",
	  .reference = SELF },
	{ CHECK(name_unknown, "name-unknown"), .title = "Unknown system call",
	  .severity = LINT_MEDIUM, .why = "runc skips it silently, crun with a warning.",
	  .fix = "Correct the name.", .reference = "syscalls(2)" },
	{ CHECK(name_libseccomp, "name-libseccomp"), .title = "Call that libseccomp does not know",
	  .severity = LINT_HIGH,
	  .why = "A runtime skips names that its libseccomp does not know; the default action "
		 "decides "
		 "then.",
	  .fix = "Use a newer libseccomp, or do without the calls.",
	  .reference = "libseccomp CHANGELOG" },
	{ CHECK(default_errno, "default-errno"), .title = "Default error number other than EPERM",
	  .severity = LINT_LOW,
	  .why = "Engines that do not know defaultErrnoRet ignore it, and the default is EPERM "
		 "then.",
	  .fix = "Give calls that need another error a rule of their own.", .reference = DOCKER },
	{ CHECK(rule_conflict, "rule-conflict"), .title = "Rules that contradict each other",
	  .severity = LINT_MEDIUM,
	  .why = "They have the same action with different numbers, and both match. boltseal takes "
		 "the smaller number; libseccomp depends on their order.",
	  .fix = "Keep one of them.", .reference = LIBRARY },
	{ CHECK(arg_beyond, "arg-beyond"), .title = "Argument that the call does not have",
	  .severity = LINT_MEDIUM, .why = "The register has what the program left there.",
	  .fix = "See the manual page of the call for its arguments.", .reference = "syscalls(2)" },
	{ CHECK(arg_pointer, "arg-pointer"), .title = "Address compared with a number",
	  .severity = LINT_MEDIUM,
	  .why = "Addresses are different in each process, and what lies there can change after "
		 "the "
		 "check.",
	  .fix = "Only ask whether it is 0, or leave the condition out.", .reference = KERNEL },
	{ CHECK(arch_native, "arch-native"), .title = "The host's architecture is not listed",
	  .severity = LINT_MEDIUM, .why = "The profile seems to be written for another machine.",
	  .fix = "List the architecture of the hosts it is for.", .reference = RUNTIMES },
	{ CHECK(listener_metadata, "listener-metadata"), .title = "Metadata for no listener",
	  .severity = LINT_MEDIUM, .fixable = true,
	  .why = "The specification forbids listenerMetadata without listenerPath.",
	  .fix = "Remove it.", .reference = OCI },
	{ CHECK(duplicate_key, "duplicate-key"), .title = "Key that stands twice",
	  .severity = LINT_MEDIUM, .fixable = true,
	  .why = "Readers take the last value, mix both, or refuse the file.", .fix = "Keep one.",
	  .reference = "RFC 8259, section 4" },
	{ CHECK(unknown_member, "unknown-member"), .title = "Unknown member",
	  .severity = LINT_MEDIUM,
	  .why = "Engines ignore it. If it was to limit a rule, the rule has no limit.",
	  .fix = "Correct the name, or remove it.", .reference = OCI },

	/* What has no effect, or is worth knowing. */
	{ CHECK(rule_dead, "rule-dead"), .title = "Rule without effect", .severity = LINT_LOW,
	  .fixable = true, .why = "Nothing changes when it is removed.", .fix = "Remove it.",
	  .reference = OCI },
	{ CHECK(arg_always, "arg-always"), .title = "Condition that always holds",
	  .severity = LINT_LOW, .why = "It limits nothing.", .fix = "Correct it, or remove it.",
	  .reference = OCI },
	{ CHECK(arg_value_two, "arg-value-two"), .title = "valueTwo without a masked comparison",
	  .severity = LINT_LOW, .fixable = true,
	  .why = "Only SCMP_CMP_MASKED_EQ looks at it. Was that operator meant?",
	  .fix = "Remove it.", .reference = OCI },
	{ CHECK(name_twice, "name-twice"), .title = "Name that stands twice", .severity = LINT_LOW,
	  .fixable = true, .why = "Once is enough.", .fix = "Remove one.", .reference = OCI },
	{ CHECK(name_old_form, "name-old-form"), .title = "Old form of one name",
	  .severity = LINT_LOW, .fixable = true, .why = "Only Docker and Podman still read it.",
	  .fix = "Use names.", .reference = DOCKER },
	{ CHECK(listener_unused, "listener-unused"), .title = "Listener that gets nothing",
	  .severity = LINT_LOW, .why = "listenerPath counts only with a rule that notifies.",
	  .fix = "Remove it.", .reference = OCI },
	{ CHECK(arch_x32, "arch-x32"), .title = "x32 calls allowed", .severity = LINT_LOW,
	  .why = "x32 has entries of its own in the kernel that are hardly used and little tested.",
	  .fix = "Leave SCMP_ARCH_X32 out.", .reference = KERNEL },
	{ CHECK(arch_x86, "arch-x86"), .title = "32-bit calls allowed", .severity = LINT_INFO,
	  .why = "Each architecture is one more way into the kernel.",
	  .fix = "Leave SCMP_ARCH_X86 out when no 32-bit program runs in the container.",
	  .reference = KERNEL },
	{ CHECK(arch_only_native, "arch-only-native"), .title = "Native architecture only",
	  .severity = LINT_INFO,
	  .why = "That is the safe choice, if no 32-bit program runs in the container.",
	  .fix = "List architectures, so that the profile says it.", .reference = OCI },
	{ CHECK(kill_thread, "kill-thread"), .title = "Only the thread is killed",
	  .severity = LINT_INFO,
	  .why = "The other threads of the program go on without it, often waiting for it.",
	  .fix = "Use SCMP_ACT_KILL_PROCESS.", .reference = KERNEL },
	{ CHECK(name_no_arch, "name-no-arch"), .title = "Calls of other architectures",
	  .severity = LINT_INFO,
	  .why = "They have no effect here; profiles for several architectures list them.",
	  .fix = "Nothing needs to be done.", .reference = "syscalls(2)" },
	{ 0 },
};
