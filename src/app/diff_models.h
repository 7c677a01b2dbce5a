/* What one workload model has and another has not. */
#ifndef APP_DIFF_MODELS_H
#define APP_DIFF_MODELS_H

#include <json-c/json.h>

#include "base/buf.h"
#include "model/workload.h"

struct model_diff;

/* Only what happened in one of `phases`. Both models are sorted; nothing of them is kept. */
struct model_diff *diff_models(struct workload *a, struct workload *b, uint32_t phases);
void model_diff_free(struct model_diff **d);
#define cleanup_model_diff cleanup(model_diff_free)

size_t model_diff_count(const struct model_diff *d);
void model_diff_text(const struct model_diff *d, const char *a, const char *b, struct buf *out);
/* Format boltseal.diff/1, kind "workload". Belongs to the caller. */
struct json_object *model_diff_json(const struct model_diff *d, const char *a, const char *b);

#endif
