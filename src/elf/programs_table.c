/*
 * Which code of well-known programs waits for which words. Each row was read in the program's
 * source of the version that Debian 12 has: what is held is used only where the named option or
 * directive was given, and none of these can be set while the program runs. A word that might stand
 * for something else, or in a comment behind a directive, only lets the code count.
 */
#include "base/cleanup.h"
#include "elf/programs_private.h"

/* Linux has accept4(2) since 2.6.28; these programs take accept(2) only when it is missing. */
#define BY_ACCEPT4 "accept(2) for what Linux before 2.6.28 lacks"

static const struct program_row nginx[] = {
	{ BY_ACCEPT4, .held = { "accept" }, .always = true },
	{ "worker_priority", .held = { "setpriority" }, .words = { "worker_priority" } },
	{ "worker_cpu_affinity", .held = { "sched_setaffinity" },
	  .words = { "worker_cpu_affinity" }, .openers = { "ngx_setaffinity" } },
	{ "working_directory", .held = { "chdir" }, .words = { "working_directory" } },
	{ "proxy_bind with transparent", .held = { "#capset" }, .words = { "transparent" } },
	{ "thread_pool, aio threads", .held = { "pthread_create", "pthread_exit" },
	  .words = { "thread_pool", "threads*" }, .openers = { "ngx_thread_pool_add" } },
	{ "read_ahead", .held = { "posix_fadvise*" }, .words = { "read_ahead" },
	  .openers = { "ngx_read_ahead" } },
	{ "geo with ranges", .held = { "ftruncate*" }, .words = { "geo" },
	  .openers = { "ngx_create_file_mapping" } },
	/* Variables are named in the configuration, in pages with SSI, and by scripts. */
	{ "$realpath_root", .held = { "realpath", "__realpath_chk" },
	  .words = { "*realpath_root*", "ssi", "perl", "perl_*", "js_*", "lua_*", "*_by_lua*" } },
	{ "pcre_jit", .held = { "pcre2_jit_compile*", "pcre_jit_*" }, .words = { "pcre_jit" } },
	{ "dav_methods", .held = { "rmdir" }, .words = { "dav_methods" }, .functions = 2 },
	{ "caches of upstream servers", .held = { "statfs*" }, .words = { "*_cache_path" },
	  .openers = { "ngx_fs_bsize", "ngx_fs_available", "ngx_http_file_cache_set_slot" },
	  .functions = 2 },
	{ "dav_methods, stored answers of upstream servers", .held = { "utimes" },
	  .words = { "dav_methods", "*_store", "*_cache_path" },
	  .openers = { "ngx_set_file_time", "ngx_ext_rename_file", "ngx_copy_file" } },
	/* Hosts by name: all directives of its own modules that take one. */
	{ "names of hosts", .held = { "getaddrinfo", "gethostbyname" },
	  .words = { "*_pass", "upstream", "resolver", "syslog:*", "ssl_stapling*", "ssl_ocsp*",
		     "set_real_ip_from", "debug_connection", "auth_http", "*geoip*", "*proxy*",
		     ">listen *[a-z]*", "mail" },
	  .openers = { "ngx_parse_url", "ngx_inet_resolve_host" } },
};

static const struct program_row redis[] = {
	/* Immutable settings: CONFIG SET refuses them. */
	{ "unixsocketperm", .held = { "chmod" }, .words = { "unixsocket*", "--unixsocket*" } },
	/* ziplistRepr(), lpRepr() */
	{ "the command DEBUG", .held = { "perror" }, .words = { "*enable-debug-command" },
	  .functions = 2 },
	{ "the command DEBUG, sentinels", .held = { "execve" },
	  .words = { "*enable-debug-command", "*sentinel*" }, .functions = 2 },
	/* luaL_loadfile(): scripts have no loadfile and no dofile, redis takes them out. */
	{ "files with Lua code", .held = { "freopen*" }, .always = true },
	{ "the command CONFIG REWRITE, sentinels", .held = { "fchmod" },
	  .words = { ASKED_FILE, "*sentinel*" } },
	{ "cluster-enabled", .held = { "flock" }, .words = { "*cluster-enabled" }, .functions = 2 },
	{ "configuration files", .held = { "glob", "glob64" },
	  .words = { ASKED_FILE, "*include" } },
	{ "supervised", .held = { "sd_notify" }, .words = { "*supervised" }, .functions = 2 },
	{ "lists of processors", .held = { "sched_setaffinity" },
	  .words = { "*cpulist", "*cpu-list", "*cpu_list" } },
};

