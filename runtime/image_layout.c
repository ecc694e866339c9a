/* The tables themselves: one row for each member that is stored. */
#include "runtime/image_layout.h"

#define INT(T, member)                                                                                       \
    {                                                                                                        \
        .kind = MEMBER_INT, .offset = offsetof(T, member)                                                    \
    }
#define WIDE(T, member)                                                                                      \
    {                                                                                                        \
        .kind = MEMBER_64, .offset = offsetof(T, member)                                                     \
    }
#define BOOLEAN(T, member)                                                                                   \
    {                                                                                                        \
        .kind = MEMBER_BOOL, .offset = offsetof(T, member)                                                   \
    }
#define TEXT(T, member)                                                                                      \
    {                                                                                                        \
        .kind = MEMBER_TEXT, .offset = offsetof(T, member)                                                   \
    }
#define INSIDE(T, member, of)                                                                                \
    {                                                                                                        \
        .kind = MEMBER_STRUCT, .offset = offsetof(T, member), .layout = &(of)                                \
    }
#define ARRAY(T, member, number, of)                                                                         \
    {                                                                                                        \
        .kind = MEMBER_STRUCTS, .offset = offsetof(T, member), .count = offsetof(T, number), .layout = &(of) \
    }
#define STATEMENTS(T, member, where)                                                                         \
    {                                                                                                        \
        .kind = MEMBER_STATEMENTS, .offset = offsetof(T, member), .places = (where)                          \
    }
