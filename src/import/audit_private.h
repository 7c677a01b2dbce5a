/* What the files of the audit importer share: audit*.c only. */
#ifndef IMPORT_AUDIT_PRIVATE_H
#define IMPORT_AUDIT_PRIVATE_H

#include "import/import.h"

enum { AU_MAX_FIELDS = 64, AU_RING = 64, AU_NAMED = 32 };

struct au_field {
	const char *key;
	char *value; /* without quotes; "" when empty */
	bool quoted;
};

/* One record: a line, taken apart in place. */
struct au_record {
	char type[32]; /* "SECCOMP" or "1326"; "" when the line does not say */
	uint64_t sec, serial;
	struct au_field field[AU_MAX_FIELDS];
	unsigned n;
	char *perms; /* SELinux: what stands between the braces, else NULL */
	bool denied; /* SELinux: "denied" and not "granted" */
};

/* audit_fields.c. False when the line is no audit record. Changes the text. */
bool au_parse(char *text, struct au_record *r);
/* The field's value, NULL when it is not there. */
const char *au_get(const struct au_record *r, const char *key);
/*
 * The same for values that the kernel writes in quotes, or as hexadecimal digits when they contain
 * blanks, quotes or bytes outside of ASCII (audit_log_untrustedstring): decoded into `out`.
 */
bool au_text(const struct au_record *r, const char *key, char *out, size_t size);
bool au_number(const struct au_record *r, const char *key, unsigned base, uint64_t *out);

/* What waits for further records of its event. */
struct au_event {
	uint64_t serial;
	bool seccomp, selinux;
	bool unargued; /* its arguments matter and were not there yet */
	enum sc_abi abi;
	uint32_t nr;
	int program;
	uint32_t access; /* SELinux: to a file whose name comes in a PATH record */
	char cwd[256];
};

struct audit {
	struct import im;
	struct au_event ring[AU_RING]; /* the latest events, by serial */
	uint64_t first, last;	       /* seconds */
	uint64_t records, matched, lsm, seccomp;
	uint64_t unargued;
	bool dropped;		     /* the log says that records are missing */
	const char *named[AU_NAMED]; /* operations that a model does not express */
	unsigned named_n;
};

struct au_event *au_event(struct audit *a, uint64_t serial);
/* A remark about something that a model cannot say, once for each. */
void au_unsupported(struct audit *a, const char *what, const char *which);
/* audit_lsm.c */
void au_apparmor(struct audit *a, const struct au_record *r);
void au_selinux(struct audit *a, const struct au_record *r);
/* A PATH record of an event that waits for a name. */
void au_path(struct audit *a, const struct au_record *r);

#endif
