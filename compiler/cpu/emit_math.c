/* Scalar functions on f32 values, as polynomials that vectors take without a call: LLVM's own exp and log
 * would call libm for each lane. All propagate NaN. Errors (in units of the last place, held by
 * tests/ops/test_kernels.c): exp 2, expm1 3, log 2, log1p 3, tanh 4, sigmoid 3, erf 2, power 2.
 *
 * Sources: range reduction and the polynomials of exp and log from Cephes (Moshier, expf.c, logf.c); expm1
 * with the same reduction; erf by N. Juffa, "faithfully rounded erff" (StackOverflow 35148199, public
 * domain). */
#include "compiler/base/bug.h"
#include "compiler/cpu/emit.h"

static LLVMValueRef add(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return LLVMBuildFAdd(emit->builder, a, b, "");
}

static LLVMValueRef subtract(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return LLVMBuildFSub(emit->builder, a, b, "");
}

static LLVMValueRef multiply(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return LLVMBuildFMul(emit->builder, a, b, "");
}

static LLVMValueRef divide(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return LLVMBuildFDiv(emit->builder, a, b, "");
}

static LLVMValueRef compare(Emit *emit, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return LLVMBuildFCmp(emit->builder, predicate, a, b, "");
}

static LLVMValueRef real(Emit *emit, LLVMValueRef like, double value)
{
    return lanes_real(emit, like, value);
}

static LLVMValueRef absolute(Emit *emit, LLVMValueRef a)
{
    return lanes_intrinsic(emit, "llvm.fabs", LLVMTypeOf(a), &a, 1);
}

static LLVMValueRef square_root(Emit *emit, LLVMValueRef a)
{
    return lanes_intrinsic(emit, "llvm.sqrt", LLVMTypeOf(a), &a, 1);
}

static LLVMValueRef bits_of(Emit *emit, LLVMValueRef a)
{
    return LLVMBuildBitCast(emit->builder, a, lanes_type_like(emit, emit->i32, a), "");
}

static LLVMValueRef real_of(Emit *emit, LLVMValueRef bits)
{
    return LLVMBuildBitCast(emit->builder, bits, lanes_type_like(emit, emit->f32, bits), "");
}

/* coefficients[0] x^(count-1) + … + coefficients[count-1] */
static LLVMValueRef polynomial(Emit *emit, LLVMValueRef x, const double *coefficients, int count)
{
    LLVMValueRef sum = real(emit, x, coefficients[0]);
    for (int i = 1; i < count; i++)
        sum = lanes_fma(emit, sum, x, real(emit, x, coefficients[i]));
    return sum;
}

/* 2^n for integers n in [-126, 127], as i32. */
static LLVMValueRef power_of_two(Emit *emit, LLVMValueRef n)
{
    LLVMValueRef biased = LLVMBuildAdd(emit->builder, n, lanes_word(emit, n, 127), "");
    return real_of(emit, LLVMBuildShl(emit->builder, biased, lanes_word(emit, n, 23), ""));
}

/* a where a is NaN. */
static LLVMValueRef clamp(Emit *emit, LLVMValueRef a, double low, double high)
{
    LLVMValueRef least = real(emit, a, low), most = real(emit, a, high);
    a = lanes_select(emit, compare(emit, LLVMRealOLT, a, least), least, a);
    return lanes_select(emit, compare(emit, LLVMRealOGT, a, most), most, a);
}

/* x = n ln 2 + r, |r| <= ln 2 / 2; e^r - 1 - r is returned in *tail. Adding 1.5 * 2^23 rounds to an integer
 * and leaves it in the low bits, without a conversion that NaN would make undefined. */
