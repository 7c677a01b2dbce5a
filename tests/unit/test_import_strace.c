/* import_strace(): every form of a line, one case each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "import/import.h"
#include "import/strace_line.h"
#include "import_case.h"

static const struct import_options x86 = { .arch = SC_X86_64 };

static int one(struct workload *w, const struct import_input *in, struct buf *notes, struct err *e)
{
	return import_strace(w, in, 1, &x86, notes, e);
}

#define WHOLE                                                                                    \
	"execve(\"/bin/a\", [\"a\"], 0x7ffe /* 3 vars */) = 0\nmmap(NULL, 8192, PROT_READ|PROT_" \
	"WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0\nclose(3) = 0\n"
#define END "exit_group(0) = ?\n+++ exited with 0 +++\n"

static const struct import_case cases[] = {
	{ "a whole log",
	  WHOLE END,
	  { "\"complete\": true", "\"name\": \"execve\"", "\"path\": \"/bin/a\"",
	    "\"value\": [3, 34]", "\"name\": \"exit_group\"", "\"name\": \"a\"" } },
	{ "a filtered log",
	  "openat(AT_FDCWD, \"/etc/x\", O_RDONLY) = 3\n",
	  { "\"complete\": false", "note:no execve, mmap, close, exit_group in the log",
	    "\"path\": \"/etc/x\", \"access\": [\"read\"]" } },
	{ "prefixes: -f -o, -r, -t, -tt, -ttt, -n, -i, -T",
	  "23637 getuid() = 0\n23637 03:55:00 getgid() = 0\n23637 03:55:01.066376 geteuid() = 0\n"
	  "23637 1795319701.255114 getegid() = 0\n23637      0.000385 getpid() = 1 <0.000486>\n"
	  "23637 1795319701 getppid() = 1\n23637 [ 186] gettid() = 2\n"
	  "23637 [  63] [00007f8577a9d1c7] uname({sysname=\"Linux\", ...}) = 0\n"
	  "23637 03:55:01 (+     0.000066) sync() = 0\n",
	  { "\"getuid\"", "\"getgid\"", "\"geteuid\"", "\"getegid\"", "\"getpid\"", "\"getppid\"",
	    "\"gettid\"", "\"uname\"", "\"sync\"", "!\"lost\"" } },
	{ "prefixes: [pid N], comm",
	  "[pid 12] getuid() = 0\n[pid 12<a b>] getgid() = 0\n13<sh> geteuid() = 0\n"
	  "[pid    14] getegid() = 0\n15    getpid() = 15\n",
	  { "\"getuid\"", "\"getgid\"", "\"geteuid\"", "\"getegid\"", "\"getpid\"", "!\"lost\"" } },
	{ "unfinished and resumed",
	  "1 kill(23, SIGUSR1 <unfinished ...>\n2 getuid() = 0\n1 <... kill resumed>) = 0\n"
	  "2 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC <unfinished ...>\n1 getgid() = 0\n"
	  "2 <... socket resumed>, IPPROTO_IP) = 3\n",
	  { "{\"index\": [1], \"value\": [10]", "\"value\": [2, 524289, 0]", "!\"lost\"" } },
	{ "resumed without a start",
	  "1 ?"
	  "?"
	  "?( <unfinished ...>\n1 <... futex resumed>) = 0\n",
	  { "\"futex\"", "!\"lost\"" } },
	{ "never resumed",
	  "1 pause( <unfinished ...>\n1 +++ killed by SIGKILL +++\n2 select(1, [0], NULL, NULL, "
	  "NULL <detached ...>\n",
	  { "\"pause\"", "\"select\"", "!\"lost\"" } },
	{ "restarts",
	  "pause() = ? ERESTARTNOHAND (To be restarted if no handler)\n--- SIGALRM "
	  "{si_signo=SIGALRM, si_code=SI_KERNEL} ---\nrestart_syscall(<... resuming interrupted "
	  "nanosleep ...>) = 0\n",
	  { "\"pause\"", "\"restart_syscall\"", "!\"lost\"" } },
	{ "attached inside a record",
	  "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLDstrace: Process 9 attached\n"
	  ", child_tidptr=0x7f) = 9\n[pid 9] getuid() = 0\n[pid 8] getgid() = 0\n",
	  { "\"value\": [2097169]", "\"getuid\"", "\"getgid\"", "!\"lost\"" } },
	{ "attached, then unfinished",
	  "vfork(strace: Process 9 attached\n <unfinished ...>\n[pid 9] getuid() = 0\n"
	  "[pid 8] <... vfork resumed>) = 9\n",
	  { "\"vfork\"", "\"getuid\"", "!\"lost\"" } },
	{ "a child knows its program and folder",
	  "1 execve(\"/bin/a\", [], 0x7ff) = 0\n1 chdir(\"/srv\") = 0\n1 fork() = 2\n"
	  "2 openat(AT_FDCWD, \"x\", O_RDONLY) = 3\n2 execve(\"/bin/b\", [], 0x7f) = 0\n",
	  { "\"path\": \"/srv/x\"", "\"path\": \"/bin/b\", \"parents\": [\"/bin/a\"]" } },
	{ "personalities",
	  "7 execve(\"/a\", [], 0x7) = 0\n[ Process PID=7 runs in 32 bit mode. ]\n"
	  "7 stat64(\"/b\", {...}) = 0\n7 socket(AF_UNIX, SOCK_STREAM, 0) = 3\n"
	  "[ Process PID=7 runs in x32 mode. ]\n7 getuid() = 0\n"
	  "[ Process PID=7 runs in 64 bit mode. ]\n7 getgid() = 0\n",
	  { "\"i386\": [", "\"stat64\"", "\"x32\": [", "\"socketcall\"",
	    "note:may have been made through socketcall" } },
	{ "a 32-bit program that nothing tells of",
	  "7 execve(\"/a\", [], 0x7) = 0\n7 brk(NULL) = 0x57f70000\n7 access(\"/b\", R_OK) = 0\n"
	  "7 mmap2(NULL, 1, PROT_READ, MAP_PRIVATE, 3, 0) = 0xf7f51000\n7 exit_group(0) = ?\n",
	  { "\"x86_64\": [\n      {\"name\": \"execve\"",
	    "\"i386\": [\n      {\"name\": "
	    "\"access\"",
	    "\"mmap2\"" } },
	{ "a 64-bit program",
	  "7 execve(\"/a\", [], 0x7) = 0\n7 brk(NULL) = 0x57f70000\n7 getuid() = 0\n"
	  "7 exit_group(0) = ?\n",
	  { "\"brk\"", "\"getuid\"", "!i386" } },
	{ "32-bit numbers",
	  "7 [  59] execve(\"/a\", [], 0x7) = 0\n7 [  45] brk(NULL) = 0x57f70000\n"
	  "7 [ 102] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n",
	  { "\"i386\"", "\"brk\"", "\"socketcall\"", "!\"socket\"" } },
	{ "numbers",
	  "syscall_0x1c2(0x1, 0x2) = -1 ENOSYS (Function not implemented)\n"
	  "[ 999] syscall_0x3e7() = 0\n",
	  { "\"set_mempolicy_home_node\"", "\"number\": 999" } },
	{ "superseded",
	  "1 execve(\"/bin/a\", [], 0x7f) = 0\n2 execve(\"/bin/b\", [\"b\"], 0x7f <unfinished "
	  "...>\n"
	  "1 +++ superseded by execve in pid 2 +++\n1 <... execve resumed>) = 0\n1 getuid() = 0\n",
	  { "\"path\": \"/bin/b\"", "\"name\": \"getuid\", \"phases\": [\"start\"], \"programs\": "
				    "[\"/bin/b\"]" } },
	{ "stacks and remarks",
	  "getuid() = 0\n > /usr/lib/libc.so.6(getuid+0x7) [0xd5c7]\nstrace: Process 3 "
	  "detached\n\n",
	  { "\"getuid\"", "!\"lost\"" } },
	{ "tampered",
	  "mkdir(\"/x\", 0777) = -1 EPERM (Operation not permitted) (INJECTED)\n",
	  { "note:INJECTED" } },
	{ "strings hide everything",
	  "write(1, \"a) = 3, <unfinished ...>\", 9) = 9\nwrite(1, \"x(\\\"y\\\")\"..., 90) = 90\n"
	  "openat(AT_FDCWD, \"/a \\\"b\\\\\\t\\303\\244\\x41\", O_RDONLY) = 3\n",
	  { "/a \\\"b\\\\\\täA", "!\"lost\"" } },
	{ "descriptors: -y and -yy",
	  "openat(AT_FDCWD</srv>, \"x\", O_RDWR|O_CREAT, 0666) = 3</srv/real>\n"
	  "fchmod(3</srv/real>, 0600) = 0\n"
	  "write(4<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"x\", 1) = 1\n"
	  "flock(5</a>b</c>, LOCK_EX) = 0\n"
	  "openat(3</srv/d>, \"y\", O_RDONLY) = 5</dev/null<char 1:3>>\n",
	  { "\"path\": \"/srv/real\", \"access\": [\"read\", \"write\", \"create\", \"meta\"]",
	    "\"path\": \"/dev/null\", \"access\": [\"read\"]" } },
	{ "descriptors: followed",
	  "openat(AT_FDCWD, \"/srv\", O_RDONLY|O_DIRECTORY) = 3\ndup2(3, 9) = 9\nclose(3) = 0\n"
	  "openat(9, \"x\", O_WRONLY|O_APPEND) = 4\nfcntl(4, F_DUPFD_CLOEXEC, 10) = 10\n"
	  "fcntl(10, F_SETLK, {l_type=F_WRLCK}) = 0\nfchdir(9) = 0\nunlink(\"y\") = 0\n",
	  { "\"path\": \"/srv/\", \"access\": [\"read\", \"chdir\"]",
	    "\"path\": \"/srv/x\", \"access\": [\"append\", \"lock\"]",
	    "\"path\": \"/srv/y\", \"access\": [\"delete\"]" } },
	{ "results of open",
	  "open(\"/a\", O_RDONLY) = -1 ENOENT (No such file or directory)\n"
	  "open(\"/b\", O_WRONLY) = -1 EACCES (Permission denied)\n"
	  "open(\"/c\", O_RDONLY) = -1 EMFILE (Too many open files)\n"
	  "openat2(AT_FDCWD, \"/d\", {flags=O_RDONLY|O_CLOEXEC, resolve=0}, 24) = 3\n"
	  "creat(\"/e\", 0600) = 4\n",
	  { "\"/a\", \"access\": [\"missing\"]", "\"/b\", \"access\": [\"write\", \"refused\"]",
	    "!\"/c\"", "\"/d\", \"access\": [\"read\"]",
	    "\"/e\", \"access\": [\"write\", \"create\"]" } },
	{ "a temporary file without a name",
	  "openat(AT_FDCWD, \"/var/tmp\", O_RDWR|O_EXCL|O_TMPFILE, 0600) = 3</var/tmp/#77 "
	  "(deleted)>\n",
	  { "\"path\": \"/var/tmp/#*\", \"pattern\": true" } },
	{ "relative without a known folder",
	  "open(\"x\", O_RDONLY) = 3\n",
	  { "note:names relative to a folder", "\"lost\": {\"paths\": 1}" } },
	{ "paths of two names",
	  "rename(\"/a\", \"/b\") = 0\nmkdir(\"/d\", 0777) = 0\nunlinkat(AT_FDCWD, \"/e\", "
	  "AT_REMOVEDIR) = 0\nsymlink(\"../t\", \"/l\") = 0\n",
	  { "\"/a\", \"access\": [\"read\", \"delete\"]",
	    "\"/b\", \"access\": [\"write\", \"create\"]", "\"/d/\"", "\"/e/\"",
	    "\"/l\", \"access\": [\"create\"]" } },
	{ "network and serving",
	  "socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\nbind(3, {sa_family=AF_INET, "
	  "sin_port=htons(80), sin_addr=inet_addr(\"0.0.0.0\")}, 16) = 0\nlisten(3, 5) = 0\n"
	  "accept4(3, NULL, NULL, 0) = 4\n",
	  { "\"op\": \"listen\", \"family\": \"AF_INET\", \"type\": \"SOCK_STREAM\", \"protocol\": "
	    "\"IPPROTO_TCP\", \"address\": \"0.0.0.0\", \"port\": 80",
	    "\"name\": \"accept4\", \"phases\": [\"serving\"]",
	    "\"name\": \"CAP_NET_BIND_SERVICE\", \"result\": \"granted\"" } },
	{ "addresses",
	  "connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = -1 ENOENT (No such file or "
	  "directory)\nconnect(3, {sa_family=AF_UNIX, sun_path=@\"abc\"}, 6) = 0\n"
	  "sendto(5, \"x\", 1, 0, {sa_family=AF_INET6, sin6_port=htons(9), "
	  "sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) "
	  "= 1\nsendmsg(5, {msg_name={sa_family=AF_INET, sin_port=htons(53), "
	  "sin_addr=inet_addr(\"10.0.0.1\")}, msg_namelen=16, msg_iov=[{iov_base=\"a\", "
	  "iov_len=1}]}, 0) = 1\nbind(6, {sa_family=0x2, sin_port=\"\\x4b\\xd9\", "
	  "sin_addr=\"\\x7f\\x00\\x00\\x01\"}, 16) = 0\n",
	  { "\"/run/x\"", "\"@abc\"", "\"::1\"", "\"10.0.0.1\", \"port\": 53",
	    "\"127.0.0.1\", \"port\": 19417", "!\"lost\"" } },
	{ "values",
	  "clone(child_stack=NULL, flags=CLONE_VM|CLONE_FS|0x80000000) = 5\n"
	  "clone3({flags=CLONE_VM|CLONE_THREAD, child_tid=0x7f, exit_signal=0}, 88) = 6\n"
	  "prctl(PR_SET_NAME, \"x\") = 0\narch_prctl(0x3001 /* ARCH_?"
	  "?"
	  "? */, 0x7f) = -1 EINVAL "
	  "(Invalid argument)\nioctl(1, SNDCTL_TMR_TIMEBASE or TCGETS, 0x7f) = 0\n"
	  "ioctl(1, _IOC(_IOC_READ, 0x54, 0x30, 0x4), 0x7f) = 0\nkill(0, SIGRT_1) = 0\n"
	  "socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) = 3\n"
	  "mmap(NULL, 1, 0x3 /* PROT_READ|PROT_WRITE */, MAP_PRIVATE|21<<MAP_HUGE_SHIFT, 3, 0) = "
	  "0x7f\n",
	  { "\"value\": [2147484416]", "\"value\": [65792]", "\"value\": [12289]",
	    "\"value\": [21505]", "\"value\": [2147767344]", "\"value\": [33]",
	    "\"value\": [17, 3, 768]", "\"value\": [3, 1409286146]", "!\"lost\"" } },
	{ "values that are not known",
	  "prctl(PR_NOT_YET, 1) = 0\nprctl(PR_NOT_YET, 1) = 0\n",
	  { "note:argument of prctl is not understood: PR_NOT_YET",
	    "\"lost\": {\"arguments\": 2}" } },
	{ "raw",
	  "execve(0x7ffc, 0x7ffe, 0x7fff) = 0\nmmap(0, 0x2000, 0x3, 0x22, 0xffffffff, 0) = 0x7f\n"
	  "openat(0xffffff9c, 0x7fc4, 0x80000, 0) = 0x3\n",
	  { "\"value\": [3, 34]", "note:names of files are not in the log" } },
	{ "capabilities",
	  "mknod(\"/x\", S_IFCHR|0666, makedev(0x1, 0x3)) = 0\nmount(\"a\", \"/b\", \"tmpfs\", "
	  "MS_NOSUID, NULL) = -1 EPERM (Operation not permitted)\ngeteuid() = 0\nsetuid(33) = 0\n"
	  "setuid(33) = 0\n",
	  { "\"CAP_MKNOD\", \"result\": \"granted\"", "\"CAP_SYS_ADMIN\", \"result\": \"refused\"",
	    "\"CAP_SETUID\", \"result\": \"granted\"" } },
	{ "summary",
	  "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- "
	  "---------- "
	  "--------- --------- ----------------\n 70.71    0.021098         753        28        "
	  "13 "
	  "wait4\n  0.00    0.000000           0         1           accept4\n------ ------ ---- - "
	  "----\n100.00    0.029838           0        29        13 total\n",
	  { "\"wait4\"", "\"accept4\"", "\"exit_group\"", "!total", "!\"lost\"",
	    "note:a table of calls" } },
	{ "summary with other columns",
	  "syscall              calls    errors\n---------------- --------- ---------\nread        "
	  "             1          \naccess                   1         1\n---------------- -----\n"
	  "total                   29         1\n",
	  { "\"read\"", "\"access\"", "!\"lost\"" } },
	{ "log and summary (-C)",
	  WHOLE END
	  "% time     seconds  usecs/call     calls    errors syscall\n------ ----\n100.00  "
	  "  0.1  1  1   close\n------ -----\n100.00 0.1 0 1 total\n",
	  { "\"complete\": true", "!\"lost\"" } },
	{ "dirt is counted and shown",
	  WHOLE "hello\nthis is no call\n" END,
	  { "note:2 of 7 lines were not understood; the first: in:4: hello",
	    "\"lost\": {\"lines\": 2}" } },
	{ "the last line is cut off",
	  WHOLE "openat(AT_FDCWD, \"/etc/pas",
	  { "note:in:4: the last line is cut off", "\"openat\"", "!\"/etc/pas" } },
	{ "an unknown name",
	  "not_a_call(1) = 0\ngetuid() = 0\n",
	  { "note:not_a_call is no system call of x86_64", "\"lost\": {\"calls\": 1}" } },
	{ "no log",
	  "hello\nworld\n",
	  { "error:in: no line of an strace log is in it; the first line: "
	    "in:1: hello" } },
	{ "empty", "", { "error:in: no line of an strace log" } },
};

static void test_cases(void **state)
{
	(void)state;
	assert_int_equal(import_cases(cases, sizeof(cases) / sizeof(*cases), one), 0);
}

/* Files of -ff: each process in its own file, in any order. */
static void test_split(void **state)
{
	static const char parent[] =
		"execve(\"/bin/a\", [], 0x7f) = 0\nchdir(\"/srv\") = 0\n"
		"fork() = 12\nmmap(NULL, 1, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7\n"
		"close(3) = 0\nexit_group(0) = ?\n+++ exited with 0 +++\n",
			  child[] = "openat(AT_FDCWD, \"x\", O_RDONLY) = 3\nexit_group(0) = ?\n"
				    "+++ exited with 0 +++\n";
	const struct import_input in[] = { { "log.12", child, sizeof(child) - 1 },
					   { "log.11", parent, sizeof(parent) - 1 } };
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 }, json = { 0 };
	struct err e = { 0 };

	(void)state;
	wl_init(&w);
	assert_int_equal(import_strace(&w, in, 2, &x86, &notes, &e), 0);
	wl_write(&w, &json);
	assert_non_null(strstr(json.p, "\"path\": \"/srv/x\", \"access\": [\"read\"], \"phases\": "
				       "[\"start\"], \"programs\": [\"/bin/a\"]"));
	assert_non_null(strstr(json.p, "\"complete\": true"));
}

