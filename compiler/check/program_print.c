/* The program as text: a model file in which every preset, name and shape is written out. */
#include <inttypes.h>
#include <string.h>

#include "compiler/check/bind.h"
#include "compiler/check/compile_args.h"
#include "compiler/check/program.h"
#include "runtime/key.h"
#include "runtime/train_args.h"

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

static void print_section(const char *word, CnnStatements statements, Text *out)
{
    if (statements.count == 0)
        return;
    text_printf(out, "\n%s {\n", word);
    print_statements(statements, 1, out);
    text_printf(out, "}\n");
}

static void print_train(const Program *program, CnnStatements statements, Text *out)
{
    text_printf(out, "\ntrain {\n    ");
    args_print(arena_printf(program->arena, "loss %s", program->loss->schema.word), &program->loss->schema,
               program->loss_args, out);
    text_printf(out, "\n    ");
    args_print(arena_printf(program->arena, "optimizer %s", program->optimizer->schema.word),
               &program->optimizer->schema, program->optimizer_args, out);
    text_printf(out, "\n");
    print_statements(statements, 1, out);
    text_printf(out, "}\n");
}

void program_print(const Program *program, Text *out)
{
    print_layers(program, out);
    program_print_sections(program, program->recipe.data, program->recipe.train, out);
}

void program_print_sections(const Program *program, CnnStatements data, CnnStatements train, Text *out)
{
    print_section("data", data, out);
    print_train(program, train, out);
    print_section("compile", program->compile, out);
}

CnnStatements program_with_paths(Arena *arena, CnnStatements list,
                                 const char *(*path)(const void *context, const char *text),
                                 const void *context)
{
    CnnStatement *items = NEW_ARRAY(arena, CnnStatement, list.count);
    for (int i = 0; i < list.count; i++) {
        const Schema *schema = list.items[i].schema;
        char *args = arena_alloc(arena, schema->args_bytes);
        if (schema->args_bytes)
            memcpy(args, list.items[i].args, schema->args_bytes);
        for (const Field *field = schema->fields; field->name; field++) {
            const char **text = (const char **)(void *)(args + field->offset);
            if (field->path && *text)
                *text = path(context, *text);
        }
        items[i] = list.items[i];
        items[i].args = args;
        if (strcmp(schema->word, "archive") != 0)
            items[i].body = program_with_paths(arena, list.items[i].body, path, context);
    }
    return (CnnStatements){list.count, items};
}

static const char *no_path(const void *context, const char *text)
{
    (void)context, (void)text;
    return NULL;
}

/* Statements that say how long a training takes, what it writes, and how the samples are divided: of these,
 * the runtime compares the numbers that come of them. */
static bool is_counted(const Schema *schema)
{
    return schema == &epochs_schema || schema == &steps_schema || schema == &time_schema ||
           schema == &checkpoint_schema || schema == &batch_schema;
}

/* What is joined with what, which the layers' rows do not say; without the sizes, of which the batch is one.
 */
static Key key_of_joints(const Graph *graph)
{
    Key key = key_start();
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        key = key_add_number(key, node->op);
        for (int i = 0; i < node->in_count; i++)
            key = key_add_number(key, node->in[i]);
    }
    return key;
}

const char *program_recipe_text(const Program *program)
{
    Text text = {.arena = program->arena};
    CnnStatement *kept = NEW_ARRAY(program->arena, CnnStatement, program->recipe.train.count);
    CnnStatements train = {0, kept};
    for (int i = 0; i < program->recipe.train.count; i++)
        if (!is_counted(program->recipe.train.items[i].schema))
            kept[train.count++] = program->recipe.train.items[i];
    print_layers(program, &text);
    print_section("data", program_with_paths(program->arena, program->recipe.data, no_path, NULL), &text);
    print_train(program, program_with_paths(program->arena, train, no_path, NULL), &text);
    Key key = key_of_joints(program->train);
    text_printf(&text, "joints %016" PRIx64 "%016" PRIx64 "\n", key.high, key.low);
    return text_string(&text);
}
