/* What the files of this folder share; nothing else includes this. */
#ifndef BASELINE_BASELINE_PRIVATE_H
#define BASELINE_BASELINE_PRIVATE_H

#include "base/map.h"
#include "baseline/baseline.h"

/* Accesses of which each implies that the workload changes what is there. */
#define BL_CHANGES (WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE | WL_F_META | WL_F_LINK)
/* Accesses that are no use of a file. */
#define BL_NO_USE  (WL_F_MISSING | WL_F_REFUSED)

struct bl_model {
	struct workload w;
	char *file;
	bool recorded;	    /* it says all that was done, not only which calls are made */
	uint32_t abis;	    /* bits of enum sc_abi that have calls */
	uint64_t classes;   /* bits of classes that have calls */
	struct map paths;   /* path → place in w.files plus 1; no patterns */
	struct map folders; /* folders in which a file is read: "/srv/www/" */
	const struct wl_file **patterns;
	size_t patterns_n, patterns_cap;
};

/* The accesses that the model has of the path. */
uint32_t bl_access(const struct bl_model *m, const char *path);
/* Whether files are read in the folder of the path, and it is none that everybody shares. */
bool bl_folder_is_read(const struct bl_model *m, const char *path);
bool bl_has_call(const struct bl_model *m, enum sc_abi abi, uint32_t nr);

#endif
