/* Executable files of any content: exe_describe_fd() neither reads beyond nor writes beyond. */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "sensor/exe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("exe", MFD_CLOEXEC);
	struct exe_info info;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		int r = exe_describe_fd(fd, &info);

		/* Whatever it says, the interpreter is a string, and a refused file has none. */
		if (!memchr(info.interpreter, 0, sizeof(info.interpreter)) ||
		    (r && info.interpreter[0]) || (info.kind == EXE_OTHER && info.interpreter[0]))
			abort();
	}
	close(fd);
	return 0;
}
