/* `cnnc emit --stage …`: prints any of the nouns between a model and its code. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/base/source.h"
#include "compiler/commands/model.h"
#include "compiler/cpu/cpu.h"
#include "compiler/link/link.h"
#include "compiler/syntax/ast.h"

/* In the order of the pipeline. */
static const char *const stages[] = {"ast",  "program", "graph", "plan", "kernel",
                                     "llvm", "asm",     "cuda",  NULL};
typedef enum {
    STAGE_AST,
    STAGE_PROGRAM,
    STAGE_GRAPH,
    STAGE_PLAN,
    STAGE_KERNEL,
    STAGE_LLVM,
    STAGE_ASM,
    STAGE_CUDA,
    STAGES
} Stage;

static CnnStatus emit_ast(const Options *options)
{
    Arena *arena = options->arena;
    Diag *diag = diag_new(arena);
    Span source;
    Text out = {.arena = arena};
    if (source_read(diag, (Span){0}, options->words[0], &source)) {
        Ast *ast = ast_parse(arena, diag, source);
        if (diag_errors(diag) == 0)
            ast_print(ast, &out);
    }
    CnnStatus status = diag_errors(diag) ? CNN_BAD_INPUT : CNN_OK;
    diag_print(diag, stderr);
    fputs(text_string(&out), stdout);
    return status;
}

static void print_schedule(const Computation *computation, const CpuSchedule *schedule, Text *out)
{
    text_printf(out, "  loops");
    for (int i = 0; i < schedule->order_count; i++) {
        int axis = schedule->order[i];
        text_printf(out, " %s", computation->axes[axis].name);
        if (schedule->block[axis])
            text_printf(out, " by %" PRId64, schedule->block[axis]);
    }
    text_printf(out, "; tile");
    if (schedule->row_axis >= 0)
        text_printf(out, " %d rows of %s", schedule->rows, computation->axes[schedule->row_axis].name);
    if (schedule->vector_axis >= 0)
        text_printf(out, " %d vectors of %s", schedule->vectors,
                    computation->axes[schedule->vector_axis].name);
    else
        text_printf(out, " scalar");
    text_printf(out, "; inside");
    for (int i = 0; i < schedule->reduce_count; i++)
        text_printf(out, " %s%s", computation->axes[schedule->reduce[i]].name,
                    schedule->unrolled[schedule->reduce[i]] ? " (unrolled)" : "");
    text_printf(out, "; unroll %d\n", schedule->unroll);
}

/* The name of a kernel as one of C, which no other has. */
static const char *identifier(Arena *arena, const char *name, int number)
{
    char *text = arena_printf(arena, "k%d_%s", number, name);
    for (char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at))
            *at = '_';
    return text;
}

static void print_kernel(const Session *session, const Kernel *kernel, int number, Stage stage, Text *out)
{
    if (stage == STAGE_KERNEL) {
        computation_print(kernel->computation, out);
        if (session->gpu)
            cuda_schedule_print(&kernel->cuda, out);
        else
            print_schedule(kernel->computation, &kernel->cpu, out);
    } else if (stage == STAGE_CUDA) {
        text_printf(out, "%s",
                    cuda_text(kernel->computation, &kernel->cuda,
                              identifier(session->arena, kernel->name, number), session->arena));
    } else {
        text_printf(out, "%s",
                    cpu_print(session->target, kernel, kernel->name, stage == STAGE_ASM, session->arena));
    }
    text_printf(out, "\n");
}

static CnnStatus print_kernels(const Options *options, Model *model, const Plan *plan, Stage stage, Text *out)
{
    int count, printed = 0;
    Kernel **kernels = link_kernels(model->session->arena, plan, &count);
    for (int k = 0; k < count; k++) {
        if (options->kernel && !strstr(kernels[k]->name, options->kernel))
            continue;
        print_kernel(model->session, kernels[k], k, stage, out);
        printed++;
    }
    if (printed > 0 || count == 0)
        return CNN_OK;
    return command_fail(CNN_BAD_USAGE, "emit: no kernel's name contains '%s'; --stage kernel prints all",
                        options->kernel);
}

/* Runs the pipeline as far as `stage`. */
static CnnStatus emit_stage(const Options *options, Model *model, Stage stage, Text *out)
{
    if (stage == STAGE_PROGRAM) {
        program_print(model->checked, out);
        return CNN_OK;
    }
    const char *complaint;
    if (stage == STAGE_CUDA && !model->session->gpu)
        model->session->gpu = cuda_target(model->session->arena, "sm_90", &complaint);
    const Graph *graph = driver_graph(model->session, model->program, !options->of_evaluation);
    if (!graph)
        return model_report(model);
    if (stage == STAGE_GRAPH) {
        graph_print(graph, out);
        return CNN_OK;
    }
    const Plan *plan = driver_plan(model->session, graph);
    if (stage == STAGE_PLAN) {
        plan_print(plan, out);
        return CNN_OK;
    }
    return print_kernels(options, model, plan, stage, out);
}

CnnStatus command_emit(const Options *options)
{
    Stage stage = STAGE_AST;
    if (!options->stage)
        return command_fail(
            CNN_BAD_USAGE,
            "emit: --stage must say which: ast, program, graph, plan, kernel, llvm, asm or cuda");
    while (stage < STAGES && strcmp(stages[stage], options->stage) != 0)
        stage++;
    if (stage == STAGES) {
        const char *similar = nearest_name(options->stage, stages);
        return command_fail(CNN_BAD_USAGE, "emit: there is no stage '%s'%s%s%s", options->stage,
                            similar ? "; did you mean '" : "", similar ? similar : "", similar ? "'?" : "");
    }
    if (stage == STAGE_AST)
        return emit_ast(options);
    Model model;
    TRY(model_open(options, &model));
    Text out = {.arena = model.session->arena};
    CnnStatus status = emit_stage(options, &model, stage, &out);
    fputs(text_string(&out), stdout);
    model_close(&model);
    return status;
}
