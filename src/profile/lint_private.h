/* What the checks of lint share. */
#ifndef PROFILE_LINT_PRIVATE_H
#define PROFILE_LINT_PRIVATE_H

#include "profile/box.h"
#include "profile/lint.h"

/* One element of `syscalls`, as it stands in the file. */
struct lint_rule {
	size_t index;
	struct json_object *o;
	const char *action;
	const char **names; /* of `names`, then that of `name` */
	size_t names_n, names_cap;
	size_t listed;	       /* how many of them are of `names` */
	struct sp_cond *conds; /* the index may be beyond 5 here */
	size_t conds_n, conds_cap;
	bool conditional;	  /* holds on some hosts only */
	const struct sp_rule *sp; /* NULL: does not count on this host */
};

/* A key that stands again in its object. */
struct lint_again {
	char *pointer;
	unsigned line, col;
};

/* The rules that count for one call, in the order of the file. */
struct lint_call {
	const struct sc_desc *d;
	enum sc_abi abi; /* a listed one that has the call, 64-bit ones first */
	const struct sp_rule **rule;
	size_t n;
};

struct lint {
	const struct lint_options *o;
	struct json_doc doc; /* as in the file */
	struct lint_again *again;
	size_t again_n, again_cap;
	struct sp_profile p; /* what it means on this host, faults left out */
	struct lint_rule *rules;
	size_t rules_n;
	struct lint_call *calls; /* by name */
	size_t calls_n;
	const struct sp_rule **pool; /* what calls[].rule points into */
	struct lint_report *r;
	uint64_t budget; /* steps left for what may take long */
};

/* lint_read.c */
int lint_read(struct lint *l, const char *name, const char *text, size_t len, struct err *e);
void lint_free(struct lint *l);
#define cleanup_lint cleanup(lint_free)
/* NULL when no rule that counts names it. */
const struct lint_call *lint_call_find(const struct lint *l, const char *name);
/* The member as an array or object or string, NULL when absent, null or of another type. */
struct json_object *lint_member(struct json_object *o, const char *key, enum json_type type);
const char *lint_str(struct json_object *o, const char *key);
/* Whether a condition (`includes`, `excludes`) says anything. */
bool lint_says(struct json_object *condition);

/* A place below /syscalls: /syscalls/RULE[/member[/index[/leaf]]]; index -1: none. */
struct lint_place {
	struct json_path step[5];
};
const struct json_path *lint_at(struct lint_place *at, size_t rule, const char *member, long index,
				const char *leaf);
/* Where the n-th name of the rule stands. */
const struct json_path *lint_at_name(struct lint_place *at, const struct lint_rule *r, size_t n);

/* The same for a place that is known already. */
struct lint_finding *lint_add_again(struct lint *l, const struct lint_check *c,
				    const struct lint_again *at);
/* A finding; NULL when there are too many. `severity` is at most the check's. */
__attribute__((format(printf, 5, 6))) struct lint_finding *lint_add(struct lint *l,
								    const struct lint_check *c,
								    enum lint_severity severity,
								    const struct json_path *at,
								    const char *fmt, ...);
/* True while there are steps left; else the report says that it is incomplete. */
bool lint_spend(struct lint *l, uint64_t steps);

/* "socket(0x28, 0, 0)". */
void lint_put_call(struct buf *b, const struct lint_call *c, const uint64_t args[SC_MAX_ARGS]);
/* Adds a name to a list that is shown: "a, b, c", and from the ninth on counts only. */
struct lint_list {
	struct buf text;
	size_t n;
};
void lint_list_add(struct lint_list *s, const char *name);
const char *lint_list_end(struct lint_list *s);
#define cleanup_lint_list cleanup(lint_list_free)
void lint_list_free(struct lint_list *s);

/* What happens to a call without a look at its arguments. */
struct lint_verdict {
	struct sp_ret plain;	    /* by rules without conditions, or the default */
	const struct sp_rule *rule; /* the rule of `plain`; NULL: the default */
	bool some_allowed;	    /* a rule with conditions lets some of it through */
	bool limited;		    /* there are rules with conditions */
};
struct lint_verdict lint_verdict(const struct lint *l, const char *name);
bool lint_lets(struct sp_ret r); /* the call is carried out: ALLOW, LOG */

/*
 * lint_shape.c: the width that boxes and corrected rules compare an argument at, for a call on all
 * listed architectures (on none: 64). False when one mask cannot serve them all.
 */
bool lint_widths(const struct sp_profile *p, const struct sc_desc *d, unsigned bits[SC_MAX_ARGS]);
/* Whether the rule of the file compares more bits than the kernel looks at, in this call. */
bool lint_compares_wide(const struct sp_profile *p, const struct sc_desc *d,
			const struct sp_cond *c);
