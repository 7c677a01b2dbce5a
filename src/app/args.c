#include "app/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/suggest.h"

const struct option_desc common_options[] = {
	{ 'h', "help", NULL, NULL, "Prints this help and ends." },
	{ 0 },
};

static const struct option_desc *find_long(const struct option_desc *o, const char *name,
					   size_t len)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
	return NULL;
}

static const struct option_desc *find_letter(const struct option_desc *o, char letter)
{
	for (; o && o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static void offer_names(struct suggest *s, const struct option_desc *o)
{
	for (; o && o->name; o++)
		suggest_offer(s, o->name, strlen(o->name));
}

/* `arg` is the whole argument as given. */
static int unknown_option(const struct args *a, const char *arg, struct err *e)
{
	cleanup_free char *name = xstrdup(arg + strspn(arg, "-"));
	const char *behind = a->command->synopsis;
	struct suggest s;

	name[strcspn(name, "=")] = '\0';
	suggest_begin(&s, name);
	if (arg[1] == '-') {
		offer_names(&s, a->command->options);
		offer_names(&s, common_options);
	}
	if (s.found)
		usage_error(a, e, "unknown option '%s'; did you mean '--%s'?", arg, s.found);
	else if (a->positional_n && behind && strstr(behind, "-- "))
		usage_error(a, e,
			    "unknown option '%s'; put -- before the command line that is to be run",
			    arg);
	else
		usage_error(a, e, "unknown option '%s'", arg);
	return -EINVAL;
}

/* Calls `each` with every choice of "a|b|c" until it returns true; whether it did. */
static bool any_choice(const char *choices, bool (*each)(void *, const char *, size_t), void *arg)
{
	while (*choices) {
		size_t n = strcspn(choices, "|");

		if (each(arg, choices, n))
			return true;
		choices += n + (choices[n] == '|');
	}
	return false;
}

static bool choice_equals(void *value, const char *choice, size_t len)
{
	return strlen(value) == len && !memcmp(value, choice, len);
}

static bool choice_offer(void *suggest, const char *choice, size_t len)
{
	suggest_offer(suggest, choice, len);
	return false;
}

static bool choice_list(void *list, const char *choice, size_t len)
{
	struct buf *b = list;

	if (b->len)
		buf_puts(b, ", ");
	buf_append(b, choice, len);
	return false;
}

static int check_choice(const struct args *a, const struct option_desc *o, const char *value,
			struct err *e)
{
	cleanup_buf struct buf list = { 0 };
	struct suggest s;

	if (!o->choices || any_choice(o->choices, choice_equals, (void *)value))
		return 0;
	suggest_begin(&s, value);
	any_choice(o->choices, choice_offer, &s);
	any_choice(o->choices, choice_list, &list);
	if (s.found)
		usage_error(a, e, "--%s '%s' is not one of %s; did you mean '%.*s'?", o->name,
			    value, buf_str(&list), (int)strcspn(s.found, "|"), s.found);
	else
		usage_error(a, e, "--%s '%s' is not one of %s", o->name, value, buf_str(&list));
	return -EINVAL;
}

/*
 * One option. `value` is what is attached to it, or NULL; then an option with a value takes the
 * next argument, `next`, which may be NULL. Returns how many arguments were used, or a negative
 * errno.
 */
static int add_option(struct args *a, const struct option_desc *o, const char *value, char *next,
		      struct err *e)
{
	struct args_option *added;
	int used = 1;

	if (!o->value && value) {
		usage_error(a, e, "--%s takes no value, but '%s' was given", o->name, value);
		return -EINVAL;
	}
	if (o->value && !value) {
		if (!next) {
			usage_error(a, e, "--%s needs a value: %s", o->name, o->value);
			return -EINVAL;
		}
		value = next;
		used = 2;
	}
	if (o->value && check_choice(a, o, value, e))
		return -EINVAL;
	added = vec_push(a->options, a->options_n, a->options_cap);
	added->desc = o;
	added->value = value;
	return used;
}

static int parse_long(struct args *a, char *arg, char *next, struct err *e)
{
	const char *name = arg + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct option_desc *o = find_long(a->command->options, name, len);

	if (!o)
		o = find_long(common_options, name, len);
	if (!o)
		return unknown_option(a, arg, e);
	return add_option(a, o, value ? value + 1 : NULL, next, e);
}

static int parse_short(struct args *a, char *arg, char *next, struct err *e)
{
	const struct option_desc *o = find_letter(a->command->options, arg[1]);

	if (!o)
		o = find_letter(common_options, arg[1]);
	if (!o || (!o->value && arg[2]))
		return unknown_option(a, arg, e);
	return add_option(a, o, arg[2] ? arg + 2 : NULL, next, e);
}

static int check_subcommand(const struct args *a, struct err *e)
{
	cleanup_buf struct buf list = { 0 };
	const char *const *w = a->command->subcommands;
	struct suggest s;

	if (!w || !a->positional_n || !a->dashdash)
		return 0;
	suggest_begin(&s, a->positional[0]);
	for (; *w; w++) {
		if (!strcmp(*w, a->positional[0]))
			return 0;
		suggest_offer(&s, *w, strlen(*w));
		buf_printf(&list, "%s%s", list.len ? ", " : "", *w);
	}
	if (s.found)
		usage_error(a, e, "'%s' is not one of %s; did you mean '%s'?", a->positional[0],
			    buf_str(&list), s.found);
	else
		usage_error(a, e, "'%s' is not one of %s", a->positional[0], buf_str(&list));
	return -EINVAL;
}

/* Fills an args whose lists are there; the caller releases it on error. */
static int parse(struct args *a, int argc, char **argv, struct err *e)
{
	bool dashdash = false;

	for (int i = 0; i < argc;) {
		char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
		int used = 1;

		if (!dashdash && !strcmp(arg, "--")) {
			dashdash = true;
			a->dashdash = a->positional_n;
		} else if (dashdash || arg[0] != '-' || !arg[1]) {
			a->positional[a->positional_n++] = arg;
		} else {
			used = arg[1] == '-' ? parse_long(a, arg, next, e)
					     : parse_short(a, arg, next, e);
			if (used < 0)
				return used;
			a->help = a->options[a->options_n - 1].desc == common_options;
			if (a->help)
				return 0;
		}
		i += used;
	}
	if (!dashdash)
		a->dashdash = a->positional_n;
	return check_subcommand(a, e);
}

int args_parse(struct args *a, const struct command *c, int argc, char **argv, struct err *e)
{
	int r;

	*a = (struct args){ .command = c, .dashdash = (size_t)argc };
	a->positional = xcalloc((size_t)argc + 1, sizeof(*a->positional));
	r = parse(a, argc, argv, e);
	if (r < 0)
		args_free(a);
	return r;
}

void args_free(struct args *a)
{
	free(a->options);
	free(a->positional);
	*a = (struct args){ 0 };
}

bool args_has(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->options_n; i++)
		if (!strcmp(a->options[i].desc->name, name))
			return true;
	return false;
}

const char *args_value(const struct args *a, const char *name)
{
	for (size_t i = a->options_n; i-- > 0;)
		if (!strcmp(a->options[i].desc->name, name))
			return a->options[i].value;
	return NULL;
}

const char *args_value_at(const struct args *a, const char *name, size_t i)
{
	for (size_t k = 0; k < a->options_n; k++)
		if (!strcmp(a->options[k].desc->name, name) && i-- == 0)
			return a->options[k].value;
	return NULL;
}

/* Digits of base 10, or of base 16 behind 0x, and nothing else; false also when out of range. */
static bool parse_u64(const char *s, uint64_t *out)
{
	unsigned base = !strncmp(s, "0x", 2) ? 16 : 10;
	const char *digits = "0123456789abcdef", *p = base == 16 ? s + 2 : s;
	uint64_t v = 0;

	if (!*p)
		return false;
	for (; *p; p++) {
		char low = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
		const char *d = strchr(digits, low);

		if (!d || (size_t)(d - digits) >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(d - digits), &v))
			return false;
	}
	*out = v;
	return true;
}

