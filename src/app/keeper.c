#include "app/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/keeper_root.h"
#include "app/keeper_wire.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "confine/confine.h"
#include "profile/seccomp.h"
#include "respond/act.h"
#include "sensor/watch_drift.h"
#include "sensor/watch_share.h"

#include "watch_profile.inc"

struct keeper {
	int sock, execs;
	pthread_mutex_t lock; /* of a request with all of its answer */
};

/* ---- becoming somebody else */

static int load_filter(struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_sp_profile struct sp_profile p = { 0 };
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct sp_host host;
	int err = json_parse(&d, "profiles/watch.json", watch_profile, strlen(watch_profile), e);

	sp_host_current(&host);
	sp_init(&p);
	if (err == 0)
		err = sp_read(&p, &d, &host, NULL, e);
	if (err == 0)
		err = sp_compile(&p, &f, e);
	if (err < 0)
		return err;
	err = seccomp_load(f.insn, f.n, 0);
	return err < 0 ? err_errno(e, -err, "cannot load the filter of watching") : 0;
}

static int become(const struct passwd *pw, pid_t parent, struct err *e)
{
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return err_errno(e, errno, "cannot become the user %s", pw->pw_name);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return err_errno(e, errno, "prctl");
	if (getppid() != parent)
		return err_set(e, ESRCH, "the process that loads programs has ended");
	return load_filter(e);
}

/* A folder that is made belongs to the user; one that exists stays as it is. */
static int give_folder(const char *path, const struct passwd *pw, struct err *e)
{
	int err;

	if (!path || access(path, F_OK) == 0)
		return 0;
	err = io_make_folder(path, 0750, e);
	if (err == 0 && chown(path, pw->pw_uid, pw->pw_gid) < 0)
		err = err_errno(e, errno, "%s: cannot give it to the user %s", path, pw->pw_name);
	return err;
}

static int check_user(const char *user, const struct passwd **pw, struct err *e)
{
	*pw = getpwnam(user);
	if (!*pw)
		return err_set(e, ENOENT, "--user: there is no user '%s'", user);
	if (!(*pw)->pw_uid)
		return err_set(e, EINVAL, "--user: '%s' is root", user);
	if (geteuid() != 0)
		return err_set(e, EPERM, "--user: only root can become another user");
	return 0;
}

int keeper_split(struct keeper **out, const char *user, const char *const folders[KEEPER_FOLDERS],
		 const struct respond_options *respond, int *status, struct err *e)
{
	const struct passwd *pw;
	int sock[2], execs[2], err = check_user(user, &pw, e);
	pid_t parent = getpid(), pid;

	for (int i = 0; i < KEEPER_FOLDERS && err == 0; i++)
		err = give_folder(folders[i], pw, e);
	if (err < 0)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, execs) < 0)
		return err_errno(e, errno, "socketpair");
	pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "fork");
	close(sock[pid ? 1 : 0]);
	close(execs[pid ? 1 : 0]);
	if (pid) {
		*status = keeper_root(sock[0], execs[0], pid, respond);
		close(sock[0]);
		close(execs[0]);
		return 1;
	}
	*out = xcalloc(1, sizeof(**out));
	(*out)->sock = sock[1];
	(*out)->execs = execs[1];
	pthread_mutex_init(&(*out)->lock, NULL);
	return become(pw, parent, e);
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	close(k->sock);
	close(k->execs);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* ---- asking */

static int ask(struct keeper *k, enum keeper_op op, int arg, const void *bytes, size_t len,
	       struct keeper_reply *reply)
{
	struct keeper_request q = { .op = op, .len = (uint32_t)len, .arg = arg };

	if (!keeper_send(k->sock, &q, sizeof(q)) || !keeper_send(k->sock, bytes, len) ||
	    !keeper_receive(k->sock, reply, sizeof(*reply)))
		return -EPIPE;
	return reply->result;
}

