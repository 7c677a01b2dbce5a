/*
 * The tokens of a Python source file, one logical line after the other. Source: The Python Language
 * Reference, "Lexical analysis".
 */
#ifndef ELF_PYTHON_LEX_H
#define ELF_PYTHON_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum py_token_kind { PY_NAME, PY_STRING, PY_SIGN };

struct py_token {
	enum py_token_kind kind;
	uint32_t at, len; /* of a string: its content */
	uint32_t depth;	  /* brackets around it */
	bool code;	  /* a string with expressions in it: f"…" */
};

struct py_lex {
	const char *t; /* the text, borrowed; `n` bytes, of which `i` are read */
	size_t n, i;
	uint32_t line, first_line; /* the present one, and where the logical one began */
	uint32_t depth, indent;	 /* brackets that are open, columns in front of the logical line */
	struct py_token *tokens; /* of one logical line; owned */
	size_t tokens_n, tokens_cap;
};

/* Whether the byte may be part of a name; bytes of letters beyond ASCII are. */
bool py_is_name(char c);
/* Reads one logical line with a token or more; false: the text has ended. */
bool py_lex_line(struct py_lex *x);

#endif