/* Whether two conditions of the rule are about one argument. */
bool lint_repeats_index(const struct lint_rule *r);
/*
 * The rule in the form that runtimes handle correctly, as copies of the rule for the same names,
 * appended to the array. False, and nothing appended, when there is none without a change of
 * meaning.
 */
bool lint_reshape(struct lint *l, const struct lint_rule *r, struct json_object *to);
/* The text of corrected rules for a finding, which may be NULL, and that --fix puts them in. */
void lint_offer(struct lint *l, struct lint_finding *f, struct json_object *rules);
/* Whether lint_reshape() would do anything to it. */
bool lint_misshaped(const struct sp_profile *p, const struct lint_rule *r);
/* A copy of the rule with other names and conditions; `conds_n` 0: none. */
struct json_object *lint_rule_copy(struct json_object *rule, const char *const *names,
				   size_t names_n, const struct sp_cond *conds, size_t conds_n);

/* lint_order.c */
/* Whether no rule that names the call depends on the host. */
bool lint_same_everywhere(const struct lint *l, const char *name);
/* Whether the rule has the default action and nothing changes without it, on any host. */
bool lint_default_rule_is_idle(struct lint *l, const struct sp_rule *r);
/*
 * Sets dead[i] for rules of the call without which nothing changes on this host, even when all of
 * them go. Those with the default action, and those whose limits another rule makes void, are told
 * by checks of their own and are not among them.
 */
void lint_dead_rules(struct lint *l, const struct lint_call *c, bool *dead);
/* Whether libseccomp's answer depends on more than the meaning: overlaps, dropped exceptions. */
bool lint_call_depends_on_order(struct lint *l, const struct lint_call *c);
/*
 * The rules of one call rewritten so that no two of different actions meet and none has the
 * default action, appended to the array. False when that takes too many rules, or when rules of
 * the call count on some hosts only.
 */
bool lint_reorder(struct lint *l, const struct lint_call *c, struct json_object *to);

/* lint_tables.c. Each list ends with a row whose name is NULL. */
struct lint_danger {
	const char *name;
	enum lint_severity severity;
	/* Docker's default profile: the capability that it wants for the call; "": never allowed;
	 * NULL: always. */
	const char *docker;
	const char *why;
};
extern const struct lint_danger lint_dangers[];
struct lint_new_call {
	const char *name, *breaks;
};
extern const struct lint_new_call lint_new_calls[];
/* Calls that do the same work, beyond those of equivalents.h; ends with a group of none. */
struct lint_same {
	const char *names[2];
	size_t n;
};
extern const struct lint_same lint_same_work[];

/* The checks' functions. */
#define LINT_RUN(name) void lint_run_##name(struct lint *l, const struct lint_check *c)
LINT_RUN(duplicate_key);
LINT_RUN(unknown_member);
LINT_RUN(engine_members);
LINT_RUN(condition_unknown);
LINT_RUN(arch_both);
LINT_RUN(arch_unknown);
LINT_RUN(arch_native);
LINT_RUN(arch_only_native);
LINT_RUN(arch_x32);
LINT_RUN(arch_x86);
LINT_RUN(flag_unknown);
LINT_RUN(flag_listener);
LINT_RUN(listener_metadata);
LINT_RUN(listener_missing);
LINT_RUN(listener_unused);
LINT_RUN(names_missing);
LINT_RUN(name_and_names);
LINT_RUN(name_old_form);
LINT_RUN(name_unknown);
LINT_RUN(name_twice);
LINT_RUN(name_no_arch);
LINT_RUN(name_libseccomp);
LINT_RUN(arg_width);
LINT_RUN(arg_same_index);
LINT_RUN(arg_too_many);
LINT_RUN(arg_mask);
LINT_RUN(arg_value_two);
LINT_RUN(arg_never);
LINT_RUN(arg_always);
LINT_RUN(arg_index);
LINT_RUN(arg_beyond);
LINT_RUN(arg_pointer);
LINT_RUN(errno_unused);
LINT_RUN(errno_range);
LINT_RUN(errno_zero);
LINT_RUN(default_errno);
LINT_RUN(default_allow);
LINT_RUN(default_log);
LINT_RUN(default_tracer);
LINT_RUN(notify_write);
LINT_RUN(tracer_missing);
LINT_RUN(kill_thread);
LINT_RUN(rule_is_default);
LINT_RUN(rule_conflict);
LINT_RUN(rule_order);
LINT_RUN(rule_limit_void);
LINT_RUN(rule_dead);
LINT_RUN(clone3_refused);
LINT_RUN(clone3_allowed);
LINT_RUN(new_call_eperm);
LINT_RUN(base_missing);
LINT_RUN(multiplexer);
LINT_RUN(dangerous);
LINT_RUN(namespaces);
LINT_RUN(denial_incomplete);

#endif