/* The answer to a plan; what went wrong in `text`. */
static int ask_to_watch(struct keeper *k, const struct buf *plan, struct keeper_reply *reply,
			int fds[WATCH_SHARED_MAX], char *text, size_t size)
{
	int err = ask(k, KEEPER_WATCH, 0, plan->p, plan->len, reply);

	if (reply->len >= size || reply->fds > WATCH_SHARED_MAX ||
	    !keeper_receive(k->sock, text, reply->len))
		return -EPIPE;
	for (uint32_t i = 0; i < reply->fds; i++)
		if (!keeper_receive_fd(k->sock, &fds[i]))
			return -EPIPE;
	return err;
}

static int drift_there(void *keeper, unsigned slot, const struct watch_drift_ask *q,
		       struct watch_asked *out)
{
	struct keeper *k = keeper;
	struct keeper_reply reply = { 0 };
	int err;

	pthread_mutex_lock(&k->lock);
	err = ask(k, KEEPER_DRIFT, (int)slot, q, sizeof(*q), &reply);
	if (err == 0 && reply.len &&
	    (reply.len != sizeof(*out) || !out || !keeper_receive(k->sock, out, reply.len)))
		err = -EPIPE;
	pthread_mutex_unlock(&k->lock);
	return err;
}

int keeper_start(struct keeper *k, struct watch *w, unsigned *slot, struct err *e)
{
	cleanup_buf struct buf plan = { .max = WATCH_PLAN_MAX };
	int fds[WATCH_SHARED_MAX], err;
	struct keeper_reply reply = { 0 };
	char text[sizeof(e->msg)] = "";
	struct watch_drift_there there = { .ask = drift_there, .ctx = k };

	watch_plan_put(w, &plan);
	pthread_mutex_lock(&k->lock);
	err = ask_to_watch(k, &plan, &reply, fds, text, sizeof(text));
	pthread_mutex_unlock(&k->lock);
	if (err < 0)
		return err_set(e, -err, "%s",
			       *text ? text : "the process that loads programs is gone");
	*slot = (unsigned)reply.result;
	there.slot = *slot;
	there.caps = reply.caps;
	watch_drift_join(w, &there);
	return watch_join(w, fds, reply.fds, (enum watch_hooks)reply.hooks, e);
}

void keeper_stop(struct keeper *k, unsigned slot)
{
	struct keeper_reply reply;

	pthread_mutex_lock(&k->lock);
	ask(k, KEEPER_UNWATCH, (int)slot, NULL, 0, &reply);
	pthread_mutex_unlock(&k->lock);
}

bool keeper_is_alone(struct keeper *k)
{
	struct keeper_reply reply;
	bool alone;

	pthread_mutex_lock(&k->lock);
	alone = ask(k, KEEPER_UNWATCH, KEEPER_WATCHES, NULL, 0, &reply) == -EPIPE;
	pthread_mutex_unlock(&k->lock);
	return alone;
}

static int open_there(const char *path, int flags, void *keeper)
{
	struct keeper *k = keeper;
	struct keeper_reply reply = { 0 };
	int fd = -1, err;

	pthread_mutex_lock(&k->lock);
	err = ask(k, KEEPER_OPEN, flags, path, strlen(path), &reply);
	if (err == 0 && (reply.fds != 1 || !keeper_receive_fd(k->sock, &fd)))
		err = -EPIPE;
	pthread_mutex_unlock(&k->lock);
	return err < 0 ? err : fd;
}

static ssize_t link_there(const char *path, char *target, size_t size, void *keeper)
{
	char text[KEEPER_PATH_MAX];
	struct keeper *k = keeper;
	struct keeper_reply reply = { 0 };
	int err;

	pthread_mutex_lock(&k->lock);
	err = ask(k, KEEPER_LINK, 0, path, strlen(path), &reply);
	if (err == 0 && (reply.len > sizeof(text) || !keeper_receive(k->sock, text, reply.len)))
		err = -EPIPE;
	pthread_mutex_unlock(&k->lock);
	if (err < 0)
		return err;
	if (reply.len > size)
		reply.len = (uint32_t)size;
	memcpy(target, text, reply.len);
	return (ssize_t)reply.len;
}

