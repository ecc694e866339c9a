/* `cnnc explain`: the model with the kernels that each line became, what was fused, and why the rest was not.
 */
#include "compiler/commands/explain.h"

#include "compiler/base/source.h"
#include "compiler/commands/report.h"
#include "compiler/schedule/lower.h"

enum { MEASURED_IMAGES = 256 };

bool explain_row_has(const Explanation *explanation, const KernelRow *row, int layer)
{
    const Plan *plan = explanation->table->plan;
    const Group *group = &plan->groups.items[row->group];
    for (size_t i = 0; i < group->members.count; i++) {
        NodeId id = group->members.items[i];
        if (explanation->table->layer_of[id] == layer && node_counts(graph_node(plan->graph, id)))
            return true;
    }
    return false;
}

void explain_bytes(const Explanation *explanation, double *moved, double *unfused)
{
    *moved = *unfused = 0;
    for (size_t i = 0; i <= explanation->program->layers.count; i++) {
        *moved += parts_sum(&explanation->bytes[i]);
        *unfused += parts_sum(&explanation->unfused[i]);
    }
}

/* Bytes and kernels with each operation in a kernel of its own. */
static bool find_unfused(Explanation *explanation, bool training)
{
    Session *session = explanation->model->session;
    PlanOptions options = {.cache_bytes = session->target->l2_bytes};
    FusionOptions kept = session->fusions;
    for (int i = 0; i < FUSION_COUNT; i++)
        options.fusions.off[i] = true;
    session->fusions = options.fusions;
    const Graph *graph = driver_graph(session, explanation->program, training);
    session->fusions = kept;
    if (!graph)
        return false;
    Plan *plan = plan_make(explanation->arena, graph, &options);
    lower_plan(plan);
    explanation->unfused_kernels = (int)plan->groups.count;
    explanation->unfused =
        kernels_layer_bytes(session, kernels_describe(session, explanation->program, plan));
    return true;
}

/* A rule may refuse a node at several groups; the reason that tells most comes first in refusals.def. */
static bool tells_most(const Plan *plan, const Refusal *refusal)
{
    for (size_t i = 0; i < plan->refusals.count; i++) {
        const Refusal *other = &plan->refusals.items[i];
        if (other->node == refusal->node &&
            (other->why < refusal->why || (other->why == refusal->why && other < refusal)))
            return false;
    }
    return true;
}

static void add_apart(Explanation *explanation, const Apart *apart, StepPart part)
{
    Apart *known = NULL;
    for (size_t i = 0; i < explanation->aparts.count && !known; i++)
        if (explanation->aparts.items[i].layer == apart->layer &&
            explanation->aparts.items[i].why == apart->why)
            known = &explanation->aparts.items[i];
    if (!known) {
        known = vec_push(explanation->arena, &explanation->aparts);
        *known = *apart;
    }
    known->in[part] = true;
}

static void find_aparts(Explanation *explanation)
{
    const KernelTable *table = explanation->table;
    for (size_t i = 0; i < table->plan->refusals.count; i++) {
        const Refusal *refusal = &table->plan->refusals.items[i];
        StepPart part = table->part_of[refusal->node];
        Apart apart = {.layer = table->layer_of[refusal->node],
                       .other = -1,
                       .why = refusal->why,
                       .detail = refusal->detail};
        if (refusal->operand != NODE_NONE)
            apart.other = table->layer_of[plan_root(table->plan->graph, refusal->operand)];
        if (refusal->why == REFUSED_PARTIAL_SUM) /* a consequence of others: sums over slices end the sums */
            continue;
        if (apart.layer >= 0 && part != STEP_UPDATE && tells_most(table->plan, refusal))
            add_apart(explanation, &apart, part);
    }
}

bool explain_fill(Explanation *explanation, const Plan *plan, bool training)
{
    const Program *program = explanation->program;
    Session *session = explanation->model->session;
    explanation->table = kernels_describe(session, program, plan);
    explanation->bytes = kernels_layer_bytes(session, explanation->table);
    explanation->line_of = NEW_ARRAY(explanation->arena, int, program->layers.count);
    for (size_t i = 0; i < program->layers.count; i++)
        explanation->line_of[i] = diag_place(session->diag, program->layers.items[i].at).line;
    find_aparts(explanation);
    return find_unfused(explanation, training);
}

static CnnStatus finish(const Options *options, Explanation *explanation, const Plan *plan)
{
    const Model *model = explanation->model;
    Text out = {.arena = explanation->arena};
    CnnError error = {0};
    Span source;
    size_t length;
    if (!explain_fill(explanation, plan, !options->of_evaluation) ||
        !source_read(model->session->diag, (Span){0, 0}, model->path, &source))
        return model_report(model);
    const char *text = diag_source(model->session->diag, source, &length);
    explain_print(explanation, text, length, &out);
    fputs(text_string(&out), stdout);
    if (options->json && report_write(options->json, explain_json(explanation), &error) != CNN_OK)
        return command_fail(error.status, "%s", error.text);
    return CNN_OK;
}

static CnnStatus measure(const Options *options, Explanation *explanation)
{
    Model *model = (Model *)explanation->model;
    Linked linked;
    Bench bench = {0};
    CnnError error = {0};
    BenchOptions wanted = {
        .windows = 1, .seconds = 1, .images = MEASURED_IMAGES, .evaluation = options->of_evaluation};
    TRY(model_compile(model, true, &linked));
    CnnStatus status = bench_open(&bench, model, &linked, &wanted, &error);
    if (status == CNN_OK) {
        bench_measure(&bench);
        bench_profile(&bench);
        explanation->bench = &bench;
        status = finish(options, explanation, options->of_evaluation ? linked.eval : linked.train);
    } else {
        command_fail(status, "%s", error.text);
    }
    bench_close(&bench);
    driver_unlink(&linked);
    return status;
}

CnnStatus command_explain(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    Explanation explanation = {.arena = model.session->arena, .model = &model, .program = model.program};
    CnnStatus status = report_check(options->json, NULL, &model.checked->recipe);
    if (status == CNN_OK && options->measure) {
        status = measure(options, &explanation);
    } else if (status == CNN_OK) {
        const Graph *graph = driver_graph(model.session, model.program, !options->of_evaluation);
        status =
            graph ? finish(options, &explanation, driver_plan(model.session, graph)) : model_report(&model);
    }
    model_close(&model);
    return status;
}