static const struct program_row postgres[] = {
	/* Kinds of authentication in pg_hba.conf, and addresses of services for libpq. */
	{ "LDAP", .held = { "ldap_*" }, .words = { "ldap*" }, .functions = 8 },
	{ "LDAP", .library = "PQconnectStartParams", .held = { "ldap_*" }, .words = { "ldap*" },
	  .functions = 8 },
	{ "PAM", .held = { "pam_*" }, .words = { "pam" }, .functions = 8 },
	{ "-r, output to a file", .held = { "freopen*" }, .words = { "-r" } },
	{ "unix_socket_group", .held = { "chown" }, .words = { "unix_socket_group" } },
};

static const struct program_row memcached[] = {
	{ BY_ACCEPT4, .held = { "accept" }, .always = true },
	{ "-k, locked memory", .held = { "mlockall" }, .words = { "-k", "<--lock-memory" } },
	{ "-e, memory in a file", .held = { "msync" }, .words = { "-e", "<--memory-file" } },
	{ "-e and -o ext_path, memory in files", .held = { "ftruncate*" },
	  .words = { "-e", "<--memory-file", "-o", "<--extended" }, .functions = 2 },
	{ "-o ext_path, memory in files", .held = { "preadv*", "pwrite*" },
	  .words = { "-o", "<--extended" } },
	{ "-e and -s, files with a mode", .held = { "umask" },
	  .words = { "-e", "<--memory-file", "-s", "<--unix-socket" }, .functions = 2 },
	{ "-S, SASL", .held = { "sasl_*" }, .words = { "-S", "<--enable-sasl" }, .functions = 16 },
};

#define HTTPD_MUTEX                                                                   \
	"ap_watchdog_get_instance", "ap_proc_mutex_create", "ap_global_mutex_create", \
		"ap_unixd_set_proc_mutex_perms", "ap_unixd_set_global_mutex_perms"

static const struct program_row httpd[] = {
	{ "ChrootDir", .held = { "chroot" }, .words = { "ChrootDir" } },
	{ "CoreDumpDirectory", .held = { "prctl" }, .words = { "CoreDumpDirectory" } },
	{ "ScoreBoardFile", .library = "apr_file_trunc", .held = { "ftruncate*" },
	  .words = { "ScoreBoardFile" }, .openers = { "apr_file_trunc", "apr_shm_create" } },
	/*
	 * The server's own ones are those of watchdogs, which modules ask for. The second use is a
	 * table (ap_hack_...) that only makes the linker keep the functions.
	 */
	{ "mutexes between processes", .held = { "apr_proc_mutex_*", "apr_global_mutex_*" },
	  .openers = { HTTPD_MUTEX }, .functions = 4 },
	{ "mutexes between processes", .held = { "chown", "semctl" }, .openers = { HTTPD_MUTEX } },
	/* ap_get_exec_line() reads "exec:" in values of some modules' directives. */
	/* ap_get_exec_line() serves "exec:" in values of some modules' directives. */
	{ "logs that go to a program", .held = { "apr_proc_create" }, .words = { "|*", "exec:*" },
	  .openers = { "ap_open_piped_log", "ap_get_exec_line" }, .functions = 5 },
};

#define HAPROXY_UNIX   ">>bind /*", ">socket *", "unix@*", "abns@*", "peers", "*$*"
#define HAPROXY_MASTER "-W", "-Ws", "-S", "master-worker", "program"

