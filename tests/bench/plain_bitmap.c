/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_bitmap COMMAND [ARGUMENT]...: runs a command under the plain recorder of
 * plain_bitmap.bpf.c, and exits as the command does. record_cost.py compares with it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plain_bitmap.skel.h"

static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		perror("plain_bitmap: fork");
		return 1;
	}
	if (pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0) {
		perror("plain_bitmap: waitpid");
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct plain_bitmap_bpf_prog *skel;
	int status = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: plain_bitmap COMMAND [ARGUMENT]...\n");
		return 1;
	}
	skel = plain_bitmap_bpf_prog__open_and_load();
	if (!skel || plain_bitmap_bpf_prog__attach(skel))
		perror("plain_bitmap: cannot load");
	else
		status = run(argv + 1);
	plain_bitmap_bpf_prog__destroy(skel);
	return status;
}
