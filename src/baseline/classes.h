/*
 * System calls by what they are for. A call of a class that a workload never used says more than
 * one more call of a class that it uses.
 */
#ifndef BASELINE_CLASSES_H
#define BASELINE_CLASSES_H

#include <stdbool.h>

struct call_class {
	const char *name;      /* "Mount", as it stands in types of findings */
	const char *purpose;   /* "PrivilegeEscalation", which begins the type */
	unsigned severity;     /* of a first call of the class, in tenths */
	const char *technique; /* of MITRE ATT&CK; NULL: none in particular */
	const char *calls;     /* names, separated by blanks */
};

/* The class of a call; the last of the table for those that are nowhere else, and for NULL. */
const struct call_class *call_class_of(const char *call);
unsigned call_class_count(void);
const struct call_class *call_class_at(unsigned i);
unsigned call_class_index(const struct call_class *c);

/* Whether every process makes the call, or libraries make it instead of the vDSO: never drift. */
bool call_is_common(const char *call);

#endif
