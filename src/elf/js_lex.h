/*
 * Tokens of a JavaScript file. Source: ECMAScript 2023, "Lexical grammar". Whether "/" begins a
 * regular expression is told from the token in front of it.
 */
#ifndef ELF_JS_LEX_H
#define ELF_JS_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum js_kind {
	JS_NAME,     /* also keywords, and "#name" */
	JS_STRING,   /* its content, with escapes as they are written */
	JS_TEMPLATE, /* a part of a template between its expressions */
	JS_NUMBER,
	JS_REGEX,
	JS_SIGN, /* one character; "=>", and "${", whose other end is "}" */
};

#define JS_NONE UINT32_MAX

struct js_token {
	uint8_t kind; /* enum js_kind */
	bool line;    /* the first one of a line */
	uint32_t at, len;
	uint32_t match; /* of a bracket: its other end, otherwise JS_NONE */
	uint32_t outer; /* the bracket that is open around it, or JS_NONE */
};

struct js_tokens {
	struct js_token *v;
	size_t n, cap;
};

/* False: brackets do not fit together; the tokens are there all the same, without brackets. */
bool js_lex(struct js_tokens *out, const char *text, size_t len);
void js_tokens_free(struct js_tokens *t);

bool js_is_name_char(char c);
bool js_is_keyword(const char *p, size_t n);

#endif
