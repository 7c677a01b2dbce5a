#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store_private.h"

enum { BUSY_MS = 5000, MAX_COUNT = 1000000 };
#define MAX_AGE_S (UINT64_C(90) * 24 * 3600)
#define MAX_BYTES (UINT64_C(1) << 30)

static const char schema[] =
	"CREATE TABLE finding("
	"seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"id TEXT NOT NULL UNIQUE,"
	"key TEXT NOT NULL,"
	"type TEXT NOT NULL,"
	"severity INTEGER NOT NULL,"
	"rule TEXT NOT NULL,"
	"container TEXT,container_name TEXT,pod TEXT,image TEXT,"
	"first INTEGER NOT NULL,last INTEGER NOT NULL,count INTEGER NOT NULL,"
	"body TEXT NOT NULL);"
	"CREATE INDEX finding_last ON finding(last);"
	"CREATE INDEX finding_severity ON finding(severity,last);"
	"CREATE INDEX finding_rule ON finding(rule,last);"
	"CREATE TABLE state(name TEXT PRIMARY KEY,value INTEGER NOT NULL) WITHOUT ROWID;";

bool store_damaged(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_CANTOPEN:
		return ENOENT;
	default:
		return EIO;
	}
}

int store_error(const struct store *s, int code, const char *what, struct err *e)
{
	return err_set(e, errno_of(code), "%s: %s: %s%s", s->path, what, sqlite3_errstr(code),
		       s->o.read_only && store_damaged(code)
			       ? "; boltseal watch --store saves what can be read when it begins"
			       : "");
}

int store_prepare(struct store *s, const char *sql, sqlite3_stmt **out, struct err *e)
{
	int code = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);

	return code == SQLITE_OK ? 0 : store_error(s, code, "cannot be asked", e);
}

int store_exec(struct store *s, const char *sql, struct err *e)
{
	int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : store_error(s, code, "cannot be changed", e);
}

int store_number(struct store *s, const char *sql, uint64_t *out, struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = store_prepare(s, sql, &q, e), code;

	if (err < 0)
		return err;
	code = sqlite3_step(q);
	if (code != SQLITE_ROW)
		return store_error(s, code, "cannot be read", e);
	*out = (uint64_t)sqlite3_column_int64(q, 0);
	return 0;
}

/* SQLite makes its files with the mode of this one. */
static int make_file(struct store *s, struct err *e)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return err_errno(e, errno, "%s: cannot be opened", s->path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, EINVAL, "%s: expected a regular file", s->path);
	}
	close(fd);
	return 0;
}

static int check(struct store *s, struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = store_prepare(s, "PRAGMA quick_check(1)", &q, e), code;
	const char *answer;

	if (err < 0)
		return err;
	code = sqlite3_step(q);
	if (code != SQLITE_ROW)
		return store_error(s, code, "cannot be checked", e);
	answer = (const char *)sqlite3_column_text(q, 0);
	if (!answer || strcmp(answer, "ok"))
		return err_set(e, EBADMSG, "%s: %s", s->path, answer ? answer : "damaged");
	return 0;
}

