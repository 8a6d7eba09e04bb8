// The three cells: eight units from the sums of their gates to their new states.

#pragma once
#include "network.h"

INLINE __m256 hold(const Layer *layer, int unit, __m256 state) {
    __m256 held = _mm256_load_ps(layer->held + unit);
    return _mm256_blendv_ps(state, _mm256_load_ps(layer->value + unit), held);
}

// x, u: the products, (P,) vectors of a block's units; c is overwritten. Returns h.
INLINE __m256 lstm(const Layer *layer, int unit, const __m256 *x, const __m256 *u, float *c,
                   int fresh, const int whole) {
    const float *bias = layer->bias + 4 * unit;
    __m256 a[4];
    for (int p = 0; p < 4; p++) a[p] = add(add(x[p], u[p]), _mm256_load_ps(bias + p * LANES));
    __m256 kept = fresh ? set(0) : mul(_mm256_loadu_ps(c), sigmoid(a[1]));
    __m256 cell = add(kept, mul(sigmoid(a[0]), hyperbolic(a[2], whole)));
    cell = hold(layer, unit, cell);
    _mm256_storeu_ps(c, cell);
    return mul(sigmoid(a[3]), hyperbolic(cell, whole));
}

INLINE __m256 gru(const Layer *layer, int unit, const __m256 *x, const __m256 *u, __m256 h,
                  const int whole) {
    const float *bias = layer->bias + 3 * unit;
    __m256 a[3];
    for (int p = 0; p < 3; p++) a[p] = add(x[p], _mm256_load_ps(bias + p * LANES));
    __m256 r = sigmoid(add(a[0], u[0])), z = sigmoid(add(a[1], u[1]));
    __m256 inner = mul(r, add(u[2], _mm256_load_ps(layer->bias_new + unit)));
    __m256 fresh = hyperbolic(add(a[2], inner), whole);
    return hold(layer, unit, add(mul(sub(set(1), z), fresh), mul(z, h)));
}

INLINE __m256 rnn(const Layer *layer, int unit, const __m256 *x, const __m256 *u, const int whole) {
    __m256 a = add(add(x[0], u[0]), _mm256_load_ps(layer->bias + unit));
    return hold(layer, unit, hyperbolic(a, whole));
}

// What the next products take of eight states.
INLINE void keep(int16_t *q, __m256 h, float scale) {
    __m256 n = _mm256_min_ps(set(scale), _mm256_max_ps(set(-scale), nearest(mul(h, set(scale)))));
    __m256i whole = _mm256_cvtps_epi32(n);
    __m128i low = _mm256_castsi256_si128(whole), high = _mm256_extracti128_si256(whole, 1);
    _mm_storeu_si128((__m128i *)q, _mm_packs_epi32(low, high));
}
