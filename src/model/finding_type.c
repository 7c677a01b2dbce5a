/* Severity, type and technique: what a rule's priority, name and tags say of its findings. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/finding.h"

/* Of Falco's priorities, in their order; the ranges of the names are GuardDuty's. */
static const uint8_t severity_of_priority[] = { 100, 90, 80, 70, 50, 30, 10, 0 };

static const struct severity_name {
	const char *name;
	unsigned from;
} severity_names[] = {
	{ "critical", 90 }, { "high", 70 }, { "medium", 40 }, { "low", 10 }, { "info", 0 },
};

const char *finding_severity_name(unsigned severity)
{
	size_t i = 0;

	while (severity < severity_names[i].from)
		i++;
	return severity_names[i].name;
}

int finding_parse_severity(const char *text)
{
	unsigned whole = 0, tenths = 0;
	size_t n = strspn(text, "0123456789");

	for (size_t i = 0; i < ARRAY_SIZE(severity_names); i++)
		if (!strcmp(text, severity_names[i].name))
			return (int)severity_names[i].from;
	if (!n || n > 2)
		return -1;
	whole = (unsigned)atoi(text);
	if (text[n] == '.' && isdigit((unsigned char)text[n + 1]) && !text[n + 2])
		tenths = (unsigned)(text[n + 1] - '0');
	else if (text[n])
		return -1;
	whole = whole * 10 + tenths;
	return whole > FINDING_SEVERITY_MAX ? -1 : (int)whole;
}

/*
 * The tactics of MITRE ATT&CK as Falco's tags write them, and the word that GuardDuty's types begin
 * with. What people are told to do depends on the purpose.
 */
static const struct purpose {
	const char *tag, *name, *remedy;
} purposes[] = {
	{ "mitre_reconnaissance", "Recon",
	  "Find out who asked and why; close what need not be reachable from there." },
	{ "mitre_initial_access", "InitialAccess",
	  "Take the workload off the network, keep its logs, and close the way in: update or "
	  "patch what is exposed." },
	{ "mitre_execution", "Execution",
	  "Check whether somebody of yours ran this program. If not, stop the container, keep its "
	  "file system for analysis, and seal the workload (boltseal generate) so that other "
	  "programs cannot run." },
	{ "mitre_persistence", "Persistence",
	  "Look at what was changed, undo it, and start the container from its image again. A read-"
	  "only root file system prevents it." },
	{ "mitre_privilege_escalation", "PrivilegeEscalation",
	  "Treat the node as reached: cordon it, look for what the process did afterwards, and "
	  "take "
	  "privileges, capabilities and host mounts from the workload." },
	{ "mitre_defense_evasion", "DefenseEvasion",
	  "Assume that local logs are incomplete: use those that left the machine. Stop the "
	  "container and keep its file system for analysis." },
	{ "mitre_credential_access", "CredentialAccess",
	  "Replace the credentials that could be read, look for uses of them since, and take from "
	  "the workload the right to read them." },
	{ "mitre_discovery", "Discovery",
	  "Check whether somebody of yours looked around. If not, look for what came before and "
	  "after it in the same container." },
	{ "mitre_lateral_movement", "LateralMovement",
	  "Look at the machines that were reached, and restrict the workload's connections "
	  "(boltseal generate networkpolicy)." },
	{ "mitre_collection", "Collection",
	  "Find out which data was collected and whether it left; look for connections of the same "
	  "container." },
	{ "mitre_command_and_control", "Backdoor",
	  "Cut the connection, stop the container, and look for the same address in other "
	  "workloads." },
	{ "mitre_exfiltration", "Exfiltration",
	  "Cut the connection, find out which data left, and replace credentials among it." },
	{ "mitre_impact", "Impact",
	  "Stop the container, keep its file system for analysis, and restore what was damaged." },
	{ "", "Behavior",
	  "Check whether the workload is meant to do this. If so, add an exception to the rule; if "
	  "not, stop it and keep its file system for analysis." },
};

/*
 * Rules of falcosecurity/rules for which GuardDuty has a type of its own (docs.aws.amazon.com,
 * Runtime Monitoring finding types). Others get a type made of tactic and name.
 */
