/* The program as text: a model file in which every preset, name and shape is written out. */
#include <inttypes.h>
#include <string.h>

#include "compiler/check/bind.h"
#include "compiler/check/compile_args.h"
#include "compiler/check/program.h"

static void print_layers(const Program *program, Text *out)
{
    const Graph *graph = program->train;
    NodeId input = graph_find_leaf(graph, "input");
    text_printf(out, "model %s {\n    input %s\n", program->name,
                type_shape(program->arena, graph_type(graph, input)));
    for (size_t i = 0; i < program->layers.count; i++) {
        const LayerRow *row = &program->layers.items[i];
        Text line = {.arena = program->arena};
        args_print(row->word, row->schema, row->args, &line);
        text_printf(out, "    %s%sname=\"%s\"  # %s", text_string(&line),
                    strchr(text_string(&line), ' ') ? ", " : " ", row->name,
                    type_shape(program->arena, graph_type(graph, row->node)));
        text_printf(out, row->parameters ? ", %" PRId64 " parameters\n" : "\n", row->parameters);
    }
    text_printf(out, "}\n");
}

static void print_statements(CnnStatements statements, int depth, Text *out)
{
    for (int i = 0; i < statements.count; i++) {
        const CnnStatement *statement = &statements.items[i];
        text_printf(out, "%*s", 4 * depth, "");
        args_print(statement->schema->word, statement->schema, statement->args, out);
        if (statement->body.count) {
            text_printf(out, " {\n");
            print_statements(statement->body, depth + 1, out);
            text_printf(out, "%*s}", 4 * depth, "");
        }
        text_printf(out, "\n");
    }
}

void program_print(const Program *program, Text *out)
{
    print_layers(program, out);
    if (program->recipe.data.count) {
        text_printf(out, "\ndata {\n");
        print_statements(program->recipe.data, 1, out);
        text_printf(out, "}\n");
    }
    text_printf(out, "\ntrain {\n    ");
    args_print(arena_printf(program->arena, "loss %s", program->loss->schema.word), &program->loss->schema,
               program->loss_args, out);
    text_printf(out, "\n    ");
    args_print(arena_printf(program->arena, "optimizer %s", program->optimizer->schema.word),
               &program->optimizer->schema, program->optimizer_args, out);
    text_printf(out, "\n");
    print_statements(program->recipe.train, 1, out);
    text_printf(out, "}\n");
    if (program->compile.count) {
        text_printf(out, "\ncompile {\n");
        print_statements(program->compile, 1, out);
        text_printf(out, "}\n");
    }
}