static void exp_reduce(Emit *emit, LLVMValueRef x, LLVMValueRef *n, LLVMValueRef *r, LLVMValueRef *tail)
{
    static const double series[] = {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
                                    4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1};
    LLVMValueRef magic = real(emit, x, 12582912.0);
    LLVMValueRef shifted = lanes_fma(emit, x, real(emit, x, 1.44269504088896341), magic);
    LLVMValueRef whole = subtract(emit, shifted, magic);
    *n = LLVMBuildSub(emit->builder, bits_of(emit, shifted), bits_of(emit, magic), "");
    *r = lanes_fma(emit, whole, real(emit, x, -0.693359375), x);
    *r = lanes_fma(emit, whole, real(emit, x, 2.12194440e-4), *r);
    LLVMValueRef square = multiply(emit, *r, *r);
    *tail = multiply(emit, square, polynomial(emit, *r, series, 6));
}

static LLVMValueRef exponential(Emit *emit, LLVMValueRef x)
{
    LLVMValueRef n, r, tail;
    x = clamp(emit, x, -104.0, 89.0);
    exp_reduce(emit, x, &n, &r, &tail);
    LLVMValueRef value = add(emit, add(emit, tail, r), real(emit, x, 1));
    /* In two factors, so that results below the normal range and above the largest number come out right. */
    LLVMValueRef half = LLVMBuildAShr(emit->builder, n, lanes_word(emit, n, 1), "");
    value = multiply(emit, value, power_of_two(emit, half));
    return multiply(emit, value, power_of_two(emit, LLVMBuildSub(emit->builder, n, half, "")));
}

static LLVMValueRef exponential_less_one(Emit *emit, LLVMValueRef x)
{
    LLVMValueRef n, r, tail;
    LLVMValueRef held = clamp(emit, x, -40.0, 89.0);
    exp_reduce(emit, held, &n, &r, &tail);
    /* 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)): with 2^n itself the largest results would overflow. */
    LLVMValueRef scale = power_of_two(emit, LLVMBuildSub(emit->builder, n, lanes_word(emit, n, 1), ""));
    LLVMValueRef rest = subtract(emit, scale, real(emit, x, 0.5));
    LLVMValueRef half = lanes_fma(emit, scale, add(emit, tail, r), rest);
    LLVMValueRef value = multiply(emit, half, real(emit, x, 2));
    /* Near 0 the result is x itself: keeps -0 and numbers below the normal range. */
    return lanes_select(emit, compare(emit, LLVMRealOLT, absolute(emit, x), real(emit, x, 1e-10)), x, value);
}

/* x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for finite positive x; e as f32. */
static void log_reduce(Emit *emit, LLVMValueRef x, LLVMValueRef *e, LLVMValueRef *f)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef small = compare(emit, LLVMRealOLT, x, real(emit, x, 1.17549435e-38));
    LLVMValueRef normal = lanes_select(emit, small, multiply(emit, x, real(emit, x, 8388608.0)), x);
    LLVMValueRef bits = bits_of(emit, normal);
    LLVMValueRef shifted =
        LLVMBuildSub(builder, bits, lanes_word(emit, bits, 0x3F3504F3), ""); /* sqrt(1/2) */
    LLVMValueRef exponent = LLVMBuildAShr(builder, shifted, lanes_word(emit, bits, 23), "");
    LLVMValueRef mantissa =
        LLVMBuildSub(builder, bits, LLVMBuildShl(builder, exponent, lanes_word(emit, bits, 23), ""), "");
    *e = LLVMBuildSIToFP(builder, exponent, LLVMTypeOf(x), "");
    *e = subtract(emit, *e, lanes_select(emit, small, real(emit, x, 23), real(emit, x, 0)));
    *f = subtract(emit, real_of(emit, mantissa), real(emit, x, 1));
}

/* Makes the result right where x is no positive finite number: log 0 is -inf, log of less NaN, log inf inf.
 */
