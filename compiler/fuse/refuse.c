/* Notes on what was not fused, for `cnnc explain`. */
#include <inttypes.h>

#include "compiler/fuse/grouping.h"
#include "compiler/ops/window.h"

const RefusalInfo refusal_table[REFUSAL_COUNT] = {
#define REFUSAL(id, why, change) [REFUSED_##id] = {why, change},
#include "compiler/fuse/refusals.def"
#undef REFUSAL
};

bool grouping_refuse(Grouping *grouping, NodeId node, NodeId operand, RefusalId why, const char *detail)
{
    *vec_push(grouping->plan->arena, &grouping->plan->refusals) =
        (Refusal){.node = node, .operand = operand, .why = why, .detail = detail};
    return false;
}

bool grouping_refuse_off(Grouping *grouping, NodeId node, NodeId operand, FusionId fusion)
{
    const char *flag = arena_printf(grouping->plan->arena, "--no-%s", fusion_table[fusion].name);
    return grouping_refuse(grouping, node, operand, REFUSED_SWITCHED_OFF, flag);
}

bool grouping_refuse_window(Grouping *grouping, NodeId node, RefusalId why)
{
    const WindowAttrs *window = grouping_node(grouping, node)->attrs;
    const char *detail = arena_printf(
        grouping->plan->arena, "a window of %" PRId64 "x%" PRId64 ", stride %" PRId64 "x%" PRId64,
        window->window_height, window->window_width, window->stride_y, window->stride_x);
    return grouping_refuse(grouping, node, grouping_node(grouping, node)->in[0], why, detail);
}
