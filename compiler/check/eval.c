/* Expressions to values. A mistake gives VALUE_POISON, which everything that reads it passes on in silence.
 */
#include "compiler/check/checker.h"

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"

/* Of expressions within expressions: `1+1+1+…` is as deep as it is long. */
enum { EXPRESSION_DEPTH_MAX = 500 };

static Value eval_at(Checker *checker, const Scope *scope, const AstExpr *expr, int depth);

static bool is_poison(const Value *value)
{
    return value->kind == VALUE_POISON || (value->kind == VALUE_TENSOR && value->node == POISON);
}

/* Whether an expression is a name that stands for something. */
static bool is_bound(Checker *checker, const Scope *scope, const AstExpr *expr)
{
    while (expr->kind == AST_PAREN)
        expr = expr->items[0];
    return expr->kind != AST_NAME || scope_find(checker, scope, expr->text);
}

/* The value of an operand. A word can come only from a name that stands for one. */
static Value eval_operand(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    Value value = eval_at(checker, scope, expr, depth);
    if (value.kind == VALUE_WORD && !is_bound(checker, scope, expr)) {
        scope_unknown(checker, scope, value.text, value.span);
        return value_poison(value.span);
    }
    return value;
}

static Value value_dims(Checker *checker, Span span, int count, const int64_t *dim)
{
    Value *items = NEW_ARRAY(checker->arena, Value, count);
    for (int i = 0; i < count; i++)
        items[i] = (Value){.kind = VALUE_INTEGER, .span = span, .integer = dim[i]};
    return (Value){.kind = VALUE_LIST, .span = span, .count = count, .items = items};
}

static Value eval_data_field(Checker *checker, const AstExpr *expr)
{
    static const char *const fields[] = {"classes", "shape", NULL};
    bool classes = strcmp(expr->text, "classes") == 0;
    if (!classes && strcmp(expr->text, "shape") != 0) {
        check_error(checker, expr->span, "unknown-field", check_suggestion(checker, expr->text, fields),
                    "'data' has no field '%s'; it has classes and shape", expr->text);
        return value_poison(expr->span);
    }
    switch (checker->data_state) {
    case DATA_OPEN:
        break;
    case DATA_FAILED:
        return value_poison(expr->span);
    case DATA_NOT_YET:
        check_error(checker, expr->span, "unknown-data", NULL,
                    "'data.%s' is not known here: it is when the data has been opened, in the model",
                    expr->text);
        return value_poison(expr->span);
    case DATA_NOT_READ:
        check_error(checker, expr->span, "unknown-data", NULL, "'data.%s' is not known: the data is not read",
                    expr->text);
        return value_poison(expr->span);
    case DATA_ABSENT:
        check_error(checker, expr->span, "unknown-data", NULL,
                    "'data.%s' is not known: there is no data section, or it names no source", expr->text);
        return value_poison(expr->span);
    }
    const CnnData *data = checker->program->data;
    if (!classes) {
        Dims shape = cnn_data_shape(data);
        return value_dims(checker, expr->span, shape.count, shape.value);
    }
    int64_t count = cnn_data_classes(data);
    if (count == 0) {
        check_error(checker, expr->span, "unknown-data",
                    "write 1, leave 'softmax' out, and let the loss be mse or mae",
                    "the data has no classes: its labels are real numbers");
        return value_poison(expr->span);
    }
    return (Value){.kind = VALUE_INTEGER, .span = expr->span, .integer = count};
}

