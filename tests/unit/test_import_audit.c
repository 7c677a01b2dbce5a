/* import_audit() and import_run(): records of the kernel and of boltseal run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "import/import.h"
#include "import_case.h"

static struct import_options x86 = { .arch = SC_X86_64 };

static int one(struct workload *w, const struct import_input *in, struct buf *notes, struct err *e)
{
	return import_audit(w, in, 1, &x86, notes, e);
}

static int one_run(struct workload *w, const struct import_input *in, struct buf *notes,
		   struct err *e)
{
	return import_run(w, in, &x86, notes, e);
}

#define SECCOMP(type, comm, arch, nr, code)                                                 \
	type " audit(1611996299.149:4): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=61 " \
	     "comm=" comm " exe=\"/bin/busybox\" sig=0 arch=" arch " syscall=" nr           \
	     " compat=0 ip=0x7f61 code=" code
#define AA(fields) "audit: type=1400 audit(1668191154.949:64): apparmor=\"ALLOWED\" " fields "\n"

static const struct import_case cases[] = {
	{ "kernel log",
	  "[  270.853767] " SECCOMP("audit: type=1326", "\"sh\"", "c000003e", "39",
				    "0x7ffc0000") "\n",
	  { "\"getpid\"", "\"path\": \"/bin/busybox\"", "\"started\": \"2021-01-30T08:44:59Z\"",
	    "\"complete\": true, \"supplement\": true", "note:1 records of seccomp",
	    "\"runs\": 0" } },
	{ "journal and syslog",
	  "Jan 30 08:44:59 node kernel: " SECCOMP(
		  "audit: type=1326", "\"sh\"", "c000003e", "39",
		  "0x7ffc0000") "\n"
				"2021-01-30T08:44:59.1+00:00 node kernel: [ 1.0] " SECCOMP(
					"audit: type=1326", "\"sh\"", "c000003e", "102",
					"0x0") "\n",
	  { "\"getpid\"", "\"getuid\"" } },
	{ "audit.log with an enriched part, also glued",
	  "type=SECCOMP msg=audit(1.1:5): pid=1 comm=\"ls\" exe=\"/bin/ls\" sig=0 "
	  "arch=c000003e "
	  "syscall=3 compat=0 ip=0x7 code=0x7ffc0000\x1d"
	  "AUID=\"unset\" ARCH=x86_64 SYSCALL=close\n"
	  "type=SECCOMP msg=audit(1.1:6): pid=1 exe=\"/bin/ls\" arch=c000003eARCH=x86_64 "
	  "syscall=39AUID=\"x\" code=0x7ffc0000AUID=\"unset\"\n",
	  { "\"close\"", "\"getpid\"" } },
	{ "architectures",
	  SECCOMP("audit: type=1326", "\"a\"", "40000003", "20", "0x0") "\n" SECCOMP(
		  "audit: type=1326", "\"a\"", "c000003e", "1073741863",
		  "0x0") "\n" SECCOMP("audit: type=1326", "\"a\"", "c00000b7", "172",
				      "0x0") "\n" SECCOMP("audit: type=1326", "\"a\"", "80000016",
							  "20", "0x0") "\n",
	  { "\"i386\"", "\"x32\"", "\"aarch64\"", "\"lost\": {\"calls\": 1}" } },
	{ "names in hexadecimal",
	  "audit: type=1326 audit(1.1:1): exe=2F746D702F612062 arch=c000003e syscall=39 "
	  "code=0x0\n",
	  { "\"/tmp/a b\"" } },
	{ "no arguments",
	  SECCOMP("audit: type=1326", "\"a\"", "c000003e", "41", "0x0") "\n",
	  { "\"name\": \"socket\"", "!\"arguments\": [", "!\"lost\"",
	    "\"complete\": true, \"supplement\": true", "note:allowed with any" } },
	{ "arguments of the same event",
	  "type=SECCOMP msg=audit(1.1:7): exe=\"/bin/a\" arch=c000003e syscall=41 "
	  "code=0x7ffc0000\n"
	  "type=SYSCALL msg=audit(1.1:7): arch=c000003e syscall=41 success=yes exit=3 a0=2 "
	  "a1=80001 "
	  "a2=0 a3=7ffe items=0 ppid=1 pid=2 comm=\"a\" exe=\"/bin/a\" key=(null)\n"
	  "type=SYSCALL msg=audit(1.1:8): arch=c000003e syscall=39 a0=0 a1=0 a2=0 a3=0\n",
	  { "\"value\": [2, 524289, 0]", "!\"lost\"", "!getpid" } },
	{ "one with arguments and one without",
	  "type=SECCOMP msg=audit(1.1:7): exe=\"/bin/a\" arch=c000003e syscall=41\n"
	  "type=SYSCALL msg=audit(1.1:7): arch=c000003e syscall=41 a0=2 a1=1 a2=0 a3=0\n"
	  "type=SECCOMP msg=audit(1.1:71): exe=\"/bin/b\" arch=c000003e syscall=41\n",
	  { "\"value\": [2, 1, 0]",
	    "\"any_arguments\": {\"phases\": [\"start\"], \"programs\": [\"/bin/b\"]" } },
	{ "the kernel dropped some",
	  SECCOMP("audit: type=1326", "\"a\"", "c000003e", "39",
		  "0x0") "\n[ 1.2] kauditd_printk_skb: 12 callbacks suppressed\n",
	  { "\"complete\": false, \"supplement\": true", "note:the kernel dropped records" } },
	{ "AppArmor: files",
	  AA("operation=\"open\" class=\"file\" profile=\"web\" name=\"/etc/a\" pid=4 "
	     "comm=\"x\" "
	     "requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0")
		  AA("operation=\"mknod\" profile=\"web\" name=2F746D702F612062 "
		     "requested_mask=\"wc\" "
		     "denied_mask=\"c\"") AA("operation=\"exec\" profile=\"web\" "
					     "name=\"/bin/app\" requested_mask=\"x\" "
					     "denied_mask=\"x\"")
			  AA("operation=\"unlink\" profile=\"web\" name=\"/var/a\" "
			     "requested_mask=\"d\" "
			     "denied_mask=\"d\"") AA("operation=\"mkdir\" profile=\"web\" "
						     "name=\"/var/d/\" "
						     "requested_mask=\"c\" "
						     "denied_mask=\"c\"")
				  AA("operation=\"chmod\" profile=\"web\" name=\"/var/m\" "
				     "requested_mask=\"w\" "
				     "denied_mask=\"w\"")
					  AA("operation=\"file_mmap\" profile=\"web\" "
					     "name=\"/lib/x\" requested_mask=\"rm\" "
					     "denied_mask=\"m\""),
	  { "\"/etc/a\", \"access\": [\"read\"]", "\"/tmp/a b\", \"access\": [\"create\"]",
	    "\"/bin/app\", \"access\": [\"exec\"]", "\"/var/a\", \"access\": [\"delete\"]",
	    "\"/var/d/\", \"access\": [\"create\"]", "\"/var/m\", \"access\": [\"meta\"]",
	    "\"/lib/x\", \"access\": [\"map\"]", "note:7 of AppArmor" } },
	{ "AppArmor: capabilities and network",
	  AA("operation=\"capable\" class=\"cap\" profile=\"web\" pid=1 comm=\"a\" "
	     "capability=21 "
	     "capname=\"sys_admin\"") AA("operation=\"create\" class=\"net\" "
					 "profile=\"/usr/sbin/web\" pid=1 family=\"inet\" "
					 "sock_type=\"dgram\" protocol=17 "
					 "requested_mask=\"create\" denied_mask=\"create\"")
		  AA("operation=\"bind\" profile=\"/usr/sbin/web\" family=\"inet6\" "
		     "sock_type=\"stream\" "
		     "protocol=6 lport=80 laddr=::1 requested_mask=\"bind\" "
		     "denied_mask=\"bind\""),
	  { "\"CAP_SYS_ADMIN\", \"result\": \"granted\"", "\"value\": [2, 2, 17]",
	    "\"op\": \"bind\", \"family\": \"AF_INET6\", \"type\": \"SOCK_STREAM\", "
	    "\"protocol\": "
	    "\"IPPROTO_TCP\", \"address\": \"::1\", \"port\": 80",
	    "\"path\": \"/usr/sbin/web\"" } },
	{ "AppArmor: what a model cannot say",
	  AA("operation=\"signal\" profile=\"web\" pid=1 comm=\"a\" "
	     "requested_mask=\"send\" "
	     "denied_mask=\"send\" signal=term peer=\"unconfined\"")
		  AA("operation=\"open\" profile=\"web\" name=\"etc/x\" "
		     "denied_mask=\"r\"") "audit: type=1400 audit(1.2:3): "
					  "apparmor=\"STATUS\" "
					  "operation=\"profile_load\" "
					  "profile=\"unconfined\" name=\"web\" pid=1 "
					  "comm=\"apparmor_parser\"\n",
	  { "note:does not express: operation signal", "note:attach_disconnected", "!\"web\"" } },
	{ "SELinux",
	  "type=AVC msg=audit(3.1:29): avc:  denied  { read open } for  pid=7 comm=\"x\" "
	  "path=\"/etc/token\" dev=\"tmpfs\" ino=6 "
	  "scontext=system_u:system_r:container_t:s0:c4 "
	  "tcontext=system_u:object_r:var_lib_t:s0 tclass=file permissive=0\n"
	  "type=AVC msg=audit(3.1:30): avc:  denied  { write add_name } for  pid=7 "
	  "name=\"d\" "
	  "scontext=system_u:system_r:container_t:s0 tcontext=a:b:c:s0 tclass=dir "
	  "permissive=1\n"
	  "type=CWD msg=audit(3.1:30): cwd=\"/srv\"\n"
	  "type=PATH msg=audit(3.1:30): item=0 name=\"d\" inode=4\n"
	  "type=AVC msg=audit(3.1:31): avc:  denied  { net_raw } for  pid=7 capability=13  "
	  "scontext=a:b:container_t:s0 tcontext=a:b:container_t:s0 tclass=capability "
	  "permissive=0\n"
	  "type=AVC msg=audit(3.1:32): avc:  denied  { name_bind } for  pid=7 src=8080 "
	  "scontext=a:b:container_t:s0 tcontext=a:b:c:s0 tclass=tcp_socket permissive=0\n",
	  { "\"/etc/token\", \"access\": [\"read\"]",
	    "\"/srv/d\", \"access\": [\"write\", "
	    "\"create\"]",
	    "\"CAP_NET_RAW\"", "\"op\": \"bind\", \"family\": \"AF_INET\"", "\"port\": 8080",
	    "note:4 of AppArmor and SELinux" } },
	{ "dirt",
	  "hello\n[ 1.0] usb 1-1: new device\n"
	  "audit: type=1326 audit(x): arch=c000003e syscall=39\n" SECCOMP(
		  "audit: type=1326", "\"a\"", "c000003e", "39", "0x0"),
	  { "note:1 of 4 lines were not understood; the first: in:3: audit: type=1326 "
	    "audit(x)",
	    "note:in:4: the last line is cut off" } },
	{ "no records", "hello\n", { "error:in: no audit record in its 1 lines" } },
	{ "other records",
	  "type=USER_LOGIN msg=audit(1.1:1): pid=1\n",
	  { "error:of its 1 audit records none is of seccomp, AppArmor or SELinux" } },
};

static void test_cases(void **state)
{
	(void)state;
	assert_int_equal(import_cases(cases, sizeof(cases) / sizeof(*cases), one), 0);
}

static const char mixed[] = AA(
	"operation=\"open\" profile=\"web\" name=\"/a\" comm=\"x\" denied_mask=\"r\"")
	AA("operation=\"open\" profile=\"web//sub\" name=\"/b\" comm=\"y\" denied_mask=\"r\"")
		AA("operation=\"open\" profile=\"webber\" name=\"/c\" comm=\"x\" "
		   "denied_mask=\"r\"") "audit: type=1326 audit(1.1:1): subj=web (enforce) "
					"comm=\"x\" arch=c000003e syscall=39\n"
					"abc123 type=AVC msg=audit(3.1:29): avc:  denied  { "
					"read } for  pid=7 comm=\"x\" "
					"path=\"/d\" scontext=u:r:web:s0 tcontext=a:b:c:s0 "
					"tclass=file\n";

static void test_filters(void **state)
{
	static const struct {
		const char *profile, *comm, *container, *want[8];
	} filters[] = {
		{ "web", NULL, NULL, { "\"/a\"", "\"/b\"", "!\"/c\"", "\"/d\"", "getpid" } },
		{ NULL, "x", NULL, { "\"/a\"", "!\"/b\"", "\"/c\"", "\"/d\"", "getpid" } },
		{ NULL, NULL, "abc123", { "!\"/a\"", "!\"/b\"", "!\"/c\"", "\"/d\"", "!getpid" } },
		{ "web", "y", NULL, { "!\"/a\"", "\"/b\"", "!\"/c\"", "!\"/d\"", "!getpid" } },
		{ "nobody",
		  NULL,
		  NULL,
		  { "error:none is of seccomp, AppArmor or SELinux and passes" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		struct import_case c = { "filter", mixed, { NULL } };

		x86 = (struct import_options){ .arch = SC_X86_64,
					       .profile = filters[i].profile,
					       .comm = filters[i].comm,
					       .container = filters[i].container };
		memcpy(c.want, filters[i].want, sizeof(filters[i].want));
		assert_int_equal(import_cases(&c, 1, one), 0);
	}
	x86 = (struct import_options){ .arch = SC_X86_64 };
}

#define REPORT(list) \
	"{\"format\": \"boltseal.run/1\", \"mode\": \"complain\", \"would_deny\": [" list "]}"

static const struct import_case reports[] = {
	{ "calls with arguments",
	  REPORT("{\"abi\": \"x86_64\", \"syscall\": \"socket\", \"nr\": 41, \"program\": "
		 "\"/bin/a\", "
		 "\"arguments\": [{\"values\": {\"family\": 2, \"type\": 1, \"protocol\": 6}, "
		 "\"count\": 2}], \"other_arguments\": 0}, {\"abi\": \"i386\", \"syscall\": "
		 "\"getpid\", \"nr\": 20}"),
	  { "\"value\": [2, 1, 6]", "\"i386\"", "\"/bin/a\"", "!\"lost\"" } },
	{ "not all arguments",
	  REPORT("{\"abi\": \"x86_64\", \"nr\": 41, \"arguments\": [], \"other_arguments\": 3}, "
		 "{\"abi\": \"arch-80000016\", \"nr\": 1}"),
	  { "\"socket\"", "!\"arguments\": [", "\"lost\": {\"calls\": 1}" } },
	{ "nothing denied", REPORT(""), { "\"complete\": true, \"supplement\": true" } },
	{ "another format",
	  "{\"format\": \"x\"}",
	  { "error:in:1:12: /format: expected \"boltseal.run/1\"" } },
	{ "an enforcing run",
	  "{\"format\": \"boltseal.run/1\"}",
	  { "error:not of --mode complain" } },
	{ "no number", REPORT("{\"abi\": \"x86_64\"}"), { "error:nr" } },
	{ "no object", REPORT("3"), { "error:expected an object" } },
};

static void test_reports(void **state)
{
	(void)state;
	assert_int_equal(import_cases(reports, sizeof(reports) / sizeof(*reports), one_run), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
