#include <fcntl.h>

#include "app/generate.h"
#include "base/cleanup.h"
#include "confine/landlock.h"

static int open_root(const struct args *a, int *fd, struct err *e)
{
	const char *root = args_value(a, "root");

	if (!root)
		return 0;
	*fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? err_errno(e, errno, "--root %s", root) : 0;
}

int generate_landlock(struct generate *g, const struct args *a, struct err *e)
{
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_close int root = -1;
	uint64_t abi;
	int r = args_u64(a, "abi", LANDLOCK_ABI_MAX, 1, LANDLOCK_ABI_MAX, &abi, e);

	if (r >= 0)
		r = open_root(a, &root, e);
	if (r >= 0)
		r = gen_check_model(&g->model, &g->o, &g->notes, e);
	if (r < 0)
		return r;
	landlock_plan_model(&p, &g->model, WL_PROGRAM_PHASES, (int)abi, root);
	json_put_text(&g->out, landlock_plan_json(&p));
	buf_puts(&g->notes, buf_str(&p.notes));
	return 0;
}