static const struct program_row haproxy[] = {
	{ "sockets of the file system", .held = { "chmod", "chown", "link" },
	  .words = { HAPROXY_UNIX } },
	{ "sockets of the file system, rings in a file", .held = { "rename" },
	  .words = { HAPROXY_UNIX, "backing-file" }, .functions = 2 },
	{ "chroot", .held = { "chroot" }, .words = { "chroot" } },
	/* "debug dev delay" */
	{ "commands at a socket", .held = { "usleep" },
	  .words = { ">socket *", "-W", "-Ws", "-S", "master-worker" } },
	/* The interpreter is set up in any case, with the functions that scripts might call. */
	{ "scripts in Lua", .library = "lua_pcallk",
	  .held = { "rename", "remove", "freopen*", "system", "popen", "tmpfile*", "mkstemp*" },
	  .words = { "lua*" }, .functions = 2 },
	{ "external checks, a master process", .held = { "execvp" },
	  .words = { "external-check", HAPROXY_MASTER }, .functions = 3 },
	{ "external checks, a master process", .held = { "waitpid" },
	  .words = { "external-check", HAPROXY_MASTER }, .functions = 2 },
	{ "another user", .held = { "getgroups", "setgroups", "setgid", "setuid" },
	  .words = { "user", "uid", "group", "gid", "program" }, .functions = 2 },
	{ "namespaces", .held = { "setns" }, .words = { "namespace*" } },
	{ "splice", .held = { "splice" }, .words = { "splice-*" }, .functions = 2 },
	{ "pairs of sockets", .held = { "socketpair" },
	  .words = { HAPROXY_MASTER, "-x", "sockpair@*", "*$*" }, .functions = 3 },
	{ "rings in a file", .held = { "ftruncate*", "msync" }, .words = { "backing-file" } },
	{ "a master process of systemd", .held = { "sd_notify*" }, .words = { HAPROXY_MASTER },
	  .functions = 4 },
};

static const struct program_row lighttpd[] = {
	{ "server.chroot", .held = { "chroot" }, .words = { "server.chroot" } },
	{ "server.stat-cache-engine", .held = { "inotify_*" },
	  .words = { "server.stat-cache-engine" }, .functions = 2 },
	{ "mimetype.use-xattr", .held = { "getxattr", "attr_get" },
	  .words = { "mimetype.use-xattr" }, .functions = 2 },
	{ "server.socket-perms", .held = { "chmod" }, .words = { "server.socket-perms" } },
	{ "server.core-files", .held = { "prctl" }, .words = { "server.core-files" } },
	{ "server.systemd-socket-activation", .held = { "getppid" },
	  .words = { "server.systemd-socket-activation" } },
	{ "server.max-worker", .held = { "alarm" }, .words = { "server.max-worker" } },
	{ "server.bind, $SERVER[\"socket\"]", .held = { "getaddrinfo" },
	  .words = { "server.bind", "socket" }, .openers = { "sock_addr_from_str_hints" },
	  .functions = 2 },
	/* fdevent_fork_execve(): only mod_cgi and its kin name the folder by a descriptor. */
	{ "programs that are executed in a folder", .held = { "fchdir" },
	  .openers = { "fdevent_fork_execve" } },
	{ "dir-listing.cache", .library = "mod_dirlisting_plugin_init",
	  .held = { "mkdir", "fdevent_rename" }, .words = { "dir-listing.cache" }, .functions = 2 },
};

#define NAMED_XML \
	"xmlNewTextWriter*", "xmlTextWriter*", "xmlFreeTextWriter", "xmlDocDump*", "xmlFreeDoc"

static const struct program_row named[] = {
	{ "-t, chroot", .held = { "chroot" }, .words = { "-t" } },
	/* dst_gssapi: without a credential TKEY queries for GSS are answered before. */
	{ "tkey-gssapi-credential, tkey-gssapi-keytab", .library = "dns_tkeyctx_create",
	  .held = { "gss_*", "krb5_*" }, .words = { "tkey-gssapi*" }, .functions = 16 },
	{ "allow-new-zones", .held = { "mdb_*" }, .words = { "allow-new-zones" }, .functions = 32 },
	{ "allow-new-zones", .library = "dns_tkeyctx_create", .held = { "mdb_*" },
	  .words = { "allow-new-zones" }, .functions = 8 },
	{ "dnstap", .library = "dns_tkeyctx_create", .held = { "fstrm_*" }, .words = { "dnstap*" },
	  .functions = 16 },
	{ "statistics-channels", .held = { NAMED_XML }, .words = { "statistics-channels" },
	  .functions = 32 },
	{ "statistics-channels", .library = "dns_tkeyctx_create", .held = { NAMED_XML },
	  .words = { "statistics-channels" }, .functions = 32 },
	{ "statistics-channels", .library = "isc_app_ctxshutdown", .held = { NAMED_XML },
	  .words = { "statistics-channels" }, .functions = 32 },
	/* It writes documents and reads none, so that none names a further one by an address. */
	{ "XML documents from the network", .library = "xmlNanoFTPConnectTo",
	  .held = { "select", "poll", "recv", "recvfrom", "send", "sendto", "getsockopt", "connect",
		    "accept", "listen", "getaddrinfo", "gethostbyname" },
	  .openers = { "xmlParse", "xmlRead", "xmlCtxt", "xmlNano", "xmlXInclude", "xmlSchema",
		       "xmlRelaxNG", "htmlParse", "htmlRead", "htmlCtxt", "xmlSAX",
		       "xmlNewTextReader", "xmlLoadExternalEntity" },
	  .functions = 16, .always = true },
	/* isc_logfile_roll(): channels of its own, with a size or versions, and dnstap. */
	{ "files of logs that roll", .library = "isc_logfile_roll", .held = { "unlinkat" },
	  .words = { "channel", "dnstap*", "-L" }, .functions = 2 },
	{ "-T, delays for tests", .library = "ns_xfr_start", .held = { "select" },
	  .words = { "-T" } },
};

