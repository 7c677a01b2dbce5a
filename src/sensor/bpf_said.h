/* What libbpf says, for error messages. */
#ifndef SENSOR_BPF_SAID_H
#define SENSOR_BPF_SAID_H

/* From now on its warnings are kept, and nothing is printed. */
void bpf_said_begin(void);
/* The first one since then, without the end of its line; "" when there was none. */
const char *bpf_said(void);

#endif