int args_u64(const struct args *a, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
	     uint64_t *out, struct err *e)
{
	const char *s = args_value(a, name);
	uint64_t v = fallback;

	if (s && (!parse_u64(s, &v) || v < min || v > max)) {
		usage_error(a, e, "--%s '%s' is not a whole number from %llu to %llu", name, s,
			    (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

static const struct unit {
	char letter;
	const char *name;
	uint64_t seconds;
} units[] = { { 'd', "days", 86400 },
	      { 'h', "hours", 3600 },
	      { 'm', "minutes", 60 },
	      { 's', "seconds", 1 } };

static const struct unit *unit_of(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].letter == letter)
			return &units[i];
	return NULL;
}

/* The largest unit that it is a multiple of. */
static void put_time(struct buf *b, uint64_t seconds)
{
	const struct unit *u = units;

	while (u->seconds > 1 && (!seconds || seconds % u->seconds))
		u++;
	buf_printf(b, "%llu%c", (unsigned long long)(seconds / u->seconds), u->letter);
}

/* Digits, and one letter or none. */
static bool parse_time(const char *s, char unit, uint64_t *out)
{
	size_t digits = strspn(s, "0123456789");
	const struct unit *u = unit_of(s[digits] ? s[digits] : unit);
	char number[24];

	if (!u || digits >= sizeof(number) || (s[digits] && s[digits + 1]))
		return false;
	memcpy(number, s, digits);
	number[digits] = '\0';
	return parse_u64(number, out) && !__builtin_mul_overflow(*out, u->seconds, out);
}

int args_time(const struct args *a, const char *name, char unit, uint64_t fallback, uint64_t min,
	      uint64_t max, uint64_t *out, struct err *e)
{
	const char *s = args_value(a, name);
	cleanup_buf struct buf range = { 0 };
	uint64_t v = fallback;

	if (s && (!parse_time(s, unit, &v) || v < min || v > max)) {
		put_time(&range, min);
		buf_puts(&range, " to ");
		put_time(&range, max);
		usage_error(a, e,
			    "--%s '%s' is no time from %s: expected a number of %s, or one with "
			    "s, m, h or d behind it",
			    name, s, buf_str(&range), unit_of(unit)->name);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

size_t args_count(const struct args *a)
{
	return a->positional_n;
}

const char *args_at(const struct args *a, size_t i)
{
	return i < a->positional_n ? a->positional[i] : NULL;
}

char **args_rest(const struct args *a, size_t from)
{
	return &a->positional[from < a->positional_n ? from : a->positional_n];
}

size_t args_dashdash(const struct args *a)
{
	return a->dashdash;
}

int usage_error(const struct args *a, struct err *e, const char *fmt, ...)
{
	char msg[sizeof(e->msg) - 80];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(e, EINVAL, "%s (see boltseal %s --help)", msg, a->command->name);
	return EXIT_ERROR;
}