/* in.height and its like: pictures are [batch, height, width, channels], vectors [batch, channels]. */
static Value eval_tensor_field(Checker *checker, const Value *tensor, const AstExpr *expr)
{
    static const char *const fields[] = {"height", "width", "channels", "shape", NULL};
    const Type *type = graph_type(checker->graph, tensor->node);
    const char *field = expr->text;
    if (strcmp(field, "shape") == 0)
        return value_dims(checker, expr->span, type->rank - 1, type->dim + 1);
    bool channels = strcmp(field, "channels") == 0, height = strcmp(field, "height") == 0;
    if (!channels && !height && strcmp(field, "width") != 0) {
        check_error(checker, expr->span, "unknown-field", check_suggestion(checker, field, fields),
                    "a value of the network has no field '%s'; it has height, width, channels and shape",
                    field);
        return value_poison(expr->span);
    }
    if (!channels && type->rank != 4) {
        check_error(checker, expr->span, "no-picture", NULL, "this value is a vector of %s: it has no %s",
                    type_shape(checker->arena, type), field);
        return value_poison(expr->span);
    }
    int dim = channels ? type->rank - 1 : height ? 1 : 2;
    return (Value){.kind = VALUE_INTEGER, .span = expr->span, .integer = type->dim[dim]};
}

static Value eval_field(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    const AstExpr *object = expr->items[0];
    if (object->kind == AST_NAME && strcmp(object->text, "data") == 0)
        return eval_data_field(checker, expr);
    Value value = eval_operand(checker, scope, object, depth);
    if (is_poison(&value))
        return value_poison(expr->span);
    if (value.kind != VALUE_TENSOR) {
        check_error(checker, expr->span, "unknown-field", NULL,
                    "%s has no field '%s': only values of the network have fields",
                    value_text(checker->arena, &value), expr->text);
        return value_poison(expr->span);
    }
    return eval_tensor_field(checker, &value, expr);
}

static Value eval_name(Checker *checker, const Scope *scope, const AstExpr *expr)
{
    const Binding *binding = scope_find(checker, scope, expr->text);
    if (!binding)
        return (Value){.kind = VALUE_WORD, .span = expr->span, .text = expr->text};
    Value value = binding->value;
    value.span = expr->span;
    return value;
}

/* The items of a list, dims, or range. */
static Value eval_items(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    Value list = {
        .kind = expr->kind == AST_RANGE ? VALUE_RANGE : VALUE_LIST, .span = expr->span, .count = expr->count};
    Value *items = NEW_ARRAY(checker->arena, Value, expr->count);
    list.items = items;
    bool good = true;
    for (int i = 0; i < expr->count; i++) {
        items[i] = expr->kind == AST_LIST ? eval_at(checker, scope, expr->items[i], depth)
                                          : eval_operand(checker, scope, expr->items[i], depth);
        ValueKind kind = items[i].kind;
        bool fits = kind != VALUE_LIST && kind != VALUE_RANGE && kind != VALUE_TENSOR;
        if (expr->kind == AST_DIMS)
            fits = kind == VALUE_INTEGER || kind == VALUE_POISON;
        if (expr->kind == AST_RANGE)
            fits =
                kind == VALUE_INTEGER || kind == VALUE_REAL || kind == VALUE_QUANTITY || kind == VALUE_POISON;
        if (!fits)
            check_error(checker, items[i].span, "wrong-type", NULL, "%s cannot stand in %s",
                        value_kind(&items[i]),
                        expr->kind == AST_DIMS    ? "dims: each is an integer"
                        : expr->kind == AST_RANGE ? "a range: its ends are numbers"
                                                  : "a list");
        good = good && fits && !is_poison(&items[i]);
    }
    return good ? list : value_poison(expr->span);
}

static Value eval_logic(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    Value left = eval_operand(checker, scope, expr->items[0], depth);
    bool decided = left.kind == VALUE_BOOLEAN && left.boolean == (expr->op == AST_OR);
    if (decided)
        return (Value){.kind = VALUE_BOOLEAN, .span = expr->span, .boolean = left.boolean};
    Value right = eval_operand(checker, scope, expr->items[1], depth);
    if (is_poison(&left) || is_poison(&right))
        return value_poison(expr->span);
    return value_binary(checker, expr->span, expr->op, &left, &right);
}

