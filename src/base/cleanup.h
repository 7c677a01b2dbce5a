/* Scope-bound owners: a variable with one of these attributes releases what it holds on return. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(f) __attribute__((cleanup(f)))

static inline void free_p(void *p)
{
	free(*(void **)p);
}

/* Closes a descriptor >= 0 and keeps errno, so that it may run after a failed call. */
static inline void close_p(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define cleanup_free	 cleanup(free_p)
#define cleanup_close	 cleanup(close_p)
#define cleanup_fclose	 cleanup(fclose_p)
#define cleanup_closedir cleanup(closedir_p)

/* Hands over: the variable gives up what it owns and the expression has the old value. */
#define take_ptr(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})
#define take_fd(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
