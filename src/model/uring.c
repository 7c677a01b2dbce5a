#include "model/uring.h"

#include <string.h>

#include "base/cleanup.h"

static const struct uring_operation operations[] = {
	{ 1, "readv" },	     { 1, "preadv" },	  { 2, "writev" },    { 2, "pwritev" },
	{ 4, "read" },	     { 4, "pread64" },	  { 5, "write" },     { 5, "pwrite64" },
	{ 9, "sendmsg" },    { 10, "recvmsg" },	  { 13, "accept4" },  { 13, "accept" },
	{ 16, "connect" },   { 17, "fallocate" }, { 18, "openat" },   { 19, "close" },
	{ 22, "read" },	     { 22, "pread64" },	  { 23, "write" },    { 23, "pwrite64" },
	{ 26, "sendto" },    { 27, "recvfrom" },  { 28, "openat2" },  { 34, "shutdown" },
	{ 35, "renameat2" }, { 35, "renameat" },  { 36, "unlinkat" }, { 37, "mkdirat" },
	{ 38, "symlinkat" }, { 39, "linkat" },	  { 45, "socket" },   { 47, "sendto" },
	{ 48, "sendmsg" },   { 55, "ftruncate" }, { 56, "bind" },     { 57, "listen" },
};

const struct uring_operation *uring_operations(size_t *n)
{
	*n = ARRAY_SIZE(operations);
	return operations;
}

bool uring_does(const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (!strcmp(operations[i].call, call))
			return true;
	return false;
}
