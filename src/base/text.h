/* Small questions about texts. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>

/* Whether the word stands in a list that is separated by blanks. */
bool text_has_word(const char *list, const char *word);
/* Whether it is the name, or begins as the pattern says that ends in "*"; the pattern is not empty.
 */
bool text_matches(const char *pattern, const char *name);

#endif
