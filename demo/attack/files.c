/* Attacks on the container's files: leaving something behind, reading or changing what is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"

/* A new file with one line, as a dropped tool is. */
static int drop(const char *path, mode_t mode)
{
	static const char text[] = "#!/bin/sh\nid\n";
	int fd, r;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (fd < 0)
		return -errno;
	r = attack_result(write(fd, text, sizeof(text) - 1));
	if (!r && mode)
		r = attack_result(fchmod(fd, mode));
	close(fd);
	return r;
}

static int run_webshell(void)
{
	return drop("/var/www/html/shell.sh", 0);
}

/* A name in /tmp that is no other user's: the attack runs as root and as the worker's user. */
static const char *tmp_name(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/.%s-%u", name, geteuid());
	unlink(path);
	return path;
}

static int run_tmp_tool(void)
{
	return drop(tmp_name("tool"), 0);
}

static int run_backdoor(void)
{
	return drop("/usr/sbin/backdoor", 04755);
}

static int run_config(void)
{
	static const char text[] = "# changed by the attacker\n";
	int fd, r;

	fd = open("/etc/nginx/nginx.conf", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = attack_result(write(fd, text, sizeof(text) - 1));
	close(fd);
	return r;
}

static int run_shadow(void)
{
	char text[64];
	int fd, r;

	fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = attack_result(read(fd, text, sizeof(text)));
	close(fd);
	return r;
}

static int run_chown(void)
{
	return attack_result(fchownat(AT_FDCWD, "/etc/passwd", 33, (gid_t)-1, 0));
}

/* VFS_CAP_REVISION_2 with cap_net_raw permitted and effective (linux/capability.h). */
static int run_file_caps(void)
{
	static const unsigned char caps[20] = { 1, 0, 0, 2, 0, 0x20 };

	return attack_result(
		setxattr("/usr/sbin/nginx", "security.capability", caps, sizeof(caps), 0));
}

static int run_mknod(void)
{
	return attack_result(
		syscall(SYS_mknodat, AT_FDCWD, tmp_name("disk"), S_IFBLK | 0600, makedev(8, 0)));
}

/* open_by_handle_at with the inode of a file system's root: leaves the container ("shocker"). */
static int run_by_handle(void)
{
	/* struct file_handle: 8 bytes, FILEID_INO32_GEN, inode 2, generation 0 */
	static const struct {
		unsigned int bytes;
		int type;
		unsigned int inode, generation;
	} handle = { 8, 1, 2, 0 };
	int mount_fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);

	if (mount_fd < 0)
		return -errno;
	return attack_result_fd(syscall(SYS_open_by_handle_at, mount_fd, &handle, O_RDONLY));
}

static int run_chroot(void)
{
	return attack_result(chroot("/usr"));
}

const struct attack attacks_files[] = {
	{ "web-shell", "writes a script into the web root", run_webshell },
	{ "drop-tool", "leaves an executable in /tmp", run_tmp_tool },
	{ "backdoor", "installs a set-user-id program in /usr/sbin", run_backdoor },
	{ "change-config", "changes nginx.conf", run_config },
	{ "read-shadow", "reads /etc/shadow", run_shadow },
	{ "take-passwd", "takes ownership of /etc/passwd", run_chown },
	{ "file-capability", "gives a program a capability", run_file_caps },
	{ "make-device", "makes a node of the host's disk", run_mknod },
	{ "open-by-handle", "opens the host's root by inode (shocker)", run_by_handle },
	{ "chroot", "changes the root directory", run_chroot },
	{ NULL, NULL, NULL },
};