static int pids_there(uint32_t **pids, size_t *n, void *keeper)
{
	struct keeper *k = keeper;
	struct keeper_reply reply = { 0 };
	int err;

	pthread_mutex_lock(&k->lock);
	*pids = NULL;
	*n = 0;
	err = ask(k, KEEPER_PIDS, 0, NULL, 0, &reply);
	if (reply.len > KEEPER_PIDS_MAX * sizeof(**pids)) {
		err = -EPIPE;
	} else if (err == 0) {
		*pids = xcalloc(reply.len + 1, 1);
		if (keeper_receive(k->sock, *pids, reply.len))
			*n = reply.len / sizeof(**pids);
		else
			err = -EPIPE;
	}
	pthread_mutex_unlock(&k->lock);
	return err;
}

int keeper_policy(struct keeper *k, const struct respond_policy *p, struct err *e)
{
	cleanup_buf struct buf bytes = { .max = RESPOND_POLICY_BYTES };
	struct keeper_reply reply = { 0 };
	char text[sizeof(e->msg)] = "";
	int err;

	respond_policy_put(p, &bytes);
	if (bytes.overflow)
		return err_set(e, E2BIG, "the response policy is too long");
	pthread_mutex_lock(&k->lock);
	err = ask(k, KEEPER_POLICY, 0, bytes.p, bytes.len, &reply);
	if (reply.len >= sizeof(text) || !keeper_receive(k->sock, text, reply.len))
		err = -EPIPE;
	pthread_mutex_unlock(&k->lock);
	return err < 0 ? err_set(e, -err, "%s", *text ? text : "the process that acts is gone") : 0;
}

static void put_box(struct keeper_box *b, const char *cgroup, const struct respond_subject *who)
{
	const struct {
		char *to;
		size_t size;
		const char *from;
	} texts[] = {
		{ b->id, sizeof(b->id), who->container_id },
		{ b->cgroup, sizeof(b->cgroup), cgroup },
		{ b->name, sizeof(b->name), who->container_name },
		{ b->image, sizeof(b->image), who->image },
		{ b->namespace, sizeof(b->namespace), who->namespace },
		{ b->pod, sizeof(b->pod), who->pod },
	};

	memset(b, 0, sizeof(*b));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		snprintf(texts[i].to, texts[i].size, "%s", texts[i].from ? texts[i].from : "");
}

void keeper_respond(struct keeper *k, const struct respond_request *q,
		    const struct respond_subject *who, int *program, struct respond_result *out)
{
	struct keeper_reply reply = { 0 };
	struct keeper_act act;
	bool ok;

	*program = -1;
	act.request = *q;
	put_box(&act.box, q->cgroup, who);
	pthread_mutex_lock(&k->lock);
	ok = ask(k, KEEPER_RESPOND, 0, &act, sizeof(act), &reply) == 0 &&
	     reply.len == sizeof(*out) && keeper_receive(k->sock, out, sizeof(*out)) &&
	     (!reply.fds || keeper_receive_fd(k->sock, program));
	pthread_mutex_unlock(&k->lock);
	if (!ok)
		respond_say(out, RESPOND_FAILED, "the process that acts is gone");
}

void keeper_arm(struct keeper *k, unsigned slot, const char *cgroup,
		const struct respond_subject *who, uint32_t rules)
{
	struct keeper_arm arm = { .slot = slot, .rules = rules };
	struct keeper_reply reply;

	put_box(&arm.box, cgroup, who);
	pthread_mutex_lock(&k->lock);
	ask(k, KEEPER_ARM, 0, &arm, sizeof(arm), &reply);
	pthread_mutex_unlock(&k->lock);
}

void keeper_between(struct keeper *k, unsigned slot, uint64_t from, uint64_t until)
{
	struct keeper_time t = { from, until };
	struct keeper_reply reply;

	pthread_mutex_lock(&k->lock);
	ask(k, KEEPER_BETWEEN, (int)slot, &t, sizeof(t), &reply);
	pthread_mutex_unlock(&k->lock);
}

int keeper_execs_socket(const struct keeper *k)
{
	return k->execs;
}

void keeper_serve(struct keeper *k, struct outside *o)
{
	o->open = open_there;
	o->link = link_there;
	o->pids = pids_there;
	o->opener = k;
}
