/*
 * The fields of system call events. Names, types and arguments: falcosecurity/libs after 0.25.4,
 * userspace/libsinsp/sinsp_filtercheck_*.cpp, and the container plugin 0.7. One row is one field;
 * whoever makes events switches over enum ev_field_id.
 */
#ifndef MODEL_EVENT_FIELDS_H
#define MODEL_EVENT_FIELDS_H

#include "model/event.h"

/* What may stand behind a field's name. */
enum ev_field_arg {
	EV_F_NONE,
	EV_F_INDEX,	 /* [number], may be left out */
	EV_F_INDEX_REQ,	 /* [number] */
	EV_F_KEY,	 /* [text], may be left out */
	EV_F_KEY_REQ,	 /* [text] */
	EV_F_DOTTED,	 /* .text or [text] */
	EV_F_DOTTED_OPT, /* the same, may be left out */
	EV_F_PARAM,	 /* .parameter or [number] */
};

enum ev_field_flag {
	EV_LIST = 1,	     /* a list; operators on lists */
	EV_ANCESTORS = 2,    /* without argument: true if it holds for one of several values */
	EV_ENDS = 4,	     /* of both ends of a connection: = if either, != if neither */
	EV_RESOLVED = 8,     /* names of an address: true if it holds for one of them */
	EV_FILTER_ONLY = 16, /* not for output */
	EV_NO_RHS = 32,	     /* not compared with another field */
	EV_NO_TRANSFORM = 64,
	EV_DEPRECATED = 128,
	EV_OWN = 256, /* boltseal's, which Falco does not have */
	EV_WHO = 512, /* follows from event.who alone */
};

struct ev_field {
	const char *name;
	enum ev_kind kind;
	enum ev_field_arg arg;
	unsigned flags; /* enum ev_field_flag */
	unsigned id;	/* enum ev_field_id, or what the owner of another table wants */
};