#define SQLITE_SYSTEM "*edit*", "<.system", "<.shell", "<.excel", "<.www", "<.once", "<.output"
#define SQLITE_WRITES "*writefile*", "<.archive", "<.ar"

static const struct program_row sqlite3[] = {
	/* Commands are on its command line, so it reads none from a terminal. */
	{ "lines from a terminal",
	  .held = { "readline", "add_history", "read_history", "write_history", "stifle_history",
		    "rl_*" },
	  .functions = 4 },
	{ "commands of the system", .held = { "system" }, .words = { SQLITE_SYSTEM },
	  .functions = 3 },
	{ "input and output of commands", .held = { "popen" }, .words = { "|*" } },
	{ ".cd", .held = { "chdir" }, .words = { "<.cd" } },
	{ ".timer", .held = { "getrusage" }, .words = { "<.timer" } },
	{ "files that writefile() and .archive make",
	  .held = { "chmod", "symlink", "utimes", "mkdir" }, .words = { SQLITE_WRITES },
	  .functions = 2 },
	{ "folders that fsdir() and .archive read",
	  .held = { "opendir", "readdir64", "readdir", "readlink" },
	  .words = { "*fsdir*", SQLITE_WRITES }, .functions = 2 },
	/* "?vfs=unix-dotfile" in the name of a database */
	{ "databases that are locked by directories", .library = "sqlite3_os_init",
	  .held = { "mkdir", "rmdir", "utime" }, .words = { "*dotfile*" }, .functions = 3 },
	{ "threads that sort", .library = "sqlite3_os_init", .held = { "pthread_create" },
	  .words = { "*threads*", "<.limit" } },
};

#define RULE(program) .rows = program, .rows_n = ARRAY_SIZE(program)

const struct program_rule program_rules[] = {
	{ .symbol = "ngx_master_process_cycle",
	  .source = { { "/etc/nginx/nginx.conf" },
		      "-c",
		      .include = { "include" },
		      .another = "-p" },
	  RULE(nginx) },
	{ .symbol = "luaRegisterRedisAPI",
	  .source = { .option = "", .include = { "include" }, .another = "-" },
	  RULE(redis) },
	{ .symbol = "ap_unixd_set_proc_mutex_perms",
	  .source = { { "/etc/apache2/apache2.conf" },
		      "-f",
		      .include = { "Include", "IncludeOptional" },
		      .another = "-d" },
	  RULE(httpd) },
	{ .symbol = "sock_unix_bind_receiver",
	  .source = { { NULL }, "-f", .alone = true, .another = "--" },
	  RULE(haproxy) },
	{ .symbol = "stat_cache_get_entry",
	  .source = { { NULL },
		      "-f",
		      .include = { "include", "include_shell" },
		      .output = "/usr/share/lighttpd/" },
	  RULE(lighttpd) },
	{ .symbol = "named_os_chroot",
	  .source = { { "/etc/bind/named.conf" }, "-c", .include = { "include" }, .another = "-t" },
	  RULE(named) },
	{ .symbol = "PostmasterMain",
	  .source = { .option = "-c",
		      .value = "config_file=",
		      .folder_option = "-D",
		      .also = { "?/etc/postgresql-common/pg_service.conf",
				"?/var/lib/postgresql/.pg_service.conf", "postgresql.auto.conf" },
		      .include = { "hba_file", "include", "include_if_exists" },
		      .include_folder = "include_dir",
		      .needed = "hba_file",
		      .another = "--*" },
	  RULE(postgres) },
	{ .name = "memcached", RULE(memcached) },
	{ .name = "sqlite3",
	  .source = { { "?/root/.sqliterc" }, .another = "<.read", .arguments = 2 },
	  RULE(sqlite3) },
};

const size_t program_rules_n = ARRAY_SIZE(program_rules);
