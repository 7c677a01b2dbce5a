#include "elf/modules.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_DEPTH = 4, MAX_PLACES = 8 };

/* One kind of program. Names of files and folders are those of Debian and Fedora. */
struct module_rule {
	const char *program;		 /* begin of the program's name */
	const char *config[MAX_PLACES];	 /* files, or folders with all below */
	const char *prefix;		 /* words of the configuration that begin so … */
	const char *suffix;		 /* … or end so are modules */
	const char *folders[MAX_PLACES]; /* where modules are */
	const char *always[MAX_PLACES];	 /* modules that need no configuration; "*": all */
};

static const struct module_rule rules[] = {
	{ "apache2",
	  { "/etc/apache2/apache2.conf", "/etc/apache2/mods-enabled", "/etc/apache2/conf-enabled",
	    "/etc/apache2/sites-enabled" },
	  NULL,
	  ".so",
	  { "/usr/lib/apache2/modules" },
	  { NULL } },
	{ "httpd",
	  { "/etc/httpd/conf", "/etc/httpd/conf.d", "/etc/httpd/conf.modules.d",
	    "/usr/local/apache2/conf/httpd.conf", "/etc/apache2/httpd.conf",
	    "/etc/apache2/conf.d" },
	  NULL,
	  ".so",
	  { "/usr/lib64/httpd/modules", "/usr/local/apache2/modules", "/usr/lib/apache2" },
	  { NULL } },
	{ "nginx",
	  { "/etc/nginx/nginx.conf", "/etc/nginx/modules-enabled", "/etc/nginx/conf.d",
	    "/etc/nginx/modules" },
	  NULL,
	  ".so",
	  { "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules" },
	  { NULL } },
	{ "lighttpd",
	  { "/etc/lighttpd/lighttpd.conf", "/etc/lighttpd/conf-enabled",
	    "/etc/lighttpd/modules.conf", "/etc/lighttpd/conf.d" },
	  "mod_",
	  NULL,
	  { "/usr/lib/lighttpd", "/usr/lib64/lighttpd" },
	  { "mod_dirlisting.so" } },
	{ "mariadbd",
	  { "/etc/mysql", "/etc/my.cnf", "/etc/my.cnf.d" },
	  NULL,
	  ".so",
	  { "/usr/lib/mysql/plugin", "/usr/lib64/mariadb/plugin" },
	  { NULL } },
	{ "postgres",
	  { "/etc/postgresql" },
	  NULL,
	  NULL,
	  { "/usr/lib/postgresql/15/lib", "/usr/lib/postgresql/17/lib", "/usr/lib64/pgsql",
	    "/usr/local/lib/postgresql" },
	  { "plpgsql.so", "dict_snowball.so", "libpqwalreceiver.so", "pgoutput.so" } },
	{ "python3",
	  { NULL },
	  NULL,
	  NULL,
	  { "/usr/lib/python3.11/lib-dynload", "/usr/lib/python3.13/lib-dynload",
	    "/usr/local/lib/python3.11/lib-dynload", "/usr/local/lib/python3.12/lib-dynload",
	    "/usr/local/lib/python3.13/lib-dynload" },
	  { "*" } },
};

static void load(struct reach *r, const char *path, const char *why)
{
	int at = link_add(r->l, path, 0, NULL);

	if (at >= 0)
		reach_add_library(r, at, true, why);
}

/* A module by its name: in each folder in which modules of the program are. */
static void load_named(struct reach *r, const struct module_rule *rule, const char *name,
		       const char *why)
{
	const char *slash = strrchr(name, '/');

	if (*name == '/')
		load(r, name, why);
	for (size_t i = 0; *name != '/' && i < MAX_PLACES && rule->folders[i]; i++) {
		cleanup_free char *path =
			xasprintf("%s/%s%s", rule->folders[i], slash ? slash + 1 : name,
				  rule->prefix && !strstr(name, ".so") ? ".so" : "");

		load(r, path, why);
	}
}