/* X(id, name, kind, what may stand behind it, flags) */
#define EV_FIELDS(X)                                                                              \
	X(EVT_NUM, "evt.num", UINT64, NONE, 0)                                                    \
	X(EVT_BUFLEN, "evt.buflen", UINT64, NONE, 0)                                              \
	X(EVT_TIME, "evt.time", CHARBUF, NONE, 0)                                                 \
	X(EVT_TIME_S, "evt.time.s", CHARBUF, NONE, 0)                                             \
	X(EVT_TIME_ISO8601, "evt.time.iso8601", CHARBUF, NONE, 0)                                 \
	X(EVT_DATETIME, "evt.datetime", CHARBUF, NONE, 0)                                         \
	X(EVT_DATETIME_S, "evt.datetime.s", CHARBUF, NONE, 0)                                     \
	X(EVT_PLUGINNAME, "evt.pluginname", CHARBUF, NONE, 0)                                     \
	X(EVT_PLUGININFO, "evt.plugininfo", CHARBUF, NONE, 0)                                     \
	X(EVT_SOURCE, "evt.source", CHARBUF, NONE, 0)                                             \
	X(EVT_ASYNCTYPE, "evt.asynctype", CHARBUF, NONE, 0)                                       \
	X(EVT_HOSTNAME, "evt.hostname", CHARBUF, NONE, 0)                                         \
	X(EVT_TYPE, "evt.type", CHARBUF, NONE, 0)                                                 \
	X(EVT_CATEGORY, "evt.category", CHARBUF, NONE, 0)                                         \
	X(EVT_ARGS, "evt.args", CHARBUF, NONE, 0)                                                 \
	X(EVT_INFO, "evt.info", CHARBUF, NONE, 0)                                                 \
	X(EVT_RES, "evt.res", CHARBUF, NONE, 0)                                                   \
	X(EVT_IO_DIR, "evt.io_dir", CHARBUF, NONE, 0)                                             \
	X(EVT_RAWTIME, "evt.rawtime", ABSTIME, NONE, 0)                                           \
	X(EVT_RAWTIME_S, "evt.rawtime.s", ABSTIME, NONE, 0)                                       \
	X(EVT_RAWTIME_NS, "evt.rawtime.ns", ABSTIME, NONE, 0)                                     \
	X(EVT_RELTIME, "evt.reltime", RELTIME, NONE, 0)                                           \
	X(EVT_RELTIME_S, "evt.reltime.s", RELTIME, NONE, 0)                                       \
	X(EVT_RELTIME_NS, "evt.reltime.ns", RELTIME, NONE, 0)                                     \
	X(EVT_DELTATIME, "evt.deltatime", RELTIME, NONE, 0)                                       \
	X(EVT_DELTATIME_S, "evt.deltatime.s", RELTIME, NONE, 0)                                   \
	X(EVT_DELTATIME_NS, "evt.deltatime.ns", RELTIME, NONE, 0)                                 \
	X(EVT_IS_ASYNC, "evt.is_async", BOOL, NONE, 0)                                            \
	X(EVT_FAILED, "evt.failed", BOOL, NONE, 0)                                                \
	X(EVT_IS_IO, "evt.is_io", BOOL, NONE, 0)                                                  \
	X(EVT_IS_IO_READ, "evt.is_io_read", BOOL, NONE, 0)                                        \
	X(EVT_IS_IO_WRITE, "evt.is_io_write", BOOL, NONE, 0)                                      \
	X(EVT_IS_WAIT, "evt.is_wait", BOOL, NONE, 0)                                              \
	X(EVT_IS_SYSLOG, "evt.is_syslog", BOOL, NONE, 0)                                          \
	X(EVT_IS_OPEN_READ, "evt.is_open_read", BOOL, NONE, 0)                                    \
	X(EVT_IS_OPEN_WRITE, "evt.is_open_write", BOOL, NONE, 0)                                  \
	X(EVT_IS_OPEN_EXEC, "evt.is_open_exec", BOOL, NONE, 0)                                    \
	X(EVT_IS_OPEN_CREATE, "evt.is_open_create", BOOL, NONE, 0)                                \
	X(EVT_COUNT, "evt.count", UINT32, NONE, 0)                                                \
	X(EVT_COUNT_ERROR, "evt.count.error", UINT32, NONE, 0)                                    \
	X(EVT_COUNT_ERROR_FILE, "evt.count.error.file", UINT32, NONE, 0)                          \
	X(EVT_COUNT_ERROR_NET, "evt.count.error.net", UINT32, NONE, 0)                            \
	X(EVT_COUNT_ERROR_MEMORY, "evt.count.error.memory", UINT32, NONE, 0)                      \
	X(EVT_COUNT_ERROR_OTHER, "evt.count.error.other", UINT32, NONE, 0)                        \
	X(EVT_COUNT_EXIT, "evt.count.exit", UINT32, NONE, 0)                                      \
	X(EVT_CPU, "evt.cpu", INT16, NONE, 0)                                                     \
	X(EVT_BUFFER, "evt.buffer", BYTEBUF, NONE, 0)                                             \
	X(EVT_RAWRES, "evt.rawres", INT64, NONE, 0)                                               \
	X(EVT_TYPE_IS, "evt.type.is", UINT32, DOTTED, 0)                                          \
	X(EVT_ARG, "evt.arg", CHARBUF, PARAM, 0)                                                  \
	X(EVT_RAWARG, "evt.rawarg", DYNAMIC, PARAM, EV_NO_RHS | EV_NO_TRANSFORM)                  \
	X(EVT_AROUND, "evt.around", UINT64, INDEX_REQ,                                            \
	  EV_FILTER_ONLY | EV_NO_RHS | EV_NO_TRANSFORM)                                           \
	X(EVT_ABSPATH, "evt.abspath", CHARBUF, DOTTED_OPT, 0)                                     \
	X(EVT_DIR, "evt.dir", CHARBUF, NONE, EV_DEPRECATED)                                       \
	X(EVT_LATENCY, "evt.latency", RELTIME, NONE, EV_DEPRECATED)                               \
	X(EVT_LATENCY_S, "evt.latency.s", RELTIME, NONE, EV_DEPRECATED)                           \
	X(EVT_LATENCY_NS, "evt.latency.ns", RELTIME, NONE, EV_DEPRECATED)                         \
	X(EVT_LATENCY_HUMAN, "evt.latency.human", CHARBUF, NONE, EV_DEPRECATED)                   \
	X(EVT_WAIT_LATENCY, "evt.wait_latency", RELTIME, NONE, EV_DEPRECATED)                     \
	X(EVT_IO_URING, "evt.io_uring", BOOL, NONE, EV_OWN)                                       \
	X(SYSCALL_TYPE, "syscall.type", CHARBUF, NONE, 0)                                         \
	X(PROC_EXE, "proc.exe", CHARBUF, NONE, EV_WHO)                                            \
	X(PROC_PEXE, "proc.pexe", CHARBUF, NONE, EV_WHO)                                          \
	X(PROC_EXEPATH, "proc.exepath", CHARBUF, NONE, EV_WHO)                                    \
	X(PROC_PEXEPATH, "proc.pexepath", CHARBUF, NONE, EV_WHO)                                  \
	X(PROC_NAME, "proc.name", CHARBUF, NONE, EV_WHO)                                          \
	X(PROC_PNAME, "proc.pname", CHARBUF, NONE, EV_WHO)                                        \
	X(PROC_CMDLINE, "proc.cmdline", CHARBUF, NONE, EV_WHO)                                    \
	X(PROC_PCMDLINE, "proc.pcmdline", CHARBUF, NONE, EV_WHO)                                  \
	X(PROC_EXELINE, "proc.exeline", CHARBUF, NONE, EV_WHO)                                    \
	X(PROC_CWD, "proc.cwd", CHARBUF, NONE, 0)                                                 \
	X(PROC_SNAME, "proc.sname", CHARBUF, NONE, EV_WHO)                                        \
	X(PROC_SID_EXE, "proc.sid.exe", CHARBUF, NONE, EV_WHO)                                    \
	X(PROC_SID_EXEPATH, "proc.sid.exepath", CHARBUF, NONE, EV_WHO)                            \
	X(PROC_VPGID_NAME, "proc.vpgid.name", CHARBUF, NONE, EV_WHO)                              \
	X(PROC_VPGID_EXE, "proc.vpgid.exe", CHARBUF, NONE, EV_WHO)                                \
	X(PROC_VPGID_EXEPATH, "proc.vpgid.exepath", CHARBUF, NONE, EV_WHO)                        \
	X(PROC_PGID_NAME, "proc.pgid.name", CHARBUF, NONE, EV_WHO)                                \
	X(PROC_PGID_EXE, "proc.pgid.exe", CHARBUF, NONE, EV_WHO)                                  \
	X(PROC_PGID_EXEPATH, "proc.pgid.exepath", CHARBUF, NONE, EV_WHO)                          \
	X(PROC_STDIN_TYPE, "proc.stdin.type", CHARBUF, NONE, 0)                                   \
	X(PROC_STDOUT_TYPE, "proc.stdout.type", CHARBUF, NONE, 0)                                 \
	X(PROC_STDERR_TYPE, "proc.stderr.type", CHARBUF, NONE, 0)                                 \
	X(PROC_STDIN_NAME, "proc.stdin.name", CHARBUF, NONE, 0)                                   \
	X(PROC_STDOUT_NAME, "proc.stdout.name", CHARBUF, NONE, 0)                                 \
	X(PROC_STDERR_NAME, "proc.stderr.name", CHARBUF, NONE, 0)                                 \
	X(PROC_CMDNARGS, "proc.cmdnargs", UINT64, NONE, EV_WHO)                                   \
	X(PROC_CMDLENARGS, "proc.cmdlenargs", UINT64, NONE, EV_WHO)                               \
	X(PROC_PIDNS_INIT_START_TS, "proc.pidns_init_start_ts", UINT64, NONE, 0)                  \
	X(PROC_FDOPENCOUNT, "proc.fdopencount", UINT64, NONE, 0)                                  \
	X(PROC_VMSIZE, "proc.vmsize", UINT64, NONE, 0)                                            \
	X(PROC_VMRSS, "proc.vmrss", UINT64, NONE, 0)                                              \
	X(PROC_VMSWAP, "proc.vmswap", UINT64, NONE, 0)                                            \
	X(PROC_NTHREADS, "proc.nthreads", UINT64, NONE, 0)                                        \
	X(PROC_NCHILDS, "proc.nchilds", UINT64, NONE, 0)                                          \
	X(PROC_LOGINSHELLID, "proc.loginshellid", INT64, NONE, 0)                                 \
	X(PROC_PID, "proc.pid", INT64, NONE, EV_WHO)                                              \
	X(PROC_PPID, "proc.ppid", INT64, NONE, EV_WHO)                                            \
	X(PROC_VPID, "proc.vpid", INT64, NONE, EV_WHO)                                            \
	X(PROC_PVPID, "proc.pvpid", INT64, NONE, EV_WHO)                                          \
	X(PROC_SID, "proc.sid", INT64, NONE, EV_WHO)                                              \
	X(PROC_VPGID, "proc.vpgid", INT64, NONE, EV_WHO)                                          \
	X(PROC_PGID, "proc.pgid", INT64, NONE, EV_WHO)                                            \
	X(PROC_EXE_INO, "proc.exe_ino", INT64, NONE, EV_WHO)                                      \
	X(PROC_FDLIMIT, "proc.fdlimit", INT64, NONE, 0)                                           \
	X(PROC_DURATION, "proc.duration", RELTIME, NONE, 0)                                       \
	X(PROC_PPID_DURATION, "proc.ppid.duration", RELTIME, NONE, 0)                             \
	X(PROC_PID_TS, "proc.pid.ts", RELTIME, NONE, 0)                                           \
	X(PROC_PPID_TS, "proc.ppid.ts", RELTIME, NONE, 0)                                         \
	X(PROC_IS_EXE_WRITABLE, "proc.is_exe_writable", BOOL, NONE, EV_WHO)                       \
	X(PROC_IS_EXE_UPPER_LAYER, "proc.is_exe_upper_layer", BOOL, NONE, EV_WHO)                 \
	X(PROC_IS_EXE_LOWER_LAYER, "proc.is_exe_lower_layer", BOOL, NONE, EV_WHO)                 \
	X(PROC_IS_EXE_FROM_MEMFD, "proc.is_exe_from_memfd", BOOL, NONE, EV_WHO)                   \
	X(PROC_IS_EXE_DELETED, "proc.is_exe_deleted", BOOL, NONE, EV_OWN | EV_WHO)                \
	X(PROC_IS_SID_LEADER, "proc.is_sid_leader", BOOL, NONE, EV_WHO)                           \
	X(PROC_IS_VPGID_LEADER, "proc.is_vpgid_leader", BOOL, NONE, EV_WHO)                       \
	X(PROC_IS_PGID_LEADER, "proc.is_pgid_leader", BOOL, NONE, EV_WHO)                         \
	X(PROC_EXE_INO_CTIME, "proc.exe_ino.ctime", ABSTIME, NONE, EV_WHO)                        \
	X(PROC_EXE_INO_MTIME, "proc.exe_ino.mtime", ABSTIME, NONE, EV_WHO)                        \
	X(PROC_EXE_INO_CTIME_DURATION_PROC_START, "proc.exe_ino.ctime_duration_proc_start",       \
	  ABSTIME, NONE, 0)                                                                       \
	X(PROC_EXE_INO_CTIME_DURATION_PIDNS_START, "proc.exe_ino.ctime_duration_pidns_start",     \
	  ABSTIME, NONE, 0)                                                                       \
	X(PROC_TTY, "proc.tty", UINT32, NONE, EV_WHO)                                             \
	X(PROC_FDUSAGE, "proc.fdusage", DOUBLE, NONE, 0)                                          \
	X(PROC_ARGS, "proc.args", CHARBUF, INDEX, EV_WHO)                                         \
	X(PROC_ENV, "proc.env", CHARBUF, KEY, EV_WHO)                                             \
	X(PROC_AENV, "proc.aenv", CHARBUF, KEY, EV_ANCESTORS | EV_NO_RHS | EV_WHO)                \
	X(PROC_ANAME, "proc.aname", CHARBUF, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_WHO)            \
	X(PROC_CANAME, "proc.caname", CHARBUF, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_OWN | EV_WHO) \
	X(PROC_AEXE, "proc.aexe", CHARBUF, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_WHO)              \
	X(PROC_AEXEPATH, "proc.aexepath", CHARBUF, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_WHO)      \
	X(PROC_AARGS, "proc.aargs", CHARBUF, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_WHO)            \
	X(PROC_ACMDLINE, "proc.acmdline", CHARBUF, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_WHO)      \
	X(PROC_APID, "proc.apid", INT64, INDEX, EV_ANCESTORS | EV_NO_RHS | EV_WHO)                \
	X(PROC_IS_CONTAINER_HEALTHCHECK, "proc.is_container_healthcheck", BOOL, NONE,             \
	  EV_DEPRECATED)                                                                          \
	X(PROC_IS_CONTAINER_LIVENESS_PROBE, "proc.is_container_liveness_probe", BOOL, NONE,       \
	  EV_DEPRECATED)                                                                          \
	X(PROC_IS_CONTAINER_READINESS_PROBE, "proc.is_container_readiness_probe", BOOL, NONE,     \
	  EV_DEPRECATED)                                                                          \
	X(THREAD_CAP_PERMITTED, "thread.cap_permitted", CHARBUF, NONE, EV_WHO)                    \
	X(THREAD_CAP_INHERITABLE, "thread.cap_inheritable", CHARBUF, NONE, EV_WHO)                \
	X(THREAD_CAP_EFFECTIVE, "thread.cap_effective", CHARBUF, NONE, EV_WHO)                    \
	X(THREAD_CGROUPS, "thread.cgroups", CHARBUF, NONE, EV_WHO)                                \
	X(THREAD_PFMAJOR, "thread.pfmajor", UINT64, NONE, 0)                                      \
	X(THREAD_PFMINOR, "thread.pfminor", UINT64, NONE, 0)                                      \
	X(THREAD_VMSIZE, "thread.vmsize", UINT64, NONE, 0)                                        \
	X(THREAD_VMRSS, "thread.vmrss", UINT64, NONE, 0)                                          \
	X(THREAD_TID, "thread.tid", INT64, NONE, 0)                                               \
	X(THREAD_VTID, "thread.vtid", INT64, NONE, 0)                                             \
	X(THREAD_ISMAIN, "thread.ismain", BOOL, NONE, 0)                                          \
	X(THREAD_EXECTIME, "thread.exectime", RELTIME, NONE, 0)                                   \
	X(THREAD_TOTEXECTIME, "thread.totexectime", RELTIME, NONE, 0)                             \
	X(THREAD_CPU, "thread.cpu", DOUBLE, NONE, 0)                                              \
	X(THREAD_CPU_USER, "thread.cpu.user", DOUBLE, NONE, 0)                                    \
	X(THREAD_CPU_SYSTEM, "thread.cpu.system", DOUBLE, NONE, 0)                                \
	X(THREAD_CGROUP, "thread.cgroup", CHARBUF, DOTTED, 0)                                     \
	X(USER_UID, "user.uid", UINT32, NONE, EV_WHO)                                             \
	X(USER_RUID, "user.ruid", UINT32, NONE, EV_OWN | EV_WHO)                                  \
	X(USER_LOGINUID, "user.loginuid", INT64, NONE, EV_WHO)                                    \
	X(USER_NAME, "user.name", CHARBUF, NONE, 0)                                               \
	X(USER_HOMEDIR, "user.homedir", CHARBUF, NONE, 0)                                         \
	X(USER_SHELL, "user.shell", CHARBUF, NONE, 0)                                             \
	X(USER_LOGINNAME, "user.loginname", CHARBUF, NONE, 0)                                     \
	X(GROUP_GID, "group.gid", UINT32, NONE, EV_WHO)                                           \
	X(GROUP_NAME, "group.name", CHARBUF, NONE, 0)                                             \
	X(FD_NUM, "fd.num", INT64, NONE, 0)                                                       \
	X(FD_INO, "fd.ino", INT64, NONE, 0)                                                       \
	X(FD_TYPE, "fd.type", CHARBUF, NONE, 0)                                                   \
	X(FD_TYPECHAR, "fd.typechar", CHARBUF, NONE, 0)                                           \
	X(FD_NAME, "fd.name", CHARBUF, NONE, 0)                                                   \
	X(FD_DIRECTORY, "fd.directory", CHARBUF, NONE, 0)                                         \
	X(FD_FILENAME, "fd.filename", CHARBUF, NONE, 0)                                           \
	X(FD_L4PROTO, "fd.l4proto", CHARBUF, NONE, 0)                                             \
	X(FD_SOCKFAMILY, "fd.sockfamily", CHARBUF, NONE, 0)                                       \
	X(FD_UID, "fd.uid", CHARBUF, NONE, 0)                                                     \
	X(FD_CONTAINERNAME, "fd.containername", CHARBUF, NONE, 0)                                 \
	X(FD_CONTAINERDIRECTORY, "fd.containerdirectory", CHARBUF, NONE, 0)                       \
	X(FD_CPROTO, "fd.cproto", CHARBUF, NONE, 0)                                               \
	X(FD_SPROTO, "fd.sproto", CHARBUF, NONE, 0)                                               \
	X(FD_LPROTO, "fd.lproto", CHARBUF, NONE, 0)                                               \
	X(FD_RPROTO, "fd.rproto", CHARBUF, NONE, 0)                                               \
	X(FD_NAMERAW, "fd.nameraw", CHARBUF, NONE, 0)                                             \
	X(FD_CIP, "fd.cip", IPADDR, NONE, 0)                                                      \
	X(FD_SIP, "fd.sip", IPADDR, NONE, 0)                                                      \
	X(FD_LIP, "fd.lip", IPADDR, NONE, 0)                                                      \
	X(FD_RIP, "fd.rip", IPADDR, NONE, 0)                                                      \
	X(FD_CPORT, "fd.cport", PORT, NONE, 0)                                                    \
	X(FD_SPORT, "fd.sport", PORT, NONE, 0)                                                    \
	X(FD_LPORT, "fd.lport", PORT, NONE, 0)                                                    \
	X(FD_RPORT, "fd.rport", PORT, NONE, 0)                                                    \
	X(FD_IS_SERVER, "fd.is_server", BOOL, NONE, 0)                                            \
	X(FD_CONNECTED, "fd.connected", BOOL, NONE, 0)                                            \
	X(FD_NAME_CHANGED, "fd.name_changed", BOOL, NONE, 0)                                      \
	X(FD_IS_UPPER_LAYER, "fd.is_upper_layer", BOOL, NONE, 0)                                  \
	X(FD_IS_LOWER_LAYER, "fd.is_lower_layer", BOOL, NONE, 0)                                  \
	X(FD_CNET, "fd.cnet", IPNET, NONE, EV_FILTER_ONLY)                                        \
	X(FD_SNET, "fd.snet", IPNET, NONE, EV_FILTER_ONLY)                                        \
	X(FD_LNET, "fd.lnet", IPNET, NONE, EV_FILTER_ONLY)                                        \
	X(FD_RNET, "fd.rnet", IPNET, NONE, EV_FILTER_ONLY)                                        \
	X(FD_DEV, "fd.dev", INT32, NONE, 0)                                                       \
	X(FD_DEV_MAJOR, "fd.dev.major", INT32, NONE, 0)                                           \
	X(FD_DEV_MINOR, "fd.dev.minor", INT32, NONE, 0)                                           \
	X(FD_IP, "fd.ip", IPADDR, NONE, EV_FILTER_ONLY | EV_ENDS | EV_NO_RHS)                     \
	X(FD_PORT, "fd.port", PORT, NONE, EV_FILTER_ONLY | EV_ENDS | EV_NO_RHS)                   \
	X(FD_PROTO, "fd.proto", PORT, NONE, EV_FILTER_ONLY | EV_ENDS | EV_NO_RHS)                 \
	X(FD_NET, "fd.net", IPNET, NONE, EV_FILTER_ONLY | EV_ENDS | EV_NO_RHS)                    \
	X(FD_TYPES, "fd.types", CHARBUF, INDEX, EV_LIST | EV_NO_RHS)                              \
	X(FD_CIP_NAME, "fd.cip.name", CHARBUF, NONE, EV_RESOLVED | EV_NO_RHS)                     \
	X(FD_SIP_NAME, "fd.sip.name", CHARBUF, NONE, EV_RESOLVED | EV_NO_RHS)                     \
	X(FD_LIP_NAME, "fd.lip.name", CHARBUF, NONE, EV_RESOLVED | EV_NO_RHS)                     \
	X(FD_RIP_NAME, "fd.rip.name", CHARBUF, NONE, EV_RESOLVED | EV_NO_RHS)                     \
	X(FD_IS_DIRECT, "fd.is_direct", BOOL, NONE, EV_OWN)                                       \
	X(FS_PATH_NAME, "fs.path.name", CHARBUF, NONE, 0)                                         \
	X(FS_PATH_NAMERAW, "fs.path.nameraw", CHARBUF, NONE, 0)                                   \
	X(FS_PATH_SOURCE, "fs.path.source", CHARBUF, NONE, 0)                                     \
	X(FS_PATH_SOURCERAW, "fs.path.sourceraw", CHARBUF, NONE, 0)                               \
	X(FS_PATH_TARGET, "fs.path.target", CHARBUF, NONE, 0)                                     \
	X(FS_PATH_TARGETRAW, "fs.path.targetraw", CHARBUF, NONE, 0)                               \
	X(FDLIST_NUMS, "fdlist.nums", CHARBUF, NONE, 0)                                           \
	X(FDLIST_NAMES, "fdlist.names", CHARBUF, NONE, 0)                                         \
	X(FDLIST_CIPS, "fdlist.cips", CHARBUF, NONE, 0)                                           \
	X(FDLIST_SIPS, "fdlist.sips", CHARBUF, NONE, 0)                                           \
	X(FDLIST_CPORTS, "fdlist.cports", CHARBUF, NONE, 0)                                       \
	X(FDLIST_SPORTS, "fdlist.sports", CHARBUF, NONE, 0)                                       \
	X(DNS_NAME, "dns.name", CHARBUF, NONE, EV_OWN)                                            \
	X(DNS_DOMAINS, "dns.domains", CHARBUF, NONE, EV_LIST | EV_NO_RHS | EV_OWN)                \
	X(DNS_TYPE, "dns.type", CHARBUF, NONE, EV_OWN)                                            \
	X(DNS_IS_RESPONSE, "dns.is_response", BOOL, NONE, EV_OWN)                                 \
	X(DNS_ADDRESSES, "dns.addresses", IPADDR, NONE, EV_LIST | EV_NO_RHS | EV_OWN)             \
	X(CONTAINER_ID, "container.id", CHARBUF, NONE, EV_WHO)                                    \
	X(CONTAINER_FULL_ID, "container.full_id", CHARBUF, NONE, EV_WHO)                          \
	X(CONTAINER_NAME, "container.name", CHARBUF, NONE, EV_WHO)                                \
	X(CONTAINER_IMAGE, "container.image", CHARBUF, NONE, EV_WHO)                              \
	X(CONTAINER_IMAGE_ID, "container.image.id", CHARBUF, NONE, EV_WHO)                        \
	X(CONTAINER_TYPE, "container.type", CHARBUF, NONE, EV_WHO)                                \
	X(CONTAINER_MOUNTS, "container.mounts", CHARBUF, NONE, EV_WHO)                            \
	X(CONTAINER_IMAGE_REPOSITORY, "container.image.repository", CHARBUF, NONE, EV_WHO)        \
	X(CONTAINER_IMAGE_TAG, "container.image.tag", CHARBUF, NONE, EV_WHO)                      \
	X(CONTAINER_IMAGE_DIGEST, "container.image.digest", CHARBUF, NONE, EV_WHO)                \
	X(CONTAINER_IP, "container.ip", CHARBUF, NONE, EV_WHO)                                    \
	X(CONTAINER_CNI_JSON, "container.cni.json", CHARBUF, NONE, 0)                             \
	X(CONTAINER_LABELS, "container.labels", CHARBUF, NONE, EV_WHO)                            \
	X(CONTAINER_PRIVILEGED, "container.privileged", BOOL, NONE, EV_WHO)                       \
	X(CONTAINER_HOST_PID, "container.host_pid", BOOL, NONE, EV_WHO)                           \
	X(CONTAINER_HOST_NETWORK, "container.host_network", BOOL, NONE, EV_WHO)                   \
	X(CONTAINER_HOST_IPC, "container.host_ipc", BOOL, NONE, EV_WHO)                           \
	X(CONTAINER_START_TS, "container.start_ts", ABSTIME, NONE, 0)                             \
	X(CONTAINER_DURATION, "container.duration", RELTIME, NONE, 0)                             \
	X(CONTAINER_MOUNT, "container.mount", CHARBUF, KEY_REQ, EV_WHO)                           \
	X(CONTAINER_MOUNT_SOURCE, "container.mount.source", CHARBUF, KEY_REQ, EV_WHO)             \
	X(CONTAINER_MOUNT_DEST, "container.mount.dest", CHARBUF, KEY_REQ, EV_WHO)                 \
	X(CONTAINER_MOUNT_MODE, "container.mount.mode", CHARBUF, KEY_REQ, EV_WHO)                 \
	X(CONTAINER_MOUNT_RDWR, "container.mount.rdwr", CHARBUF, KEY_REQ, EV_WHO)                 \
	X(CONTAINER_MOUNT_PROPAGATION, "container.mount.propagation", CHARBUF, KEY_REQ, EV_WHO)   \
	X(CONTAINER_LABEL, "container.label", CHARBUF, DOTTED, EV_WHO)                            \
	X(CONTAINER_HEALTHCHECK, "container.healthcheck", CHARBUF, NONE, EV_DEPRECATED)           \
	X(CONTAINER_LIVENESS_PROBE, "container.liveness_probe", CHARBUF, NONE, EV_DEPRECATED)     \
	X(CONTAINER_READINESS_PROBE, "container.readiness_probe", CHARBUF, NONE, EV_DEPRECATED)   \
	X(CONTAINER_INFO, "container.info", CHARBUF, NONE, EV_DEPRECATED)                         \
	X(K8S_POD_NAME, "k8s.pod.name", CHARBUF, NONE, EV_WHO)                                    \
	X(K8S_NS_NAME, "k8s.ns.name", CHARBUF, NONE, EV_WHO)                                      \
	X(K8S_POD_ID, "k8s.pod.id", CHARBUF, NONE, EV_WHO)                                        \
	X(K8S_POD_UID, "k8s.pod.uid", CHARBUF, NONE, EV_WHO)                                      \
	X(K8S_POD_SANDBOX_ID, "k8s.pod.sandbox_id", CHARBUF, NONE, EV_WHO)                        \
	X(K8S_POD_FULL_SANDBOX_ID, "k8s.pod.full_sandbox_id", CHARBUF, NONE, EV_WHO)              \
	X(K8S_POD_LABELS, "k8s.pod.labels", CHARBUF, NONE, EV_WHO)                                \
	X(K8S_POD_IP, "k8s.pod.ip", CHARBUF, NONE, EV_WHO)                                        \
	X(K8S_POD_CNI_JSON, "k8s.pod.cni.json", CHARBUF, NONE, 0)                                 \
	X(K8S_POD_LABEL, "k8s.pod.label", CHARBUF, DOTTED, EV_WHO)                                \
	X(K8S_RC_NAME, "k8s.rc.name", CHARBUF, NONE, EV_DEPRECATED)                               \
	X(K8S_RC_ID, "k8s.rc.id", CHARBUF, NONE, EV_DEPRECATED)                                   \
	X(K8S_RC_LABELS, "k8s.rc.labels", CHARBUF, NONE, EV_DEPRECATED)                           \
	X(K8S_RC_LABEL, "k8s.rc.label", CHARBUF, DOTTED, EV_DEPRECATED)                           \
	X(K8S_SVC_NAME, "k8s.svc.name", CHARBUF, NONE, EV_DEPRECATED)                             \
	X(K8S_SVC_ID, "k8s.svc.id", CHARBUF, NONE, EV_DEPRECATED)                                 \
	X(K8S_SVC_LABELS, "k8s.svc.labels", CHARBUF, NONE, EV_DEPRECATED)                         \
	X(K8S_SVC_LABEL, "k8s.svc.label", CHARBUF, DOTTED, EV_DEPRECATED)                         \
	X(K8S_RS_NAME, "k8s.rs.name", CHARBUF, NONE, EV_DEPRECATED)                               \
	X(K8S_RS_ID, "k8s.rs.id", CHARBUF, NONE, EV_DEPRECATED)                                   \
	X(K8S_RS_LABELS, "k8s.rs.labels", CHARBUF, NONE, EV_DEPRECATED)                           \
	X(K8S_RS_LABEL, "k8s.rs.label", CHARBUF, DOTTED, EV_DEPRECATED)                           \
	X(K8S_DEPLOYMENT_NAME, "k8s.deployment.name", CHARBUF, NONE, EV_DEPRECATED)               \
	X(K8S_DEPLOYMENT_ID, "k8s.deployment.id", CHARBUF, NONE, EV_DEPRECATED)                   \
	X(K8S_DEPLOYMENT_LABELS, "k8s.deployment.labels", CHARBUF, NONE, EV_DEPRECATED)           \
	X(K8S_DEPLOYMENT_LABEL, "k8s.deployment.label", CHARBUF, DOTTED, EV_DEPRECATED)           \
	X(K8S_NS_ID, "k8s.ns.id", CHARBUF, NONE, EV_DEPRECATED)                                   \
	X(K8S_NS_LABELS, "k8s.ns.labels", CHARBUF, NONE, EV_DEPRECATED)                           \
	X(K8S_NS_LABEL, "k8s.ns.label", CHARBUF, DOTTED, EV_DEPRECATED)

