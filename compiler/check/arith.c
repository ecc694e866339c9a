/* The operators and functions of expressions. Integers stay integers, and one that leaves 64 bits is an
 * error; `/` of integers is a real, `//` rounds down, and `%` has the sign of its right operand, so that a ==
 * (a // b) * b + a % b. */
#include "compiler/check/checker.h"

#include <math.h>
#include <string.h>

#include "compiler/base/bug.h"

static const char *const operator_texts[] = {
    [AST_OR] = "or",         [AST_AND] = "and",      [AST_NOT] = "not",
    [AST_EQUAL] = "==",      [AST_NOT_EQUAL] = "!=", [AST_LESS] = "<",
    [AST_LESS_EQUAL] = "<=", [AST_GREATER] = ">",    [AST_GREATER_EQUAL] = ">=",
    [AST_ADD] = "+",         [AST_SUB] = "-",        [AST_MUL] = "*",
    [AST_DIV] = "/",         [AST_FLOOR_DIV] = "//", [AST_REMAINDER] = "%",
    [AST_POWER] = "^",       [AST_NEGATE] = "-",
};

static Value value_integer(Span span, int64_t integer)
{
    return (Value){.kind = VALUE_INTEGER, .span = span, .integer = integer};
}

static Value value_boolean(Span span, bool boolean)
{
    return (Value){.kind = VALUE_BOOLEAN, .span = span, .boolean = boolean};
}

static Value overflow(Checker *checker, Span span)
{
    check_error(checker, span, "overflow", NULL, "the result of this does not fit in 64 bits");
    return value_poison(span);
}

static Value division_by_zero(Checker *checker, Span span)
{
    check_error(checker, span, "division-by-zero", NULL, "this divides by zero");
    return value_poison(span);
}

/* A real or quantity; what is not finite is reported. */
static Value value_real(Checker *checker, Span span, double real, ValueKind kind, AstUnit unit)
{
    if (!isfinite(real)) {
        check_error(checker, span, "overflow", NULL, "the result of this is no finite number");
        return value_poison(span);
    }
    return (Value){.kind = kind, .span = span, .real = real, .unit = unit};
}

static Value no_operator(Checker *checker, Span span, AstOperator op, const Value *left, const Value *right)
{
    Arena *arena = checker->arena;
    if (!right)
        check_error(checker, span, "wrong-type", NULL, "'%s' does not take %s (%s)", operator_texts[op],
                    value_kind(left), value_text(arena, left));
    else
        check_error(checker, span, "wrong-type", NULL, "'%s' does not take %s (%s) and %s (%s)",
                    operator_texts[op], value_kind(left), value_text(arena, left), value_kind(right),
                    value_text(arena, right));
    return value_poison(span);
}

Value value_unary(Checker *checker, Span span, AstOperator op, const Value *operand)
{
    if (op == AST_NOT && operand->kind == VALUE_BOOLEAN)
        return value_boolean(span, !operand->boolean);
    if (op == AST_NEGATE && operand->kind == VALUE_INTEGER)
        return operand->integer == INT64_MIN ? overflow(checker, span)
                                             : value_integer(span, -operand->integer);
    if (op == AST_NEGATE && (operand->kind == VALUE_REAL || operand->kind == VALUE_QUANTITY))
        return value_real(checker, span, -operand->real, operand->kind, operand->unit);
    return no_operator(checker, span, op, operand, NULL);
}

/* base to the power of an exponent >= 0, by squaring. */
static bool integer_power(int64_t base, int64_t exponent, int64_t *out)
{
    int64_t result = 1;
    while (exponent > 0) {
        if (exponent & 1 && __builtin_mul_overflow(result, base, &result))
            return false;
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(base, base, &base))
            return false;
    }
    *out = result;
    return true;
}

static Value integer_divide(Checker *checker, Span span, AstOperator op, int64_t a, int64_t b)
{
    if (b == 0)
        return division_by_zero(checker, span);
    if (op == AST_DIV)
        return value_real(checker, span, (double)a / (double)b, VALUE_REAL, AST_UNIT_NONE);
    if (b == -1) /* the remainder is 0, and the quotient may overflow, which C leaves undefined */
        return op == AST_REMAINDER ? value_integer(span, 0)
               : a == INT64_MIN    ? overflow(checker, span)
                                   : value_integer(span, -a);
    int64_t quotient = a / b, remainder = a % b;
    if (remainder != 0 && (remainder < 0) != (b < 0)) {
        quotient--;
        remainder += b;
    }
    return value_integer(span, op == AST_REMAINDER ? remainder : quotient);
}