static LLVMValueRef log_edges(Emit *emit, LLVMValueRef x, LLVMValueRef value)
{
    double infinity = __builtin_inf();
    value =
        lanes_select(emit, compare(emit, LLVMRealOEQ, x, real(emit, x, 0)), real(emit, x, -infinity), value);
    value = lanes_select(emit, compare(emit, LLVMRealUGE, x, real(emit, x, 0)), value,
                         real(emit, x, __builtin_nan("")));
    /* inf and NaN are their own logarithms. */
    return lanes_select(emit, compare(emit, LLVMRealULT, x, real(emit, x, infinity)),
                        lanes_select(emit, compare(emit, LLVMRealUNO, x, x), x, value), x);
}

static LLVMValueRef logarithm(Emit *emit, LLVMValueRef x)
{
    static const double series[] = {7.0376836292e-2,  -1.1514610310e-1, 1.1676998740e-1,
                                    -1.2420140846e-1, 1.4249322787e-1,  -1.6668057665e-1,
                                    2.0000714765e-1,  -2.4999993993e-1, 3.3333331174e-1};
    LLVMValueRef e, f;
    log_reduce(emit, x, &e, &f);
    LLVMValueRef square = multiply(emit, f, f);
    LLVMValueRef value = multiply(emit, multiply(emit, f, square), polynomial(emit, f, series, 9));
    value = lanes_fma(emit, e, real(emit, x, -2.12194440e-4), value);
    value = lanes_fma(emit, square, real(emit, x, -0.5), value);
    value = add(emit, f, value);
    value = lanes_fma(emit, e, real(emit, x, 0.693359375), value);
    return log_edges(emit, x, value);
}

static LLVMValueRef logarithm_of_one_more(Emit *emit, LLVMValueRef x)
{
    LLVMValueRef one = real(emit, x, 1);
    LLVMValueRef sum = add(emit, one, x);
    LLVMValueRef lost = subtract(emit, x, subtract(emit, sum, one));
    LLVMValueRef value = add(emit, logarithm(emit, sum), divide(emit, lost, sum));
    LLVMValueRef plain = compare(emit, LLVMRealULT, absolute(emit, x), real(emit, x, __builtin_inf()));
    LLVMValueRef above = compare(emit, LLVMRealUGT, x, real(emit, x, -1));
    return lanes_select(emit, LLVMBuildAnd(emit->builder, plain, above, ""), value, logarithm(emit, sum));
}

static LLVMValueRef with_sign_of(Emit *emit, LLVMValueRef value, LLVMValueRef sign)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    return lanes_intrinsic(emit, "llvm.copysign", type, (LLVMValueRef[]){value, sign}, 2);
}

static LLVMValueRef hyperbolic_tangent(Emit *emit, LLVMValueRef x)
{
    /* (e^2|x| - 1) / (e^2|x| + 1); 1 to the last bit from 9.02 on. */
    LLVMValueRef size = clamp(emit, absolute(emit, x), 0, 9.02);
    LLVMValueRef less_one = exponential_less_one(emit, add(emit, size, size));
    return with_sign_of(emit, divide(emit, less_one, add(emit, less_one, real(emit, x, 2))), x);
}

static LLVMValueRef sigmoid(Emit *emit, LLVMValueRef x)
{
    LLVMValueRef one = real(emit, x, 1);
    LLVMValueRef minus = LLVMBuildFNeg(emit->builder, x, "");
    return divide(emit, one, add(emit, one, exponential(emit, minus)));
}

