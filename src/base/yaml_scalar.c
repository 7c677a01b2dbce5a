/* What a plain scalar is. The rules are those of go-yaml v2, which Kubernetes reads manifests with.
 */
#include <stdlib.h>
#include <string.h>

#include "base/yaml_private.h"

static const struct {
	const char *word;
	enum yaml_type type;
} words[] = {
	{ "", YAML_NULL },	 { "~", YAML_NULL },	  { "null", YAML_NULL },
	{ "Null", YAML_NULL },	 { "NULL", YAML_NULL },	  { "true", YAML_BOOL },
	{ "True", YAML_BOOL },	 { "TRUE", YAML_BOOL },	  { "false", YAML_BOOL },
	{ "False", YAML_BOOL },	 { "FALSE", YAML_BOOL },  { "yes", YAML_BOOL },
	{ "Yes", YAML_BOOL },	 { "YES", YAML_BOOL },	  { "no", YAML_BOOL },
	{ "No", YAML_BOOL },	 { "NO", YAML_BOOL },	  { "on", YAML_BOOL },
	{ "On", YAML_BOOL },	 { "ON", YAML_BOOL },	  { "off", YAML_BOOL },
	{ "Off", YAML_BOOL },	 { "OFF", YAML_BOOL },	  { "y", YAML_BOOL },
	{ "Y", YAML_BOOL },	 { "n", YAML_BOOL },	  { "N", YAML_BOOL },
	{ ".nan", YAML_FLOAT },	 { ".NaN", YAML_FLOAT },  { ".NAN", YAML_FLOAT },
	{ ".inf", YAML_FLOAT },	 { ".Inf", YAML_FLOAT },  { ".INF", YAML_FLOAT },
	{ "+.inf", YAML_FLOAT }, { "+.Inf", YAML_FLOAT }, { "+.INF", YAML_FLOAT },
	{ "-.inf", YAML_FLOAT }, { "-.Inf", YAML_FLOAT }, { "-.INF", YAML_FLOAT },
};

static size_t digits(const char *p, size_t len, unsigned base)
{
	size_t n = 0;

	for (; n < len; n++) {
		char c = p[n];
		unsigned v = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
			     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
						    : 99;

		if (v >= base && c != '_')
			break;
	}
	return n;
}

/* [-+]? then 0x…, 0o…, 0b…, 0 and octal digits, or decimal digits; '_' anywhere between. */
static bool is_int(const char *p, size_t len)
{
	unsigned base = 10;

	if (len && (*p == '-' || *p == '+'))
		p++, len--;
	if (!len || *p < '0' || *p > '9')
		return false;
	if (len > 2 && *p == '0' && strchr("xXoObB", p[1])) {
		base = strchr("xX", p[1]) ? 16 : strchr("oO", p[1]) ? 8 : 2;
		p += 2, len -= 2;
	} else if (len > 1 && *p == '0') {
		base = 8;
	}
	return digits(p, len, base) == len;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *p, size_t len)
{
	size_t whole, part = 0, n;

	if (len && (*p == '-' || *p == '+'))
		p++, len--;
	if (len && *p == '_')
		return false;
	whole = digits(p, len, 10);
	p += whole, len -= whole;
	if (len && *p == '.') {
		p++, len--;
		part = digits(p, len, 10);
		p += part, len -= part;
	}
	if (!whole && !part)
		return false;
	if (!len)
		return true;
	if (*p != 'e' && *p != 'E')
		return false;
	p++, len--;
	if (len && (*p == '-' || *p == '+'))
		p++, len--;
	n = digits(p, len, 10);
	return n && n == len;
}

enum yaml_type yaml_plain_type(const char *text, size_t len)
{
	if (len && !strchr("+-.0123456789yYnNtTfFoO~", *text))
		return YAML_STR;
	if (len <= 5)
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].word) == len && !memcmp(words[i].word, text, len))
				return words[i].type;
	if (is_int(text, len))
		return YAML_INT;
	return is_float(text, len) ? YAML_FLOAT : YAML_STR;
}

enum yaml_type yaml_tag_type(const char *tag)
{
	static const struct {
		const char *tag;
		enum yaml_type type;
	} tags[] = {
		{ "tag:yaml.org,2002:null", YAML_NULL },
		{ "tag:yaml.org,2002:bool", YAML_BOOL },
		{ "tag:yaml.org,2002:int", YAML_INT },
		{ "tag:yaml.org,2002:float", YAML_FLOAT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (!strcmp(tag, tags[i].tag))
			return tags[i].type;
	return YAML_STR;
}