static const struct known_type {
	const char *rule, *type;
} known_types[] = {
	{ "Clear Log Activities", "DefenseEvasion:Runtime/SensitiveFileModified" },
	{ "Debugfs Launched in Privileged Container",
	  "PrivilegeEscalation:Runtime/SuspiciousCommand" },
	{ "Detect crypto miners using the Stratum protocol", "Impact:Runtime/CryptoMinerExecuted" },
	{ "Detect release_agent File Container Escapes",
	  "PrivilegeEscalation:Runtime/CGroupsReleaseAgentModified" },
	{ "Drop and execute new binary in container", "Execution:Runtime/NewBinaryExecuted" },
	{ "Fileless execution via memfd_create", "DefenseEvasion:Runtime/FilelessExecution" },
	{ "Linux Kernel Module Injection Detected", "DefenseEvasion:Runtime/KernelModuleLoaded" },
	{ "Mount Launched in Privileged Container",
	  "PrivilegeEscalation:Runtime/ContainerMountsHostDirectory" },
	{ "PTRACE anti-debug attempt", "DefenseEvasion:Runtime/PtraceAntiDebugging" },
	{ "PTRACE attached to process", "DefenseEvasion:Runtime/ProcessInjection.Ptrace" },
	{ "Redirect STDOUT/STDIN to Network Connection in Container",
	  "Execution:Runtime/ReverseShell" },
	{ "Run shell untrusted", "Execution:Runtime/SuspiciousShellCreated" },
	{ "Terminal shell in container", "Execution:Runtime/SuspiciousShellCreated" },
};

const char *finding_remedy(const char *type)
{
	size_t n = type ? strcspn(type, ":") : 0, i;

	for (i = 0; i + 1 < ARRAY_SIZE(purposes); i++)
		if (strlen(purposes[i].name) == n && !memcmp(type, purposes[i].name, n))
			break;
	return purposes[i].remedy;
}

/* "T1059", "T1059.004". */
static bool is_technique(const char *tag)
{
	size_t n = tag[0] == 'T' ? strspn(tag + 1, "0123456789") : 0;

	if (n != 4)
		return false;
	return !tag[5] || (tag[5] == '.' && strspn(tag + 6, "0123456789") == 3 && strlen(tag) == 9);
}

/* "Purpose:Resource/Name". */
static bool is_type(const char *tag)
{
	const char *colon = strchr(tag, ':'), *slash = colon ? strchr(colon, '/') : NULL;

	return colon && slash && colon != tag && slash != colon + 1 && slash[1] &&
	       isupper((unsigned char)*tag);
}

static const char *purpose_of(const struct finding *f)
{
	for (size_t i = 0; i < f->tags_n; i++)
		for (size_t k = 0; k + 1 < ARRAY_SIZE(purposes); k++)
			if (!strcmp(f->tags[i], purposes[k].tag))
				return purposes[k].name;
	return purposes[ARRAY_SIZE(purposes) - 1].name;
}

/* "Read sensitive file" as "ReadSensitiveFile". */
static void put_name(struct buf *b, const char *rule)
{
	bool begins = true;

	for (; *rule; rule++) {
		if (!isalnum((unsigned char)*rule)) {
			begins = true;
			continue;
		}
		buf_putc(b, (char)(begins ? toupper((unsigned char)*rule) : *rule));
		begins = false;
	}
}

static const char *make_type(struct finding *f)
{
	cleanup_buf struct buf b = { 0 };

	for (size_t i = 0; i < f->tags_n; i++)
		if (is_type(f->tags[i]))
			return f->tags[i];
	for (size_t i = 0; i < ARRAY_SIZE(known_types); i++)
		if (!strcmp(known_types[i].rule, f->rule))
			return known_types[i].type;
	buf_printf(&b, "%s:Runtime/", purpose_of(f));
	put_name(&b, f->rule);
	return arena_strdup(&f->arena, buf_str(&b));
}

void finding_classify(struct finding *f, unsigned priority)
{
	f->severity = priority < ARRAY_SIZE(severity_of_priority) ? severity_of_priority[priority]
								  : 0;
	for (size_t i = 0; i < f->tags_n; i++) {
		int severity = strncmp(f->tags[i], "severity_", 9)
				       ? -1
				       : finding_parse_severity(f->tags[i] + 9);

		if (severity >= 0)
			f->severity = (unsigned)severity;
		if (!f->technique && is_technique(f->tags[i]))
			f->technique = f->tags[i];
	}
	f->type = make_type(f);
	f->remedy = finding_remedy(f->type);
}
