#include "compiler/exchange/sequence.h"

#include <string.h>

/* What is known of the graph: layers are numbered so that each reads smaller numbers only. */
enum { DEPTH_MAX = 40 }; /* more than anybody reads; the language has a limit, too */

typedef struct {
    const Network *network;
    Arena *arena;
    bool *live;   /* the output depends on it */
    int *readers; /* how often its value is read */
    int *meeting; /* the first layer that all ways from it to the output lead through; -1 for the output */
    const char **names; /* of values that have one */
    int name_count;
    int depth; /* of bodies in bodies */
} Maker;

static const NetworkLayer *layer_of(const Maker *maker, int layer)
{
    return &maker->network->layers.items[layer];
}

static bool is_join(const Maker *maker, int layer)
{
    return layer_of(maker, layer)->in.count > 1;
}

/* ---- Analysis ---- */

static void find_live(Maker *maker)
{
    int output = maker->network->output;
    maker->live[output] = true;
    for (int i = output; i >= 0; i--) {
        const NetworkLayer *layer = layer_of(maker, i);
        for (size_t k = 0; maker->live[i] && k < layer->in.count; k++) {
            int in = layer->in.items[k];
            maker->live[in] = true;
            maker->readers[in]++;
        }
    }
}

/* The first layer that the ways from two lead through together. */
static int common(const Maker *maker, int a, int b)
{
    while (a != b) {
        if (a < b)
            a = maker->meeting[a];
        else
            b = maker->meeting[b];
    }
    return a;
}

static void find_meetings(Maker *maker)
{
    int output = maker->network->output;
    for (int i = 0; i <= output; i++)
        maker->meeting[i] = -1;
    for (int i = output; i >= 0; i--) { /* all its readers have been seen, so its own meeting is known */
        const NetworkLayer *layer = layer_of(maker, i);
        for (size_t k = 0; maker->live[i] && k < layer->in.count; k++) {
            int in = layer->in.items[k];
            maker->meeting[in] = maker->meeting[in] < 0 ? i : common(maker, maker->meeting[in], i);
        }
    }
}

/* ---- Structured joins ---- */

/* One of the ways from `entry` to a join: the layers that have its mark. */
typedef struct {
    int entry, mark;
    const int *marks;
} Branch;

static bool is_within(const Branch *branch, int layer)
{
    return !branch || branch->marks[layer] == branch->mark;
}

/* Marks the layers that lead from `entry` to `to` with `mark`; false where one of them is marked already, or
 * reads what was made before the entry. */
static bool mark_branch(const Maker *maker, int entry, int to, int mark, int *marks)
{
    VEC(int) open = {0};
    if (to == entry)
        return true;
    *vec_push(maker->arena, &open) = to;
    while (open.count > 0) {
        int at = open.items[--open.count];
        if (at < entry || (marks[at] && marks[at] != mark))
            return false;
        if (marks[at])
            continue;
        marks[at] = mark;
        const NetworkLayer *layer = layer_of(maker, at);
        for (size_t k = 0; k < layer->in.count; k++)
            if (layer->in.items[k] != entry)
                *vec_push(maker->arena, &open) = layer->in.items[k];
    }
    return true;
}

/* Whether the ways from `entry` to the join share nothing. */
static bool is_branched(const Maker *maker, int entry, int join, int *marks)
{
    const NetworkLayer *layer = layer_of(maker, join);
    if (!is_join(maker, join))
        return false;
    for (size_t k = 0; k < layer->in.count; k++)
        if (!mark_branch(maker, entry, layer->in.items[k], (int)k + 1, marks))
            return false;
    int straight = 0; /* the entry itself, which more than one branch may be */
    for (size_t k = 0; k < layer->in.count; k++)
        straight += layer->in.items[k] == entry;
    return straight <= 1;
}

static bool make_body(Maker *maker, const Branch *branch, int exit, Sequence *out);

static bool make_join(Maker *maker, int entry, int join, const int *marks, Piece *piece)
{
    const NetworkLayer *layer = layer_of(maker, join);
    bool sum = strcmp(layer->word, "add") == 0 && layer->in.count == 2;
    int straight = -1;
    for (size_t k = 0; k < layer->in.count; k++)
        if (layer->in.items[k] == entry)
            straight = (int)k;
    piece->layer = join;
    piece->residual = sum && straight >= 0;
    piece->bodies = NEW_ARRAY(maker->arena, Sequence, layer->in.count);
    for (size_t k = 0; k < layer->in.count; k++) {
        if (piece->residual && (int)k == straight)
            continue;
        const Branch branch = {entry, (int)k + 1, marks};
        if (!make_body(maker, &branch, layer->in.items[k], &piece->bodies[piece->body_count++]))
            return false;
    }
    return true;
}

/* ---- Named values ---- */

static const char *name_value(Maker *maker, int layer)
{
    if (!maker->names[layer])
        maker->names[layer] = arena_printf(maker->arena, "v%d", ++maker->name_count);
    return maker->names[layer];
}

