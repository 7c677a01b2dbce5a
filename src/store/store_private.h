#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/store.h"

/* PRAGMA application_id: "bolt"; user_version: of the tables. */
enum { STORE_APPLICATION = 0x626f6c74, STORE_VERSION = 1 };

struct store {
	sqlite3 *db;
	sqlite3_stmt *insert;
	uint64_t unreadable;
	char *path, *notice;
	struct store_options o;
};

static inline void stmt_finalize_p(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}
#define cleanup_stmt cleanup(stmt_finalize_p)

/* The error of SQLite as one of ours: "PATH: <what>: <SQLite's words>". */
int store_error(const struct store *s, int code, const char *what, struct err *e);
int store_prepare(struct store *s, const char *sql, sqlite3_stmt **out, struct err *e);
int store_exec(struct store *s, const char *sql, struct err *e);
/* One number that a query has. */
int store_number(struct store *s, const char *sql, uint64_t *out, struct err *e);
/* Whether SQLite's code says that the file is damaged. */
bool store_damaged(int code);

/* open.c: the connection only; -EBADMSG: the file is damaged. */
int store_connect(struct store *s, struct err *e);
void store_disconnect(struct store *s);
/* recover.c: moves the damaged file aside, makes a new one and saves what can be read. */
int store_replace(struct store *s, struct err *e);
/* "PATH.damaged-TIME", which is not there yet. */
char *store_aside_name(const char *path);
/* wal.c: tells in the notice, and keeps a copy, when stored findings are lost with the log. */
void store_check_log(struct store *s);

/* put.c: SQLite's code, SQLITE_DONE when it went well. `seq` 0: the next one. */
int store_insert(struct store *s, const struct finding *f, uint64_t seq);

#endif