#define LAYOUT(storage, name, T, ...)                                                                        \
    static const Member name##_members[] = {__VA_ARGS__};                                                    \
    storage Layout name = {sizeof(T), name##_members, (int)(sizeof name##_members / sizeof(Member))}

_Static_assert(sizeof(Segment) == sizeof(int) && sizeof(DurationUnit) == sizeof(int),
               "enumerations are stored as int");
_Static_assert(sizeof(double) == 8, "double is stored as 8 bytes");

/* Values of arguments. */
LAYOUT(static const, integer_layout, int64_t, {.kind = MEMBER_64});
LAYOUT(static const, boolean_layout, bool, {.kind = MEMBER_BOOL});
LAYOUT(static const, text_layout, const char *, {.kind = MEMBER_TEXT});
LAYOUT(static const, word_layout, int, {.kind = MEMBER_INT});
LAYOUT(static const, dims_layout, Dims, INT(Dims, count), WIDE(Dims, value[0]), WIDE(Dims, value[1]),
       WIDE(Dims, value[2]), WIDE(Dims, value[3]), WIDE(Dims, value[4]), WIDE(Dims, value[5]));
LAYOUT(static const, range_layout, Range, WIDE(Range, low), WIDE(Range, high));
LAYOUT(static const, reals_layout, Reals, ARRAY(Reals, value, count, integer_layout));
LAYOUT(static const, names_layout, Names, ARRAY(Names, value, count, text_layout));
LAYOUT(static const, duration_layout, Duration, WIDE(Duration, value), INT(Duration, unit));
LAYOUT(static const, amount_layout, Amount, WIDE(Amount, value), BOOLEAN(Amount, share));
LAYOUT(static const, length_layout, Length, WIDE(Length, value), BOOLEAN(Length, share));
LAYOUT(static const, padding_layout, Padding, INT(Padding, mode), WIDE(Padding, top), WIDE(Padding, bottom),
       WIDE(Padding, left), WIDE(Padding, right));

const Layout *field_layout(FieldKind kind)
{
    switch (kind) {
    case FIELD_INTEGER:
    case FIELD_REAL:
    case FIELD_SHARE:
    case FIELD_ANGLE:
        return &integer_layout;
    case FIELD_BOOLEAN:
        return &boolean_layout;
    case FIELD_TEXT:
        return &text_layout;
    case FIELD_WORD:
        return &word_layout;
    case FIELD_DIMS:
    case FIELD_WINDOW:
        return &dims_layout;
    case FIELD_RANGE:
        return &range_layout;
    case FIELD_REALS:
        return &reals_layout;
    case FIELD_NAMES:
        return &names_layout;
    case FIELD_DURATION:
        return &duration_layout;
    case FIELD_LENGTH:
        return &length_layout;
    case FIELD_AMOUNT:
        return &amount_layout;
    case FIELD_PADDING:
        return &padding_layout;
    case FIELD_VALUES: /* nodes of a graph, which are not part of an image */
        return NULL;
    }
    return NULL;
}

/* The image. */
LAYOUT(const, statement_layout, CnnStatement, TEXT(CnnStatement, where));
LAYOUT(static const, buffer_layout, CnnBuffer, TEXT(CnnBuffer, name), INT(CnnBuffer, segment),
       INT(CnnBuffer, dtype), INT(CnnBuffer, lead), WIDE(CnnBuffer, offset), WIDE(CnnBuffer, bytes),
       WIDE(CnnBuffer, lead_bytes), INT(CnnBuffer, part), TEXT(CnnBuffer, where));
LAYOUT(static const, step_layout, CnnStep, TEXT(CnnStep, name), TEXT(CnnStep, label), TEXT(CnnStep, where),
       WIDE(CnnStep, flops), WIDE(CnnStep, bytes), INT(CnnStep, code),
       ARRAY(CnnStep, buffers, buffer_count, word_layout), ARRAY(CnnStep, writes, write_count, word_layout),
       WIDE(CnnStep, extent), WIDE(CnnStep, grain));
LAYOUT(static const, phase_layout, CnnPhase, INT(CnnPhase, kind), INT(CnnPhase, when),
       INT(CnnPhase, first_step), INT(CnnPhase, step_count), WIDE(CnnPhase, chunk));
LAYOUT(static const, metric_layout, CnnMetric, TEXT(CnnMetric, name), INT(CnnMetric, buffer));
LAYOUT(static const, program_layout, CnnProgram, WIDE(CnnProgram, batch), WIDE(CnnProgram, slice),
       ARRAY(CnnProgram, buffers, buffer_count, buffer_layout),
       ARRAY(CnnProgram, steps, step_count, step_layout),
       ARRAY(CnnProgram, phases, phase_count, phase_layout), WIDE(CnnProgram, batch_bytes),
       WIDE(CnnProgram, worker_bytes), INT(CnnProgram, loss), INT(CnnProgram, logits),
       ARRAY(CnnProgram, metrics, metric_count, metric_layout), INT(CnnProgram, finite),
       BOOLEAN(CnnProgram, scaled));
LAYOUT(static const, tensor_layout, CnnTensor, TEXT(CnnTensor, name), INT(CnnTensor, dtype),
       INT(CnnTensor, rank), WIDE(CnnTensor, dim[0]), WIDE(CnnTensor, dim[1]), WIDE(CnnTensor, dim[2]),
       WIDE(CnnTensor, dim[3]), WIDE(CnnTensor, dim[4]), WIDE(CnnTensor, dim[5]), WIDE(CnnTensor, offset),
       BOOLEAN(CnnTensor, trainable), BOOLEAN(CnnTensor, in_weights), INT(CnnTensor, init),
       WIDE(CnnTensor, init_a), {.kind = MEMBER_U32, .offset = offsetof(CnnTensor, init_key)});
_Static_assert(DIMS_MAX == 6, "the members of Dims and of a tensor's dim are listed one by one");

LAYOUT(static const, source_layout, CnnSource, TEXT(CnnSource, name), TEXT(CnnSource, text));

LAYOUT(const, image_layout, CnnImage, TEXT(CnnImage, recipe.model_name), TEXT(CnnImage, recipe.model_path),
       WIDE(CnnImage, recipe.rate), STATEMENTS(CnnImage, recipe.data, IN_DATA),
       STATEMENTS(CnnImage, recipe.train, IN_TRAIN), TEXT(CnnImage, summary), TEXT(CnnImage, recipe_text),
       ARRAY(CnnImage, sources, source_count, source_layout), INSIDE(CnnImage, input_shape, dims_layout),
       WIDE(CnnImage, classes), INT(CnnImage, output), INT(CnnImage, input_dtype), INT(CnnImage, label_dtype),
       WIDE(CnnImage, label_width), INSIDE(CnnImage, train, program_layout),
       INSIDE(CnnImage, eval, program_layout), ARRAY(CnnImage, tensors, tensor_count, tensor_layout),
       WIDE(CnnImage, state_bytes),
       {.kind = MEMBER_BYTES, .offset = offsetof(CnnImage, table), .count = offsetof(CnnImage, table_bytes)},
       INT(CnnImage, code_count), TEXT(CnnImage, target), TEXT(CnnImage, needs));

const char *const step_part_names[STEP_PARTS] = {"forward", "backward", "update"};