/* The statement of a layer where `current` is the value before it. */
static Piece named_piece(Maker *maker, int id, int current)
{
    const NetworkLayer *layer = layer_of(maker, id);
    Piece piece = {.layer = id};
    bool ordered = strcmp(layer->word, "concat") == 0;
    size_t first = 0;
    for (size_t k = 0; k < layer->in.count && !ordered; k++)
        if (layer->in.items[k] == current)
            first = k;
    if (layer->in.items[first] != current)
        piece.from = name_value(maker, layer->in.items[first]);
    Text joins = {.arena = maker->arena};
    for (size_t k = 0; k < layer->in.count; k++)
        if (k != first)
            text_printf(&joins, "%s%s", joins.length ? ", " : "", name_value(maker, layer->in.items[k]));
    if (joins.length > 0)
        piece.joins = text_string(&joins);
    return piece;
}

/* Everything between `entry` and `exit`, in the order of the numbers; false where a layer reads what was made
 * before. `branch`: that this is in, or NULL. */
static bool make_named(Maker *maker, const Branch *branch, int entry, int exit, Sequence *out)
{
    bool *within = NEW_ARRAY(maker->arena, bool, exit + 1);
    size_t begun = out->pieces.count;
    int current = entry;
    within[entry] = true;
    for (int i = entry + 1; i <= exit; i++) {
        const NetworkLayer *layer = layer_of(maker, i);
        size_t inside = 0;
        for (size_t k = 0; maker->live[i] && k < layer->in.count; k++)
            inside += layer->in.items[k] >= entry && within[layer->in.items[k]];
        if (inside == 0 || !is_within(branch, i))
            continue; /* of another branch */
        if (inside < layer->in.count)
            return false;
        within[i] = true;
    }
    for (int i = entry; i <= exit; i++)
        maker->names[i] = NULL; /* what an attempt has left */
    if (begun == 0)
        maker->names[entry] = "in";
    for (int i = entry + 1; i <= exit; i++)
        if (within[i]) {
            *vec_push(maker->arena, &out->pieces) = named_piece(maker, i, current);
            current = i;
        }
    for (size_t p = begun ? begun - 1 : 0; p < out->pieces.count; p++)
        out->pieces.items[p].value = maker->names[out->pieces.items[p].layer];
    return true;
}

/* ---- Sequences ---- */

/* The first layer that all ways from a value lead through within a branch; *readings: how often it is read
 * there. */
static int meeting_within(const Maker *maker, const Branch *branch, int from, int exit, int *readings)
{
    int next = maker->meeting[from];
    *readings = maker->readers[from];
    if (!branch || from != branch->entry)
        return next;
    next = -1;
    *readings = 0;
    for (int i = from + 1; i <= exit; i++) {
        const NetworkLayer *layer = layer_of(maker, i);
        for (size_t k = 0; is_within(branch, i) && k < layer->in.count; k++) {
            if (layer->in.items[k] != from)
                continue;
            next = next < 0 ? i : common(maker, next, i);
            ++*readings;
        }
    }
    return next;
}

/* Adds what leads from `entry` to `exit`, in a branch or (NULL) in the whole network. */
static bool make_sequence(Maker *maker, const Branch *branch, int entry, int exit, Sequence *out)
{
    int current = entry;
    while (current != exit) {
        int readings, next = meeting_within(maker, branch, current, exit, &readings);
        if (next < 0 || next > exit)
            return false;
        Piece piece = {.layer = next};
        if (readings == 1 && !is_join(maker, next)) {
            *vec_push(maker->arena, &out->pieces) = piece;
        } else {
            int *marks = NEW_ARRAY(maker->arena, int, next + 1);
            if (is_branched(maker, current, next, marks) && make_join(maker, current, next, marks, &piece))
                *vec_push(maker->arena, &out->pieces) = piece;
            else if (!make_named(maker, branch, current, next, out))
                return false;
        }
        current = next;
    }
    return true;
}

static bool make_body(Maker *maker, const Branch *branch, int exit, Sequence *out)
{
    maker->depth++;
    bool made = maker->depth <= DEPTH_MAX && make_sequence(maker, branch, branch->entry, exit, out);
    maker->depth--;
    return made;
}

Sequence sequence_make(const Network *network)
{
    size_t count = network->layers.count;
    Arena *arena = network->arena;
    Maker maker = {.network = network,
                   .arena = arena,
                   .live = NEW_ARRAY(arena, bool, count),
                   .readers = NEW_ARRAY(arena, int, count),
                   .meeting = NEW_ARRAY(arena, int, count),
                   .names = NEW_ARRAY(arena, const char *, count)};
    find_live(&maker);
    find_meetings(&maker);
    Sequence sequence = {0};
    *vec_push(arena, &sequence.pieces) = (Piece){.layer = 0};
    if (make_sequence(&maker, NULL, 0, network->output, &sequence))
        return sequence;
    sequence.pieces.count = 1;
    sequence.pieces.items[0] = (Piece){.layer = 0};
    memset(maker.names, 0, count * sizeof *maker.names);
    make_named(&maker, NULL, 0, network->output, &sequence);
    return sequence;
}

void sequence_walk(const Sequence *sequence, void (*take)(void *context, int layer), void *context)
{
    for (size_t i = 0; i < sequence->pieces.count; i++) {
        const Piece *piece = &sequence->pieces.items[i];
        for (int k = 0; k < piece->body_count; k++)
            sequence_walk(&piece->bodies[k], take, context);
        take(context, piece->layer);
    }
}
