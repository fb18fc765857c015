/* What every kernel needs.  `real` is float or double; functions follow torch's conventions at nan and at kinks. */
#include <stdint.h>
#include <stdlib.h>
#include <omp.h>

/* Results written over what they are made from: every entry is read before it is written. */
#ifdef IN_PLACE
#define restrict
#endif

#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()

/* The C library's functions, and that it has them for many values at once. */
#ifdef SINGLE
typedef float real;
#define C_NAME(name) name##f
#else
typedef double real;
#define C_NAME(name) name
#endif
#if defined(VECTOR_MATH)
#define MANY _Pragma("omp declare simd notinbranch")
#else
#define MANY
#endif
#define UNARY(f) MANY real C_NAME(f)(real);
UNARY(exp) UNARY(log) UNARY(log1p) UNARY(expm1) UNARY(sin) UNARY(cos) UNARY(tan) UNARY(asin) UNARY(acos) UNARY(atan)
UNARY(sinh) UNARY(cosh) UNARY(tanh) UNARY(erf) UNARY(erfc)
MANY real C_NAME(pow)(real, real);
MANY real C_NAME(atan2)(real, real);
real C_NAME(sqrt)(real);
real C_NAME(fabs)(real);
real C_NAME(floor)(real);
real C_NAME(ceil)(real);
real C_NAME(rint)(real);
real C_NAME(lgamma)(real);

#define r_exp C_NAME(exp)
#define r_log C_NAME(log)
#define r_log1p C_NAME(log1p)
#define r_expm1 C_NAME(expm1)
#define r_sin C_NAME(sin)
#define r_cos C_NAME(cos)
#define r_tan C_NAME(tan)
#define r_asin C_NAME(asin)
#define r_acos C_NAME(acos)
#define r_atan C_NAME(atan)
#define r_sinh C_NAME(sinh)
#define r_cosh C_NAME(cosh)
#define r_tanh C_NAME(tanh)
#define r_erf C_NAME(own_erf)
#define r_erfc C_NAME(erfc)
#define r_atan2 C_NAME(atan2)
#define r_sqrt C_NAME(sqrt)
#define r_abs C_NAME(fabs)
#define r_floor C_NAME(floor)
#define r_ceil C_NAME(ceil)
#define r_rint C_NAME(rint)
#define r_lgamma C_NAME(lgamma)

#define d_exp __builtin_exp
#define d_log __builtin_log
#define d_log1p __builtin_log1p
#define d_expm1 __builtin_expm1
#define d_sin __builtin_sin
#define d_cos __builtin_cos
#define d_tan __builtin_tan
#define d_asin __builtin_asin
#define d_acos __builtin_acos
#define d_atan __builtin_atan
#define d_sinh __builtin_sinh
#define d_cosh __builtin_cosh
#define d_tanh __builtin_tanh
#define d_erf __builtin_erf
#define d_erfc __builtin_erfc
#define d_pow __builtin_pow
#define d_atan2 __builtin_atan2
#define d_sqrt __builtin_sqrt
#define d_floor __builtin_floor
#define d_ceil __builtin_ceil
#define d_rint __builtin_rint
#define d_lgamma __builtin_lgamma
#define d_abs __builtin_fabs

#define HERE static inline __attribute__((always_inline))
/* Division of 32 bits is several times faster, and nearly always enough; by a constant it is none. */
HERE int64_t i_floordiv(int64_t a, int64_t b) {
  if (a >= 0 && b > 0)
    return __builtin_constant_p(b) || ((a | b) >> 32) ? (int64_t)((uint64_t)a / (uint64_t)b) : (uint32_t)a / (uint32_t)b;
  int64_t q = a / b;
  return q - (a % b != 0 && (a % b < 0) != (b < 0));
}
HERE int64_t i_modulo(int64_t a, int64_t b) { return a - i_floordiv(a, b) * b; }
HERE int64_t i_max(int64_t a, int64_t b) { return a > b ? a : b; }
HERE int64_t i_min(int64_t a, int64_t b) { return a < b ? a : b; }
HERE int64_t i_abs(int64_t a) { return a < 0 ? -a : a; }
HERE int64_t i_clamp(int64_t x, int64_t lo, int64_t hi) { return i_min(i_max(x, lo), hi); }
/* The first x from lo on, and one more than the last below hi, with c x + r >= 0. */
HERE int64_t i_from(int64_t lo, int64_t c, int64_t r) {
  return c > 0 ? i_max(lo, -i_floordiv(r, c)) : c == 0 && r < 0 ? INT64_MAX : lo;
}
HERE int64_t i_to(int64_t hi, int64_t c, int64_t r) { return c < 0 ? i_min(hi, i_floordiv(r, -c) + 1) : hi; }
HERE int64_t i_inside(int64_t i, int64_t n) { return (uint64_t)i < (uint64_t)n ? i : 0; }

/* In single precision, rational functions fitted to a few units in the last place: erf from -3.92, where it is -1, to
   3.92, and log1p from 0 to 1, which is all that softplus asks for. */
HERE float own_erff(float x) {
  const float t = x > 3.92f ? 3.92f : x < -3.92f ? -3.92f : x, s = t * t;
  const float p = ((((2.0500856e-06f * s + 0.0002848835f) * s + 0.0037656429f) * s + 0.052748803f) * s + 0.19040704f) * s
    + 1.1283791f;
  const float q = ((((3.809174e-05f * s + 0.0011625421f) * s + 0.014969268f) * s + 0.11410935f) * s + 0.50207657f) * s + 1;
  const float y = t * p / q;
  return y > 1 ? 1 : y < -1 ? -1 : y;
}
HERE float unit_log1pf(float u) {
  return u * (1 + u * (-0.49999902f + u * (0.33329964f + u * (-0.24954133f + u * (0.19675934f + u * (-0.1530558f
    + u * (0.10603636f + u * (-0.056959346f + u * (0.019851364f + u * -0.0032440033f)))))))));
}
#define own_erf erf
#define unit_log1p log1p
#define d_unit_log1p __builtin_log1p
#define r_unit_log1p C_NAME(unit_log1p)

/* Many at once, powers of negative numbers are slow; the commonest exponents are asked for before a loop. */
HERE real r_pow(real x, real y) { return y == 2 ? x * x : y == 1 ? x : C_NAME(pow)(x, y); }

/* Functions of one precision: r_ those of arrays' entries, d_ those of numbers that are the same at every point. */
#define OWN(p, real) \
  HERE real p##square(real x) { return x * x; } \
  HERE real p##sign(real x) { return x != x ? x : (real)((x > 0) - (x < 0)); } \
  HERE real p##max(real a, real b) { return a > b || a != a ? a : b; } \
  HERE real p##min(real a, real b) { return a < b || a != a ? a : b; } \
  HERE real p##clamp(real x, real lo, real hi) { return p##min(p##max(x, lo), hi); } \
  HERE real p##relu(real x) { return x < 0 ? 0 : x; } \
  HERE real p##sigmoid(real x) { return 1 / (1 + p##exp(-x)); } \
  HERE real p##softplus(real x) { return (x > 0 ? x : 0) + p##unit_log1p(p##exp(-p##abs(x))); } \
  HERE real p##logsigmoid(real x) { return (x < 0 ? x : 0) - p##unit_log1p(p##exp(-p##abs(x))); }
OWN(r_, real)
OWN(d_, double)