/* Lines beyond the limit are cut, and what follows them is read. */
static void test_long_line(void **state)
{
	size_t n = 3 * (size_t)IMPORT_MAX_LINE;
	char *text = malloc(n + 32);
	struct import_input in = { "in", text, 0 };
	cleanup_lines struct lines l = { .fd = -1 };
	struct err e;
	char *line;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', n);
	memcpy(text + n, "\nb\r\nc", 6);
	in.len = n + 5;
	assert_int_equal(lines_open(&l, &in, NULL, &e), 0);
	assert_int_equal(lines_next(&l, &line, &e), 1);
	assert_int_equal(strlen(line), IMPORT_MAX_LINE);
	assert_true(l.cut);
	assert_int_equal(lines_next(&l, &line, &e), 1);
	assert_string_equal(line, "b");
	assert_false(l.cut || l.partial);
	assert_int_equal(l.no, 2);
	assert_int_equal(lines_next(&l, &line, &e), 1);
	assert_string_equal(line, "c");
	assert_true(l.partial);
	assert_int_equal(lines_next(&l, &line, &e), 0);
	free(text);
}

static void test_normalise(void **state)
{
	static const char *const paths[][2] = {
		{ "/a/b", "/a/b" },
		{ "/a//b/", "/a/b" },
		{ "/a/./b/../c", "/a/c" },
		{ "/../..", "/" },
		{ "/", "/" },
		{ "//x", "/x" },
		{ "/a/...", "/a/..." },
		{ "/..a/.b", "/..a/.b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char p[64];

		snprintf(p, sizeof(p), "%s", paths[i][0]);
		import_normalise(p);
		assert_string_equal(p, paths[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_normalise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
