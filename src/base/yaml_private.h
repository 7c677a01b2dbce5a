/* What the files of the YAML reader share. Only yaml*.c include this. */
#ifndef BASE_YAML_PRIVATE_H
#define BASE_YAML_PRIVATE_H

#include "base/yaml.h"

/* The type of a plain scalar without tag. */
enum yaml_type yaml_plain_type(const char *text, size_t len);
/* The type that a tag of YAML's own gives; YAML_STR for others. */
enum yaml_type yaml_tag_type(const char *tag);

#endif
