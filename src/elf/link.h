/*
 * The files that run as one program, found and bound as the dynamic loader does it: libraries by
 * DT_NEEDED in breadth-first order, symbols by scope, name and version. Source: ld.so(8), and the
 * generic ABI's chapter on dynamic linking; versions as described by the Linux Standard Base.
 */
#ifndef ELF_LINK_H
#define ELF_LINK_H

#include "base/map.h"
#include "elf/facts.h"
#include "elf/files.h"

enum {
	LINK_MAX_OBJECTS = 2048,
	LINK_MAX_FOLDERS = 256,
};

struct link_place {
	int object; /* -1: not resolved, or resolved to nothing */
	uint32_t sym;
};

struct link_object {
	char *path;  /* inside the root */
	char *asked; /* the name it was looked for with */
	struct elf_bytes bytes;
	struct elf_image image;
	struct elf_facts facts;
	struct map by_name;  /* defined symbols: first index + 1 */
	uint32_t *same_name; /* by symbol: next definition of the name, 0: none */
	int *needed;	     /* objects of DT_NEEDED */
	size_t needed_n;
	struct link_place *bound; /* by symbol of the file */
	bool *bound_known;
};

struct link_missing {
	char *name;
	int by; /* object */
};

/* Where a file's facts come from: the cache, or reading its code. */
typedef int link_facts_fn(void *ctx, const struct elf_image *m, const struct elf_bytes *b,
			  struct elf_facts *out, struct err *e);

struct linker {
	const struct elf_files *files;
	link_facts_fn *facts;
	void *facts_ctx;
	struct link_object **objects; /* [0] is the program */
	size_t objects_n, objects_cap;
	int interp; /* the dynamic loader, -1: none */
	int *scope; /* the global scope */
	size_t scope_n, scope_cap;
	char **folders; /* of /etc/ld.so.conf and the built-in ones */
	size_t folders_n, folders_cap;
	struct link_missing *missing;
	size_t missing_n, missing_cap;
};

/* Opens the program with its interpreter and all libraries it needs from the start. */
int link_open(struct linker *l, const struct elf_files *files, link_facts_fn *facts,
	      void *facts_ctx, const char *path, struct err *e);
void link_close(struct linker *l);

/*
 * Adds a file that the program may load later, with what it needs. `name` as for dlopen(3): a path
 * when there is a slash. Index of the object; -ENOENT when it is not there; other errors as for
 * link_open.
 */
int link_add(struct linker *l, const char *name, int by, struct err *e);

/* What an undefined (or any) symbol of the object means. object -1: nothing, as for weak ones. */
struct link_place link_resolve(struct linker *l, int object, uint32_t sym);
/* A definition of the name in the object, whatever its version; 0: none. */
uint32_t link_defined(const struct link_object *o, const char *name);

#endif
