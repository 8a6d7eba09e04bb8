// What a network is to the C code, and its products with states. charrnn/native/fused.py lays it out.
//
// There are two kinds of weights. With int8 rows ("whole") sums are those of the portable
// arithmetic of charrnn/export.py: integers, exact in any order. With float32 weights sums are
// taken in an order of their own, and fused.

#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "eight.h"

#define STRETCH 32  // products that are summed up before they join the others

typedef struct {
    const void *weights;  // whole: int8 (W / 8, W / 2, P, 8, 2); else float32 (W / 8, W, P, 8)
    const float *factor;  // whole: (W / 8, P, 8), what a sum of integers is multiplied by
} Matrix;

typedef struct {
    Matrix below, recurrent;
    const float *bias;         // (W / 8, P, 8)
    const float *bias_new;     // (W,) GRU
    const float *held, *value; // (W,) the sign bit set where a unit is held; at which value
} Layer;

typedef struct {
    int32_t parts, layers, width, vocab, rows, restart, whole, streams;
    float scale;          // whole: A
    const float *lookup;  // (V, W / 8, P, 8)
    Matrix decoder;       // rows in blocks of eight, P = 1
    const float *decoder_bias;  // (rows,), minus infinity from V on
    const Layer *layer;
} Network;

// What a product is multiplied by: 1, or no number where one of the states is none. Such a state is
// kept as -32768, which nothing else is.
static float soundness(const int16_t *q, int width) {
    int16_t least = 0;
    for (int k = 0; k < width; k++) least = q[k] < least ? q[k] : least;
    return least == INT16_MIN ? NAN : 1;
}

INLINE __m256i pair(const int16_t *q) {
    int32_t both;
    memcpy(&both, q, 4);
    return _mm256_set1_epi32(both);
}

INLINE __m256i accumulate(__m256i sum, __m256i w, __m256i q) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return _mm256_dpwssd_epi32(sum, w, q);
#elif defined(__AVXVNNI__)
    return _mm256_dpwssd_avx_epi32(sum, w, q);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(w, q));
#endif
}

// A block's sums, of each of its parts: integers that stay below 2^31, so exact in any order.
INLINE void whole_products(const Matrix *m, int block, const int16_t *q, float sound, int width,
                           const int parts, __m256 *out) {
    const __m128i *w = (const __m128i *)m->weights + (int64_t)block * width / 2 * parts;
    __m256i sum[4];
    for (int p = 0; p < parts; p++) sum[p] = _mm256_setzero_si256();
    for (int k = 0; k < width; k += 4, w += 2 * parts) {
        __m256i first = pair(q + k), second = pair(q + k + 2);
        for (int p = 0; p < parts; p++) {
            sum[p] = accumulate(sum[p], _mm256_cvtepi8_epi16(_mm_load_si128(w + p)), first);
            __m128i next = _mm_load_si128(w + parts + p);
            sum[p] = accumulate(sum[p], _mm256_cvtepi8_epi16(next), second);
        }
    }
    const float *factor = m->factor + (int64_t)block * parts * LANES;
    for (int p = 0; p < parts; p++) {
        __m256 exact = mul(_mm256_cvtepi32_ps(sum[p]), _mm256_load_ps(factor + p * LANES));
        out[p] = mul(exact, set(sound));
    }
}

// Several sums a row, for a fused multiply-add takes four cycles and two begin in each; and sums of
// stretches, for a sum's rounding grows with its length.
INLINE void float_products(const Matrix *m, int block, const float *h, int width, const int parts,
                           __m256 *out) {
    const float *w = (const float *)m->weights + (int64_t)block * width * parts * LANES;
    const int apart = parts == 1 ? 4 : 2;
    for (int p = 0; p < parts; p++) out[p] = set(0);
    for (int begin = 0; begin < width; begin += STRETCH) {
        const int end = begin + STRETCH < width ? begin + STRETCH : width;
        __m256 sum[4][4];
        for (int j = 0; j < apart; j++)
            for (int p = 0; p < parts; p++) sum[j][p] = set(0);
        for (int k = begin; k < end; k += apart)
            for (int j = 0; j < apart; j++) {
                __m256 x = _mm256_broadcast_ss(h + k + j);
                for (int p = 0; p < parts; p++, w += LANES)
                    sum[j][p] = _mm256_fmadd_ps(_mm256_load_ps(w), x, sum[j][p]);
            }
        for (int p = 0; p < parts; p++) {
            __m256 some = add(sum[0][p], sum[1][p]);
            if (apart == 4) some = add(some, add(sum[2][p], sum[3][p]));
            out[p] = add(out[p], some);
        }
    }
}

// `state`: int16 or float32 (W,).
INLINE void products(const Matrix *m, int block, const void *state, float sound, int width,
                     const int parts, const int whole, __m256 *out) {
    if (whole) whole_products(m, block, state, sound, width, parts, out);
    else float_products(m, block, state, width, parts, out);
}
