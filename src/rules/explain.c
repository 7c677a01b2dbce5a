#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/plural.h"
#include "model/uring.h"
#include "rules/kernel.h"
#include "rules/ruleset.h"

enum { LISTED_TYPES = 24 };

static void heading(struct buf *out, const char *s)
{
	buf_printf(out, "\n%s\n", s);
}

/* Which of these calls programs can also have done by the kernel. */
static void explain_uring(const struct ev_set *types, struct buf *out)
{
	bool any = false;

	for (unsigned t = 0; t < ev_type_count(); t++)
		if (ev_set_has(types, t) && ev_type_is_syscall(t) && uring_does(ev_type_name(t))) {
			buf_printf(out, "%s%s",
				   any ? ", " : "  also through io_uring: ", ev_type_name(t));
			any = true;
		}
	if (any)
		buf_putc(out, '\n');
}

static void explain_types(const struct rules *r, size_t i, struct buf *out)
{
	const struct rule_info *info = &r->rules[i].info;
	unsigned n = ev_set_size(&info->types), steps = ev_set_size(&info->step_types);

	heading(out, "Events");
	if (n + steps > LISTED_TYPES) {
		buf_printf(out, "  %u of %zu event types%s\n", n, ev_type_count(),
			   steps ? ", and those of the steps" : "");
		return;
	}
	for (unsigned t = 0; t < ev_type_count(); t++) {
		struct rules_need need;

		if (!ev_set_has(&info->types, t) && !ev_set_has(&info->step_types, t))
			continue;
		rules_needs_of(r, i, t, &need);
		buf_printf(out, "  %-12s %s", ev_type_name(t),
			   ev_set_has(&info->types, t) ? "" : "for a step; ");
		if (r->im.targets_n && !info->dropped && info->enabled) {
			buf_puts(out, "kernel: ");
			rules_need_print(&need, out);
		}
		buf_putc(out, '\n');
	}
	explain_uring(&info->types, out);
}

/* The condition is the same for most types: each is shown once, with all types that have it. */
static void explain_condition(const struct rules *r, size_t i, struct buf *out)
{
	struct image *im = (struct image *)&r->im;
	const struct rule *rule = &r->rules[i];
	gref first = GREF_FALSE;
	bool same = true;

	for (unsigned t = 0; t < ev_type_count(); t++) {
		struct map memo = { 0 };
		gref one;

		if (!ev_set_has(&rule->info.types, t))
			continue;
		one = graph_for_type(im, rule->compiled, t, &memo);
		map_free(&memo);
		same &= first == GREF_FALSE || one == first;
		first = one;
	}
	heading(out, same ? "Condition, for events of these types, in the order of evaluation"
			  : "Condition, in the order of evaluation");
	graph_print(im, same ? first : rule->compiled, out, 2);
}

/* In the largest unit in which it is a whole number, as rules have it. */
static void put_duration(struct buf *out, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = { { UINT64_C(3600000000000), "h" },
		      { UINT64_C(60000000000), "m" },
		      { UINT64_C(1000000000), "s" },
		      { UINT64_C(1000000), "ms" } };
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && ns % units[i].ns)
		i++;
	buf_printf(out, "%" PRIu64 "%s", ns / units[i].ns, units[i].unit);
}

static void explain_window(const struct rule *rule, struct buf *out)
{
	const struct window_spec *w = rule->window;
	bool count = w && w->kind == WINDOW_COUNT;

	if (!w)
		return;
	heading(out, count ? "Count" : "Sequence");
	if (count)
		buf_printf(out, "  %" PRIu64 " such events", w->min);
	else
		buf_printf(out, "  behind %zu step%s", w->steps_n, plural(w->steps_n));
	if (w->distinct.node)
		buf_printf(out, " with different %s", w->distinct.node->text);
	buf_puts(out, " within ");
	put_duration(out, w->within);
	for (size_t i = 0; i < w->keys_n; i++)
		buf_printf(out, "%s%s",
			   i	   ? ", "
			   : count ? ", for each "
				   : ", of the same ",
			   w->keys[i].node->text);
	for (size_t i = 0; w->last_keys && i < w->keys_n; i++)
		buf_printf(out, "%s%s", i ? ", " : ", which in the last are ",
			   w->last_keys[i].node->text);
	buf_putc(out, '\n');
	for (size_t i = 0; i < w->steps_n; i++)
		buf_printf(out, "  step %zu: %s\n", i + 1, w->steps[i].node->text);
}

/* Where a process is killed: in the event itself, or when the event arrived. */
static void explain_kill(const struct rules *r, size_t i, struct buf *out)
{
	const struct rule_info *info = &r->rules[i].info;
	unsigned n = ev_set_size(&info->types);

	for (unsigned t = 0; n <= LISTED_TYPES && t < ev_type_count(); t++) {
		cleanup_buf struct buf why = { 0 };
		struct rules_kernel k;

		if (!ev_set_has(&info->types, t))
			continue;
		buf_printf(out, "    %-12s ", ev_type_name(t));
		if (rules_kernel_of(r, i, t, &k, &why))
			buf_puts(out, "in containers by the kernel, in the event itself\n");
		else
			buf_printf(out, "from user space (%s)\n", buf_str(&why));
	}
	if (n > LISTED_TYPES)
		buf_puts(out, "    from user space (many event types)\n");
}

static void explain_actions(const struct rules *r, size_t i, struct buf *out)
{
	unsigned respond = r->rules[i].info.respond;

	if (!respond)
		return;
	heading(out, "Response");
	for (enum rules_action a = 0; a < RA_COUNT; a++) {
		if (!(respond >> a & 1))
			continue;
		buf_printf(out, "  %s\n", rules_action_name(a));
		if (a == RA_KILL)
			explain_kill(r, i, out);
	}
}

static void explain_output(const struct rules *r, const struct rule *rule, struct buf *out)
{
	heading(out, "Output");
	buf_printf(out, "  %s\n", rule->info.output);
	for (size_t i = 0; rule->format && i < rule->format->fields_n; i++)
		buf_printf(out, "%s%s",
			   i ? ", " : "  fields: ", r->im.operands[rule->format->fields[i]].text);
	buf_puts(out, rule->format && rule->format->fields_n ? "\n" : "");
}

void rules_explain(const struct rules *r, size_t i, struct buf *out)
{
	const struct rule *rule = &r->rules[i];
	const struct rule_info *info = &rule->info;

	buf_printf(out, "%s\n", info->name);
	buf_printf(out, "  %s:%u:%u, priority %s, source %s%s\n", info->file, info->line,
		   info->column, rules_priority_name(info->priority),
		   rule->source_text ? rule->source_text : ev_source_name(info->source),
		   info->dropped   ? ", dropped"
		   : info->enabled ? ""
				   : ", disabled");
	if (info->dropped)
		return;
	explain_types(r, i, out);
	explain_condition(r, i, out);
	explain_window(rule, out);
	explain_actions(r, i, out);
	if (info->false_positives) {
		heading(out, "False positives");
		buf_printf(out, "  %s\n", info->false_positives);
	}
	explain_output(r, rule, out);
}
