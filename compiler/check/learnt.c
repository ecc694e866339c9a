#include "compiler/check/learnt.h"

#include "compiler/check/checker.h"
#include "runtime/pattern.h"
#include "runtime/train_args.h"

bool learnt_is_frozen(const CnnRecipe *recipe, const char *name)
{
    const CnnStatement *start = recipe_find(recipe->train, &start_schema);
    const StartArgs *args = start ? start->args : NULL;
    return args && cnn_patterns_match(args->freeze, name) && !cnn_patterns_match(args->new, name);
}

double learnt_rate_factor(const CnnRecipe *recipe, const char *name)
{
    const CnnStatement *rates = recipe_find(recipe->train, &rates_schema);
    double factor = 1;
    for (int i = 0; rates && i < rates->body.count; i++) {
        const LayersArgs *args = rates->body.items[i].args;
        if (cnn_patterns_match(args->pattern, name))
            factor = args->factor;
    }
    return factor;
}

/* A node's name where it is a tensor of the weights: a parameter or a running statistic. */
static const char *weight_name(const Node *node, bool parameters_only)
{
    const LeafAttrs *leaf = node->op == OP_leaf ? node->attrs : NULL;
    bool wanted = leaf && (leaf->kind == LEAF_PARAMETER || (leaf->in_weights && !parameters_only));
    return wanted ? node->name : NULL;
}

int64_t learnt_frozen_count(const CnnRecipe *recipe, const Graph *graph)
{
    int64_t count = 0;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const char *name = weight_name(graph_node(graph, id), true);
        if (name && learnt_is_frozen(recipe, name))
            count += type_elements(graph_type(graph, id));
    }
    return count;
}

static bool names_something(const Graph *graph, const char *pattern)
{
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const char *name = weight_name(graph_node(graph, id), false);
        if (name && cnn_pattern_matches(pattern, name))
            return true;
    }
    return false;
}

/* Reports each pattern of a text that matches nothing. */
static void check_patterns(Checker *checker, const Graph *graph, Span span, const char *argument,
                           const char *text)
{
    char pattern[PATTERN_BYTES];
    while (text && cnn_pattern_next(&text, pattern)) {
        if (names_something(graph, pattern))
            continue;
        VEC(const char *) names = {0};
        for (size_t i = 0; i < checker->program->layers.count; i++)
            if (checker->program->layers.items[i].parameters)
                *vec_push(checker->arena, &names) = checker->program->layers.items[i].name;
        *vec_push(checker->arena, &names) = NULL;
        check_error(checker, span, "no-such-tensor", check_suggestion(checker, pattern, names.items),
                    "%s: no layer or tensor of the network is called '%s'", argument, pattern);
    }
}

static bool all_frozen(const CnnRecipe *recipe, const Graph *graph)
{
    int parameters = 0;
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const char *name = weight_name(graph_node(graph, id), true);
        if (name && !learnt_is_frozen(recipe, name))
            return false;
        parameters += name != NULL;
    }
    return parameters > 0;
}

void learnt_check(Checker *checker, const Graph *graph)
{
    const CnnRecipe *recipe = &checker->program->recipe;
    const CnnStatement *start = recipe_find(recipe->train, &start_schema);
    const CnnStatement *rates = recipe_find(recipe->train, &rates_schema);
    const StartArgs *args = start ? start->args : NULL;
    if (args) {
        check_patterns(checker, graph, checker->freeze_span, "freeze", args->freeze);
        check_patterns(checker, graph, checker->new_span, "new", args->new);
    }
    for (int i = 0; rates && i < rates->body.count; i++)
        check_patterns(checker, graph, checker->rates_span, "rates",
                       ((const LayersArgs *)rates->body.items[i].args)->pattern);
    if (args && args->freeze && all_frozen(recipe, graph))
        check_error(checker, checker->freeze_span, "all-frozen", NULL,
                    "freeze: all parameters of the network are frozen, and nothing would be learnt");
}