/* Two processes may begin the same file: the tables are made in a transaction that looks again. */
static int make_tables(struct store *s, struct err *e)
{
	uint64_t version = 0;
	int err = store_exec(s, "BEGIN IMMEDIATE", e);

	if (err < 0)
		return err;
	err = store_number(s, "PRAGMA user_version", &version, e);
	if (err == 0 && !version)
		err = store_exec(s, schema, e);
	if (err == 0 && !version)
		err = store_exec(s, "PRAGMA application_id=0x626f6c74;PRAGMA user_version=1", e);
	if (err == 0)
		return store_exec(s, "COMMIT", e);
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

/* Looks only: a file that is refused stays as it is. *version is 0 for a file without tables. */
static int check_version(struct store *s, uint64_t *version, struct err *e)
{
	uint64_t application = 0, tables = 0;
	int err = store_number(s, "PRAGMA application_id", &application, e);

	if (err == 0)
		err = store_number(s, "PRAGMA user_version", version, e);
	if (err == 0)
		err = store_number(s, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (err < 0)
		return err;
	if (tables && application != STORE_APPLICATION)
		return err_set(e, EINVAL, "%s: is a database of another program", s->path);
	if (*version > STORE_VERSION)
		return err_set(e, EINVAL, "%s: version %u, expected at most %d", s->path,
			       (unsigned)*version, STORE_VERSION);
	return 0;
}

void store_disconnect(struct store *s)
{
	sqlite3_finalize(take_ptr(s->insert));
	sqlite3_close(take_ptr(s->db));
}

/*
 * The log is written through to the disk with every commit (synchronous=FULL). Deleted pages are
 * given back bit by bit (auto_vacuum=INCREMENTAL), which must be said before there are tables.
 */
static int prepare_writing(struct store *s, uint64_t version, struct err *e)
{
	int err = store_exec(s,
			     "PRAGMA auto_vacuum=INCREMENTAL;PRAGMA journal_mode=WAL;"
			     "PRAGMA synchronous=FULL;PRAGMA journal_size_limit=16777216",
			     e);

	if (err < 0)
		return err;
	return version ? check(s, e) : make_tables(s, e);
}

static int prepare(struct store *s, struct err *e)
{
	uint64_t version = 0;
	int err;

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, s->o.busy_ms);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	err = store_exec(s, "PRAGMA trusted_schema=OFF", e);
	if (err == 0)
		err = check_version(s, &version, e);
	if (err < 0)
		return err;
	if (!s->o.read_only)
		return prepare_writing(s, version, e);
	return version ? 0 : err_set(e, ENOENT, "%s: has no findings tables yet", s->path);
}

/* "file:PATH?immutable=1" (sqlite.org/uri.html). */
static char *immutable_name(const char *path)
{
	struct buf b = { 0 };

	buf_puts(&b, "file:");
	for (; *path; path++)
		if (strchr("?#%", *path))
			buf_printf(&b, "%%%02x", (unsigned char)*path);
		else
			buf_putc(&b, *path);
	buf_puts(&b, "?immutable=1");
	return b.p;
}

/*
 * Where nothing can be written, as in a copy for an investigation, SQLite cannot make the file by
 * which readers and writers of a log know of each other. Nobody writes there, so none is needed.
 */
static int connect_immutable(struct store *s, struct err *e)
{
	cleanup_free char *log = xasprintf("%s-wal", s->path), *name = immutable_name(s->path);
	struct stat st;
	int code;

	store_disconnect(s);
	if (stat(log, &st) == 0 && st.st_size)
		return err_set(e, EACCES,
			       "%s: a part of the findings is in %s, which can be read only where "
			       "its folder can be written: copy both",
			       s->path, log);
	code = sqlite3_open_v2(name, &s->db,
			       SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	return code == SQLITE_OK ? prepare(s, e) : store_error(s, code, "cannot be opened", e);
}

int store_connect(struct store *s, struct err *e)
{
	int flags = s->o.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	int err = s->o.read_only ? 0 : make_file(s, e), code;
	struct stat st;

	if (err < 0)
		return err;
	if (s->o.read_only && access(s->path, R_OK) < 0)
		return errno == ENOENT ? err_set(e, ENOENT,
						 "%s: no findings are kept there; boltseal watch "
						 "--store makes the file",
						 s->path)
				       : err_errno(e, errno, "%s: cannot be opened", s->path);
	if (!s->o.read_only)
		store_check_log(s);
	else if (stat(s->path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s: expected a regular file", s->path);
	code = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	err = code == SQLITE_OK ? prepare(s, e) : store_error(s, code, "cannot be opened", e);
	if (s->o.read_only && (err == -EACCES || err == -ENOENT) && code == SQLITE_OK &&
	    access(s->path, W_OK) < 0)
		err = connect_immutable(s, e);
	if (err < 0)
		store_disconnect(s);
	return err;
}

int store_open(struct store **out, const char *path, const struct store_options *o, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int err;

	s->path = xstrdup(path);
	s->o = *o;
	s->o.busy_ms = o->busy_ms ? o->busy_ms : BUSY_MS;
	s->o.max_age_s = o->max_age_s ? o->max_age_s : MAX_AGE_S;
	s->o.max_count = o->max_count ? o->max_count : MAX_COUNT;
	s->o.max_bytes = o->max_bytes ? o->max_bytes : MAX_BYTES;
	err = store_connect(s, e);
	if (err == -EBADMSG && !o->read_only)
		err = store_replace(s, e);
	if (err < 0) {
		store_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_disconnect(s);
	free(s->path);
	free(s->notice);
	free(s);
}

const char *store_notice(const struct store *s)
{
	return s->notice;
}