/* Words between blanks, quotes and punctuation; "#" begins a comment. */
static void read_words(struct reach *r, const struct module_rule *rule, char *text)
{
	static const char between[] = " \t\r\"',;()[]{}=<>";
	char *lines = NULL, *words = NULL;

	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		line[strcspn(line, "#")] = '\0';
		for (char *w = strtok_r(line, between, &words); w;
		     w = strtok_r(NULL, between, &words)) {
			size_t n = strlen(w), k = rule->suffix ? strlen(rule->suffix) : 0;

			if ((rule->prefix && !strncmp(w, rule->prefix, strlen(rule->prefix))) ||
			    (k && n > k && !strcmp(w + n - k, rule->suffix)))
				load_named(r, rule, w, "a module named in the configuration");
		}
	}
}

struct config_folder {
	struct reach *r;
	const struct module_rule *rule;
	const char *path;
	unsigned depth;
};

static void read_config(struct reach *r, const struct module_rule *rule, const char *path,
			unsigned depth);

static int read_below(void *arg, const char *name)
{
	const struct config_folder *c = arg;
	cleanup_free char *path = xasprintf("%s/%s", c->path, name);

	read_config(c->r, c->rule, path, c->depth + 1);
	return 0;
}

static void read_config(struct reach *r, const struct module_rule *rule, const char *path,
			unsigned depth)
{
	struct config_folder c = { r, rule, path, depth };
	cleanup_elf_bytes struct elf_bytes b = { 0 };

	if (depth > MAX_DEPTH)
		return;
	if (!elf_files_open(r->l->files, path, ELF_MAX_TEXT, &b, NULL)) {
		cleanup_free char *text = xcalloc(b.len + 1, 1);

		memcpy(text, b.data, b.len);
		read_words(r, rule, text);
	} else {
		elf_files_list(r->l->files, path, read_below, &c, NULL);
	}
}

static int load_each(void *arg, const char *name)
{
	const struct config_folder *c = arg;
	cleanup_free char *path = xasprintf("%s/%s", c->path, name);

	if (strstr(name, ".so"))
		load(c->r, path, "an extension of the program");
	return 0;
}

static void apply(struct reach *r, const struct module_rule *rule)
{
	for (size_t i = 0; i < MAX_PLACES && rule->always[i]; i++) {
		if (strcmp(rule->always[i], "*") != 0) {
			load_named(r, rule, rule->always[i], "an extension of the program");
			continue;
		}
		for (size_t k = 0; k < MAX_PLACES && rule->folders[k]; k++) {
			struct config_folder c = { r, rule, rule->folders[k], 0 };

			elf_files_list(r->l->files, c.path, load_each, &c, NULL);
		}
	}
	for (size_t i = 0; i < MAX_PLACES && rule->config[i]; i++)
		read_config(r, rule, rule->config[i], 0);
}

void modules_add(struct reach *r)
{
	const char *name = strrchr(r->l->objects[0]->path, '/') + 1;

	/* What a script of Python imports is known better. */
	for (size_t i = 0; !r->python && i < ARRAY_SIZE(rules); i++)
		if (!strncmp(name, rules[i].program, strlen(rules[i].program)))
			apply(r, &rules[i]);
}

void modules_add_name_services(struct reach *r)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	cleanup_free char *text = NULL;
	char *lines = NULL, *words = NULL;

	if (elf_files_open(r->l->files, "/etc/nsswitch.conf", ELF_MAX_TEXT, &b, NULL))
		return;
	text = xcalloc(b.len + 1, 1);
	memcpy(text, b.data, b.len);
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *colon;

		line[strcspn(line, "#")] = '\0';
		colon = strchr(line, ':');
		for (char *w = colon ? strtok_r(colon + 1, " \t\r", &words) : NULL; w;
		     w = strtok_r(NULL, " \t\r", &words)) {
			/* files and dns are part of libc; [NOTFOUND=return] is no service. */
			cleanup_free char *file = xasprintf("libnss_%s.so.2", w);

			if (*w != '[' && !strchr(w, '/') && strcmp(w, "files") != 0)
				load(r, file, "a service of nsswitch.conf");
		}
	}
}
