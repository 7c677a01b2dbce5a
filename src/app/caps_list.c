#include "app/caps_list.h"

#include <string.h>

#include "model/caps.h"

static int add_cap(const char *name, size_t n, uint64_t *mask, struct err *e)
{
	char word[64];
	const struct bcap_desc *d;

	if (n >= sizeof(word))
		return err_set(e, EINVAL, "--capabilities: '%.*s' is no capability", (int)n, name);
	memcpy(word, name, n);
	word[n] = '\0';
	if (!strcmp(word, "ALL")) {
		*mask = (UINT64_C(1) << BCAP_COUNT) - 1;
		return 0;
	}
	if (!strcmp(word, "docker")) {
		*mask |= bcap_docker_default_mask();
		return 0;
	}
	d = bcap_by_name(word);
	if (!d)
		return err_set(e, EINVAL,
			       "--capabilities: '%s' is no capability; expected names separated "
			       "by commas, none, ALL or docker",
			       word);
	*mask |= UINT64_C(1) << d->nr;
	return 0;
}

int caps_list_parse(const char *list, uint64_t *mask, struct err *e)
{
	*mask = 0;
	if (!*list || !strcmp(list, "none"))
		return 0;
	for (;;) {
		size_t n = strcspn(list, ",");
		int r = add_cap(list, n, mask, e);

		if (r < 0)
			return r;
		if (!list[n])
			return 0;
		list += n + 1;
	}
}