static Value integer_binary(Checker *checker, Span span, AstOperator op, int64_t a, int64_t b)
{
    int64_t result = 0;
    bool over;
    switch (op) {
    case AST_ADD:
        over = __builtin_add_overflow(a, b, &result);
        break;
    case AST_SUB:
        over = __builtin_sub_overflow(a, b, &result);
        break;
    case AST_MUL:
        over = __builtin_mul_overflow(a, b, &result);
        break;
    case AST_POWER:
        if (b < 0)
            return a == 0 ? division_by_zero(checker, span)
                          : value_real(checker, span, pow((double)a, (double)b), VALUE_REAL, AST_UNIT_NONE);
        over = !integer_power(a, b, &result);
        break;
    default:
        return integer_divide(checker, span, op, a, b);
    }
    return over ? overflow(checker, span) : value_integer(span, result);
}

static Value real_binary(Checker *checker, Span span, AstOperator op, double a, double b, ValueKind kind,
                         AstUnit unit)
{
    bool divides =
        op == AST_DIV || op == AST_FLOOR_DIV || op == AST_REMAINDER || (op == AST_POWER && a == 0 && b < 0);
    if (divides && (op == AST_POWER || b == 0))
        return division_by_zero(checker, span);
    double result = 0;
    switch (op) {
    case AST_ADD:
        result = a + b;
        break;
    case AST_SUB:
        result = a - b;
        break;
    case AST_MUL:
        result = a * b;
        break;
    case AST_DIV:
        result = a / b;
        break;
    case AST_FLOOR_DIV:
        result = floor(a / b);
        break;
    case AST_REMAINDER:
        result = fmod(a, b);
        if (result != 0 && (result < 0) != (b < 0))
            result += b;
        break;
    case AST_POWER:
        result = pow(a, b);
        break;
    default:
        BUG("operator %d of numbers", (int)op);
    }
    return value_real(checker, span, result, kind, unit);
}

static bool values_equal(const Value *left, const Value *right)
{
    double a, b;
    if (left->kind == VALUE_INTEGER && right->kind == VALUE_INTEGER)
        return left->integer == right->integer;
    if (value_number(left, &a) && value_number(right, &b))
        return a == b;
    if (left->kind != right->kind)
        return false;
    switch (left->kind) {
    case VALUE_QUANTITY:
        return left->unit == right->unit && left->real == right->real;
    case VALUE_BOOLEAN:
        return left->boolean == right->boolean;
    case VALUE_TEXT:
    case VALUE_WORD:
        return strcmp(left->text, right->text) == 0;
    case VALUE_LIST:
    case VALUE_RANGE:
        for (int i = 0; i < left->count && left->count == right->count; i++)
            if (!values_equal(&left->items[i], &right->items[i]))
                return false;
        return left->count == right->count;
    default:
        return false;
    }
}

/* Kinds whose values can be compared with each other. */
static bool comparable(const Value *left, const Value *right)
{
    double number;
    if (left->kind == VALUE_TENSOR)
        return false;
    return left->kind == right->kind || (value_number(left, &number) && value_number(right, &number));
}

static bool ordered(const Value *left, AstOperator op, const Value *right)
{
    double a = left->real, b = right->real;
    int order;
    if (left->kind == VALUE_INTEGER && right->kind == VALUE_INTEGER) {
        order = (left->integer > right->integer) - (left->integer < right->integer);
    } else {
        value_number(left, &a);
        value_number(right, &b);
        order = (a > b) - (a < b);
    }
    return op == AST_LESS         ? order < 0
           : op == AST_LESS_EQUAL ? order <= 0
           : op == AST_GREATER    ? order > 0
                                  : order >= 0;
}

/* A quantity and a number, or two quantities of one unit. */
static bool quantity_binary(Checker *checker, Span span, AstOperator op, const Value *left,
                            const Value *right, Value *out)
{
    double number;
    bool scaled =
        (op == AST_MUL || op == AST_DIV) && left->kind == VALUE_QUANTITY && value_number(right, &number);
    if (scaled) {
        *out = real_binary(checker, span, op, left->real, number, VALUE_QUANTITY, left->unit);
        return true;
    }
    if (op == AST_MUL && right->kind == VALUE_QUANTITY && value_number(left, &number)) {
        *out = real_binary(checker, span, op, number, right->real, VALUE_QUANTITY, right->unit);
        return true;
    }
    bool same = left->kind == VALUE_QUANTITY && right->kind == VALUE_QUANTITY && left->unit == right->unit;
    if (!same || (op != AST_ADD && op != AST_SUB && op != AST_DIV))
        return false;
    bool ratio = op == AST_DIV;
    *out = real_binary(checker, span, op, left->real, right->real, ratio ? VALUE_REAL : VALUE_QUANTITY,
                       ratio ? AST_UNIT_NONE : left->unit);
    return true;
}