enum ev_field_id {
#define EV_FIELD_ENUM(id, name, kind, arg, flags) EV_##id,
	EV_FIELDS(EV_FIELD_ENUM)
#undef EV_FIELD_ENUM
		EV_FIELD_COUNT
};

/* The i-th field, NULL beyond the last. */
const struct ev_field *ev_field_at(size_t i);
/* The field whose name is nearest to a mistyped one, or NULL. */
const char *ev_field_suggest(struct ev_text name);

/* Tables to search, as one list: those of system calls first, then `more` (tests, other sources).
 */
struct ev_fields {
	const struct ev_field *more;
	size_t more_n;
};

/* How a reference is not one. */
enum ev_ref_error {
	EV_REF_OK,
	EV_REF_UNKNOWN,	      /* no such field */
	EV_REF_ARG_MISSING,   /* needs an argument */
	EV_REF_ARG_REFUSED,   /* takes none */
	EV_REF_ARG_NOT_INDEX, /* wants a number */
	EV_REF_TYPE_UNKNOWN,  /* evt.type.is with no event type */
};

/*
 * Reads "proc.aname" and the text between brackets (p NULL: there are none). On success the key
 * borrows from `name` or `arg`.
 */
enum ev_ref_error ev_ref_parse(const struct ev_fields *f, struct ev_text name, struct ev_text arg,
			       struct ev_ref *out);

/* Whether several values mean "one of them is enough", for this reference. */
bool ev_ref_is_any(const struct ev_ref *r);
/* Whether the field is a list for operators. */
bool ev_ref_is_list(const struct ev_ref *r);

#endif
