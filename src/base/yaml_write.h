/*
 * YAML output: a JSON value in block style (YAML 1.2, https://yaml.org/spec/1.2.2/). What is a
 * string comes back as that string from readers of YAML 1.1 as well, where bare words such as
 * `no`, `on`, `1:30` and `0x10` are no strings.
 */
#ifndef BASE_YAML_WRITE_H
#define BASE_YAML_WRITE_H

#include "base/buf.h"
#include "base/json.h"

/*
 * Appends the value as one document, without "---", with a final newline. Members keep their order.
 * Text that is not UTF-8 cannot be written in YAML: such a byte becomes U+FFFD; who needs the bytes
 * escapes them before (json_put_bytes).
 */
void yaml_write(struct json_object *v, struct buf *out);

#endif