static LLVMValueRef error_function(Emit *emit, LLVMValueRef x)
{
    static const double near[] = {-5.96761703e-4, 4.99119423e-3,  -2.67681349e-2,
                                  1.12819925e-1,  -3.76125336e-1, 1.28379166e-1};
    LLVMValueRef size = absolute(emit, x), square = multiply(emit, x, x);
    LLVMValueRef low = lanes_fma(emit, polynomial(emit, square, near, 6), x, x);
    LLVMValueRef t = clamp(emit, size, 0, 4.0); /* erf 4 is 1 to the last bit */
    LLVMValueRef t2 = multiply(emit, t, t);
    LLVMValueRef a = lanes_fma(emit, real(emit, x, -1.72853470e-5), t, real(emit, x, 3.83197126e-4));
    LLVMValueRef b = lanes_fma(emit, real(emit, x, -3.88396438e-3), t, real(emit, x, 2.42546219e-2));
    a = lanes_fma(emit, a, t2, b);
    a = lanes_fma(emit, a, t, real(emit, x, -1.06777877e-1));
    a = lanes_fma(emit, a, t, real(emit, x, -6.34846687e-1));
    a = lanes_fma(emit, a, t, real(emit, x, -1.28717512e-1));
    a = lanes_fma(emit, a, t, LLVMBuildFNeg(emit->builder, t, ""));
    LLVMValueRef high = with_sign_of(emit, subtract(emit, real(emit, x, 1), exponential(emit, a)), x);
    return lanes_select(emit, compare(emit, LLVMRealOGT, size, real(emit, x, 0.927734375)), high, low);
}

/* ---- power: e^(b log a) with the product in double, since its error is that of the result ---- */

static LLVMTypeRef double_type(Emit *emit, LLVMValueRef like)
{
    return lanes_type_like(emit, LLVMDoubleTypeInContext(emit->context), like);
}

static LLVMValueRef double_constant(Emit *emit, LLVMValueRef like, double value)
{
    LLVMValueRef one = LLVMConstReal(LLVMDoubleTypeInContext(emit->context), value);
    LLVMValueRef all[64];
    for (int i = 0; i < emit->lanes; i++)
        all[i] = one;
    return lanes_wide(like) ? LLVMConstVector(all, (unsigned)emit->lanes) : one;
}

/* log a in double, to about 40 bits: 2 (s + s^3/3 + s^5/5 + …), s = f / (2 + f). */
static LLVMValueRef double_logarithm(Emit *emit, LLVMValueRef a)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef e, f;
    log_reduce(emit, a, &e, &f);
    e = LLVMBuildFPExt(builder, e, double_type(emit, a), "");
    f = LLVMBuildFPExt(builder, f, double_type(emit, a), "");
    LLVMValueRef s =
        LLVMBuildFDiv(builder, f, LLVMBuildFAdd(builder, f, double_constant(emit, a, 2), ""), "");
    LLVMValueRef s2 = LLVMBuildFMul(builder, s, s, ""), sum = double_constant(emit, a, 2.0 / 15);
    for (int k = 13; k >= 1; k -= 2)
        sum = LLVMBuildFAdd(builder, LLVMBuildFMul(builder, sum, s2, ""), double_constant(emit, a, 2.0 / k),
                            "");
    LLVMValueRef whole = LLVMBuildFMul(builder, e, double_constant(emit, a, 0.69314718055994530942), "");
    return LLVMBuildFAdd(builder, whole, LLVMBuildFMul(builder, sum, s, ""), "");
}

/* e^y of a double in about [-104, 89]: the f32 nearest to y gives the power, what was lost by taking it a
 * factor 1 + rest. */
static LLVMValueRef double_exponential(Emit *emit, LLVMValueRef y, LLVMValueRef like)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef near = LLVMBuildFPTrunc(builder, y, LLVMTypeOf(like), "");
    LLVMValueRef back = LLVMBuildFPExt(builder, near, LLVMTypeOf(y), "");
    LLVMValueRef rest = LLVMBuildFPTrunc(builder, LLVMBuildFSub(builder, y, back, ""), LLVMTypeOf(like), "");
    LLVMValueRef value = exponential(emit, near);
    LLVMValueRef finite =
        compare(emit, LLVMRealOLT, absolute(emit, value), real(emit, like, __builtin_inf()));
    rest = lanes_select(emit, finite, rest, real(emit, like, 0));
    return lanes_fma(emit, value, rest, value);
}

