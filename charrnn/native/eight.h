// Functions of eight float32 numbers at once. They are those of the portable arithmetic that
// charrnn/export.py specifies, so operations stand in the order given there and none may be fused
// with another (-ffp-contract=off), but where a fused one is asked for by name.

#pragma once
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define LANES 8

INLINE __m256 set(float v) { return _mm256_set1_ps(v); }
INLINE __m256 add(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
INLINE __m256 sub(__m256 a, __m256 b) { return _mm256_sub_ps(a, b); }
INLINE __m256 mul(__m256 a, __m256 b) { return _mm256_mul_ps(a, b); }
INLINE __m256 nearest(__m256 a) {
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// exp in [-87, 87], as charrnn/export.py specifies it. What is not a number stays so: min and max
// return their second argument then.
INLINE __m256 exponential(__m256 v) {
    v = _mm256_min_ps(set(87), _mm256_max_ps(set(-87), v));
    __m256 n = nearest(mul(v, set(1.44269504f)));
    __m256 r = sub(sub(v, mul(n, set(0.693359375f))), mul(n, set(-0.00021219444f)));
    __m256 p = mul(r, set(1.98756915e-4f));
    p = mul(add(p, set(1.39819995e-3f)), r);
    p = mul(add(p, set(8.33345191e-3f)), r);
    p = mul(add(p, set(4.16657959e-2f)), r);
    p = mul(add(p, set(0.166666655f)), r);
    p = mul(add(p, set(0.5f)), mul(r, r));
    p = add(add(p, r), set(1));
    __m256i power = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return mul(p, _mm256_castsi256_ps(_mm256_slli_epi32(power, 23)));
}

INLINE __m256 sigmoid(__m256 v) {
    return _mm256_div_ps(set(1), add(exponential(_mm256_xor_ps(v, set(-0.0f))), set(1)));
}

// 2 / (1 + exp(-2 v)) - 1
INLINE __m256 portable_tanh(__m256 v) {
    __m256 e = exponential(mul(set(-2), v));
    return sub(_mm256_div_ps(set(2), add(e, set(1))), set(1));
}

// The same without the digits that it loses: it is taken of -|v|, and near 0 the odd polynomial of
// tanhf in the Cephes library (S. Moshier, 1992) takes its place. Within 2 units of the last place.
INLINE __m256 accurate_tanh(__m256 v) {
    const __m256 sign = set(-0.0f);
    __m256 far = portable_tanh(_mm256_or_ps(v, sign));
    far = _mm256_or_ps(_mm256_andnot_ps(sign, far), _mm256_and_ps(sign, v));
    __m256 z = mul(v, v);
    __m256 p = _mm256_fmadd_ps(set(-5.70498872745e-3f), z, set(2.06390887954e-2f));
    p = _mm256_fmadd_ps(p, z, set(-5.37397155531e-2f));
    p = _mm256_fmadd_ps(p, z, set(1.33314422036e-1f));
    p = _mm256_fmadd_ps(p, z, set(-3.33332819422e-1f));
    __m256 near = _mm256_fmadd_ps(mul(p, z), v, v);
    return _mm256_blendv_ps(far, near, _mm256_cmp_ps(z, set(0.625f * 0.625f), _CMP_LT_OQ));
}

INLINE __m256 hyperbolic(__m256 v, const int whole) {
    return whole ? portable_tanh(v) : accurate_tanh(v);
}