Value value_binary(Checker *checker, Span span, AstOperator op, const Value *left, const Value *right)
{
    double a, b;
    Value result;
    switch (op) {
    case AST_OR:
    case AST_AND:
        if (left->kind != VALUE_BOOLEAN || right->kind != VALUE_BOOLEAN)
            return no_operator(checker, span, op, left, right);
        return value_boolean(span, op == AST_OR ? left->boolean || right->boolean
                                                : left->boolean && right->boolean);
    case AST_EQUAL:
    case AST_NOT_EQUAL:
        if (!comparable(left, right))
            return no_operator(checker, span, op, left, right);
        return value_boolean(span, values_equal(left, right) == (op == AST_EQUAL));
    case AST_LESS:
    case AST_LESS_EQUAL:
    case AST_GREATER:
    case AST_GREATER_EQUAL: {
        bool quantities =
            left->kind == VALUE_QUANTITY && right->kind == VALUE_QUANTITY && left->unit == right->unit;
        if (!quantities && !(value_number(left, &a) && value_number(right, &b)))
            return no_operator(checker, span, op, left, right);
        return value_boolean(span, ordered(left, op, right));
    }
    default:
        break;
    }
    if (left->kind == VALUE_INTEGER && right->kind == VALUE_INTEGER)
        return integer_binary(checker, span, op, left->integer, right->integer);
    if (value_number(left, &a) && value_number(right, &b))
        return real_binary(checker, span, op, a, b, VALUE_REAL, AST_UNIT_NONE);
    if (quantity_binary(checker, span, op, left, right, &result))
        return result;
    return no_operator(checker, span, op, left, right);
}

/* Rounds to an integer: round takes halves away from zero. */
static Value round_value(Checker *checker, Span span, const char *name, const Value *value)
{
    if (value->kind == VALUE_INTEGER)
        return value_integer(span, value->integer);
    if (value->kind != VALUE_REAL) {
        check_error(checker, value->span, "wrong-type", NULL, "'%s' takes a number, not %s (%s)", name,
                    value_kind(value), value_text(checker->arena, value));
        return value_poison(span);
    }
    double rounded = name[0] == 'r'   ? round(value->real)
                     : name[0] == 'c' ? ceil(value->real)
                                      : floor(value->real);
    if (fabs(rounded) >= 9223372036854775808.0) /* 2^63 */
        return overflow(checker, span);
    return value_integer(span, (int64_t)rounded);
}

/* The multiple of the second that is nearest to the first, or the next one where that is less than nine
 * tenths of the first: how the authors of MobileNet round channels. */
static Value multiple_value(Checker *checker, Span span, const Value *first, const Value *second)
{
    double value;
    if (!value_number(first, &value) || value <= 0 || second->kind != VALUE_INTEGER || second->integer < 1) {
        check_error(checker, span, "wrong-type", NULL,
                    "'multiple' takes a number and an integer, both above 0, not %s and %s",
                    value_text(checker->arena, first), value_text(checker->arena, second));
        return value_poison(span);
    }
    double unit = (double)second->integer, near = fmax(floor(value / unit + 0.5), 1) * unit;
    if (near < 0.9 * value)
        near += unit;
    return near < 9223372036854775808.0 ? value_integer(span, (int64_t)near) /* 2^63 */
                                        : overflow(checker, span);
}

/* The smallest or the largest of some values. */
static Value extreme_value(Checker *checker, Span span, AstOperator better, const Value *items, int count)
{
    Value best = items[0];
    for (int i = 0; i < count; i++) {
        Value wins = value_binary(checker, items[i].span, better, &items[i], &best);
        if (wins.kind == VALUE_POISON)
            return value_poison(span);
        if (wins.boolean)
            best = items[i];
    }
    best.span = span;
    return best;
}

typedef enum { CALL_MIN, CALL_MAX, CALL_MULTIPLE, CALL_ROUNDS } CallKind;

Value value_call(Checker *checker, Span span, const char *name, const Value *items, int count)
{
    static const char *const functions[] = {"min", "max", "multiple", "round", "ceil", "floor", NULL};
    static const char *const takes[] = {"one number or more", "one number or more", "two numbers",
                                        "one number"};
    int which = 0;
    while (functions[which] && strcmp(functions[which], name) != 0)
        which++;
    if (!functions[which]) {
        check_error(checker, span, "unknown-function", check_suggestion(checker, name, functions),
                    "there is no function '%s'; there are min, max, multiple, round, ceil and floor", name);
        return value_poison(span);
    }
    CallKind kind = which < CALL_ROUNDS ? (CallKind)which : CALL_ROUNDS;
    bool fits = kind == CALL_ROUNDS ? count == 1 : kind == CALL_MULTIPLE ? count == 2 : count > 0;
    if (!fits) {
        check_error(checker, span, "wrong-count", NULL, "'%s' takes %s, not %d", name, takes[kind], count);
        return value_poison(span);
    }
    if (kind == CALL_ROUNDS)
        return round_value(checker, span, name, &items[0]);
    if (kind == CALL_MULTIPLE)
        return multiple_value(checker, span, &items[0], &items[1]);
    return extreme_value(checker, span, kind == CALL_MIN ? AST_LESS : AST_GREATER, items, count);
}
