/* call NUMBER ARGUMENT...: makes one system call and prints its result or errno. Linked statically.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long a[7] = { 0 };
	long r;

	for (int i = 1; i < argc && i <= 7; i++)
		a[i - 1] = strtoul(argv[i], NULL, 0);
	r = syscall((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (r < 0)
		printf("errno %d\n", errno);
	else
		printf("done\n");
	return 0;
}