static Value eval_binary(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    if (expr->op == AST_OR || expr->op == AST_AND)
        return eval_logic(checker, scope, expr, depth);
    /* A parameter that is a word is compared with the word itself: `kind == max`. */
    Value left = eval_at(checker, scope, expr->items[0], depth);
    Value right = eval_at(checker, scope, expr->items[1], depth);
    Value *sides[] = {&left, &right};
    bool equality = expr->op == AST_EQUAL || expr->op == AST_NOT_EQUAL;
    for (int i = 0; i < 2; i++) {
        if (sides[i]->kind != VALUE_WORD || is_bound(checker, scope, expr->items[i]))
            continue;
        if (equality && sides[1 - i]->kind == VALUE_WORD && is_bound(checker, scope, expr->items[1 - i]))
            continue;
        scope_unknown(checker, scope, sides[i]->text, sides[i]->span);
        *sides[i] = value_poison(sides[i]->span);
    }
    if (is_poison(&left) || is_poison(&right))
        return value_poison(expr->span);
    return value_binary(checker, expr->span, expr->op, &left, &right);
}

static Value eval_call(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    Value *items = NEW_ARRAY(checker->arena, Value, expr->count);
    bool good = true;
    for (int i = 0; i < expr->count; i++) {
        items[i] = eval_operand(checker, scope, expr->items[i], depth);
        good = good && !is_poison(&items[i]);
    }
    return good ? value_call(checker, expr->span, expr->text, items, expr->count) : value_poison(expr->span);
}

static Value eval_at(Checker *checker, const Scope *scope, const AstExpr *expr, int depth)
{
    if (++depth > EXPRESSION_DEPTH_MAX) {
        check_error(checker, expr->span, "too-deep", NULL, "this expression is nested deeper than %d",
                    EXPRESSION_DEPTH_MAX);
        return value_poison(expr->span);
    }
    Value value = {.span = expr->span};
    switch (expr->kind) {
    case AST_INTEGER:
        value.kind = VALUE_INTEGER;
        value.integer = expr->integer;
        return value;
    case AST_REAL:
        value.kind = VALUE_REAL;
        value.real = expr->real;
        return value;
    case AST_QUANTITY:
        value.kind = VALUE_QUANTITY;
        value.real = expr->real;
        value.unit = expr->unit;
        return value;
    case AST_BOOLEAN:
        value.kind = VALUE_BOOLEAN;
        value.boolean = expr->boolean;
        return value;
    case AST_TEXT:
        value.kind = VALUE_TEXT;
        value.text = expr->text;
        return value;
    case AST_NAME:
        return eval_name(checker, scope, expr);
    case AST_FIELD:
        return eval_field(checker, scope, expr, depth);
    case AST_DIMS:
    case AST_RANGE:
    case AST_LIST:
        return eval_items(checker, scope, expr, depth);
    case AST_UNARY: {
        Value operand = eval_operand(checker, scope, expr->items[0], depth);
        return is_poison(&operand) ? value_poison(expr->span)
                                   : value_unary(checker, expr->span, expr->op, &operand);
    }
    case AST_BINARY:
        return eval_binary(checker, scope, expr, depth);
    case AST_CALL:
        return eval_call(checker, scope, expr, depth);
    case AST_PAREN:
        return eval_at(checker, scope, expr->items[0], depth);
    }
    BUG("expression of kind %d", (int)expr->kind);
}

Value eval(Checker *checker, const Scope *scope, const AstExpr *expr)
{
    return eval_at(checker, scope, expr, 0);
}

Value eval_known(Checker *checker, const Scope *scope, const AstExpr *expr)
{
    return eval_operand(checker, scope, expr, 0);
}

Value eval_preset(Checker *checker, const char *text)
{
    Value *known = name_map_find(&checker->presets, text);
    if (known)
        return *known;
    const char *source = arena_printf(checker->arena, "let preset = %s\n", text);
    Ast *ast = ast_parse(checker->arena, checker->diag,
                         diag_add_source(checker->diag, "preset", source, strlen(source)));
    if (!ast->lines || ast->lines->kind != AST_LINE_LET)
        BUG("the preset '%s' is no expression", text);
    Value *value = NEW(checker->arena, Value);
    *value = eval(checker, NULL, ast->lines->expr);
    name_map_add(checker->arena, &checker->presets, arena_text(checker->arena, text, strlen(text)), value);
    return *value;
}