static LLVMValueRef power(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef builder = emit->builder;
    lanes_match(emit, &a, &b);
    double infinity = __builtin_inf();
    LLVMValueRef zero = real(emit, a, 0), one = real(emit, a, 1);
    LLVMValueRef exponent = LLVMBuildFPExt(builder, b, double_type(emit, a), "");
    LLVMValueRef y = LLVMBuildFMul(builder, exponent, double_logarithm(emit, a), "");
    LLVMValueRef value = double_exponential(emit, y, a);
    /* 0 and inf as bases, by the sign of the exponent; then what is 1 whatever the other. */
    LLVMValueRef grows = compare(emit, LLVMRealOGT, b, zero), at_zero = compare(emit, LLVMRealOEQ, a, zero);
    LLVMValueRef at_infinity = compare(emit, LLVMRealOEQ, a, real(emit, a, infinity));
    value = lanes_select(emit, at_zero, lanes_select(emit, grows, zero, real(emit, a, infinity)), value);
    value = lanes_select(emit, at_infinity, lanes_select(emit, grows, real(emit, a, infinity), zero), value);
    value = lanes_select(emit, compare(emit, LLVMRealULT, a, zero), real(emit, a, __builtin_nan("")), value);
    value = lanes_select(emit, compare(emit, LLVMRealOEQ, b, zero), one, value);
    return value;
}

/* ---- The table ---- */

/* 1 where a and b compare so, else 0. */
static LLVMValueRef truth(Emit *emit, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return lanes_select(emit, compare(emit, predicate, a, b), real(emit, a, 1), real(emit, a, 0));
}

static LLVMValueRef choose(Emit *emit, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b)
{
    lanes_match(emit, &a, &b);
    return lanes_select(emit, compare(emit, predicate, a, b), a, b);
}

LLVMValueRef math_scalar(Emit *emit, ScalarId id, const LLVMValueRef *in)
{
    LLVMValueRef a = in[0], b = in[1], zero = real(emit, a, 0);
    switch (id) {
    case SCALAR_add:
        return add(emit, a, b);
    case SCALAR_sub:
        return subtract(emit, a, b);
    case SCALAR_mul:
        return multiply(emit, a, b);
    case SCALAR_div:
        return divide(emit, a, b);
    case SCALAR_max:
        return choose(emit, LLVMRealOGT, a, b);
    case SCALAR_min:
        return choose(emit, LLVMRealOLT, a, b);
    case SCALAR_neg:
        return LLVMBuildFNeg(emit->builder, a, "");
    case SCALAR_abs:
        return absolute(emit, a);
    case SCALAR_sqrt:
        return square_root(emit, a);
    case SCALAR_rsqrt:
        return divide(emit, real(emit, a, 1), square_root(emit, a));
    case SCALAR_exp:
        return exponential(emit, a);
    case SCALAR_expm1:
        return exponential_less_one(emit, a);
    case SCALAR_log:
        return logarithm(emit, a);
    case SCALAR_log1p:
        return logarithm_of_one_more(emit, a);
    case SCALAR_tanh:
        return hyperbolic_tangent(emit, a);
    case SCALAR_sigmoid:
        return sigmoid(emit, a);
    case SCALAR_erf:
        return error_function(emit, a);
    case SCALAR_sign:
        return subtract(emit, truth(emit, LLVMRealOGT, a, zero), truth(emit, LLVMRealOLT, a, zero));
    case SCALAR_greater:
        return truth(emit, LLVMRealOGT, a, b);
    case SCALAR_equal:
        return truth(emit, LLVMRealOEQ, a, b);
    case SCALAR_select:
        return lanes_select(emit, compare(emit, LLVMRealUNE, a, zero), b, in[2]);
    case SCALAR_power:
        return power(emit, a, b);
    case SCALAR_COUNT:
        break;
    }
    BUG("scalar function %d", (int)id);
}
