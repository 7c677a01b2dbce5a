/*
 * For record_sets.sh, built as a 32-bit program: calls whose numbers mean other calls in the 64-bit
 * table, in two processes.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct stat st;
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		_exit(fd < 0 || close(fd) ? 1 : 0);
	}
	fd = open("/etc/passwd", O_RDONLY);
	if (fd < 0 || fstat(fd, &st) || lseek(fd, 0, SEEK_END) < 0 || close(fd))
		return 1;
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
