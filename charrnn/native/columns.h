// Floats eight at a time, and columns of them as panels of 16-bit integers with a scale each.
#pragma once
#include <math.h>
#include <string.h>

#include "products.h"

#define EVEN(depth) (((depth) + 3) / 4 * 4) // with rows of zeros, an even number of pairs
typedef __m256 floats; // 8 of them
typedef __m256i ints;

INLINE floats load(const float *x) { return _mm256_loadu_ps(x); }
INLINE void store(float *x, floats v) { _mm256_storeu_ps(x, v); }
INLINE floats all(float x) { return _mm256_set1_ps(x); }
INLINE floats magnitude(floats x) { return _mm256_andnot_ps(all(-0.0f), x); }

// 8 16-bit integers as floats.
INLINE floats widen(const int16_t *x) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)x)));
}

// 16 floats rounded to 16-bit integers, saturated.
INLINE ints narrow(floats low, floats high) {
    ints packed = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    return _mm256_permute4x64_epi64(packed, 0xd8);
}

// exp(x) within 2 units in the last place, for x in [-87, 88]: 2^n times a polynomial (Cephes).
INLINE floats exponential(floats x) {
    const int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    floats n = _mm256_round_ps(_mm256_mul_ps(x, all(1.44269504f)), nearest);
    floats r = _mm256_fnmadd_ps(n, all(0.693359375f), x), p = all(1.9875691500e-4f);
    r = _mm256_fnmadd_ps(n, all(-2.12194440e-4f), r);
    p = _mm256_fmadd_ps(p, r, all(1.3981999507e-3f));
    p = _mm256_fmadd_ps(p, r, all(8.3334519073e-3f));
    p = _mm256_fmadd_ps(p, r, all(4.1665795894e-2f));
    p = _mm256_fmadd_ps(p, r, all(1.6666665459e-1f));
    p = _mm256_fmadd_ps(p, r, all(5.0000001201e-1f));
    p = _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), _mm256_add_ps(r, all(1.0f)));
    ints power = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(power, 23)));
}

// 1 / (1 + exp(-x)) within 2e-7; a NaN stays one.
INLINE floats sigmoid(floats x) {
    x = _mm256_min_ps(all(80.0f), _mm256_max_ps(all(-80.0f), x));
    floats e = exponential(_mm256_sub_ps(_mm256_setzero_ps(), x));
    return _mm256_div_ps(all(1.0f), _mm256_add_ps(all(1.0f), e));
}

// tanh(x) = 2 sigmoid(2x) - 1, within 3e-7.
INLINE floats hyperbolic(floats x) {
    return _mm256_fmadd_ps(all(2.0f), sigmoid(_mm256_add_ps(x, x)), all(-1.0f));
}

// Numbers in columns: row k of them starts at x + k * stride, or at q + k * stride in units of
// unit[k].
typedef struct {
    const float *x;
    const int16_t *q;
    const float *unit;
    int64_t stride;
} Numbers;

INLINE floats fetch(const Numbers *from, long k, long column) {
    if (from->x) return load(from->x + k * from->stride + column);
    return _mm256_mul_ps(all(from->unit[k]), widen(from->q + k * from->stride + column));
}

// The least scale that keeps both |q| <= 32767 and MOST * sum |q| < 2^31 for `depth` numbers whose
// magnitudes have this sum and maximum. Rounding adds at most 1/2 to each |q|; the float32 sum may
// be short by depth * 2^-24 of itself. NaN where a number is not finite; 0 where all are nearly 0.
static float column_scale(float sum, float greatest, long depth) {
    double room = 2147483647.0 / MOST - depth / 2.0 - 1;
    double scale = sum / (room * (1 - (depth + 8) * 0x1p-24));
    if (!isfinite(sum)) return NAN;
    if (scale < greatest / 32766.0) scale = greatest / 32766.0;
    return scale < 1e-30 ? 0 : (float)scale;
}

// scale (16,) of 16 columns.
static void measure(const Numbers *from, long depth, long column, float *scale) {
    float sums[16], greatest[16];
    for (long half = 0; half < 16; half += 8) {
        floats sum = _mm256_setzero_ps(), most = sum;
        for (long k = 0; k < depth; k++) {
            floats x = magnitude(fetch(from, k, column + half));
            sum = _mm256_add_ps(sum, x);
            most = _mm256_max_ps(most, x);
        }
        store(sums + half, sum);
        store(greatest + half, most);
    }
    for (long j = 0; j < 16; j++) scale[j] = column_scale(sums[j], greatest[j], depth);
}

// 16 integers of row k; zeros beyond the last row.
INLINE ints rounded(const Numbers *from, long k, long depth, long column, const float *inverse) {
    if (k >= depth) return _mm256_setzero_si256();
    floats low = _mm256_mul_ps(fetch(from, k, column), load(inverse));
    return narrow(low, _mm256_mul_ps(fetch(from, k, column + 8), load(inverse + 8)));
}

// Two rows of 16 side by side, pair by pair: four pairs to `to`, four `apart` integers on, ...
INLINE void interleave(int16_t *to, long apart, ints even, ints odd) {
    ints low = _mm256_unpacklo_epi16(even, odd), high = _mm256_unpackhi_epi16(even, odd);
    _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(low));
    _mm_storeu_si128((__m128i *)(to + apart), _mm256_castsi256_si128(high));
    _mm_storeu_si128((__m128i *)(to + 2 * apart), _mm256_extracti128_si256(low, 1));
    _mm_storeu_si128((__m128i *)(to + 3 * apart), _mm256_extracti128_si256(high, 1));
}

// A panel of 16 columns and their scales: x is about scale * q.
static void pack_panel(const Numbers *from, long depth, long column, int16_t *panel, float *scale) {
    float inverse[16];
    measure(from, depth, column, scale);
    for (long j = 0; j < 16; j++) inverse[j] = scale[j] > 0 ? 1 / scale[j] : 0; // NaN: none
    for (long k = 0; k < EVEN(depth); k += 2)
        interleave(panel + k * 16, 8, rounded(from, k, depth, column, inverse),
                   rounded(from, k + 1, depth, column, inverse));
}

// What is packed: as fixed_point_kernel.py tells it, in the same order and under the same names.
typedef struct {
    const float *matrix;
    int64_t depth, columns, parts;
    int16_t *panels; // (columns / 16, depth / 2, 16, 2)
    float *scales;   // (columns,)
} Packing;

// Panels first to last of the columns of matrix (depth, columns), for the way down. depth is even.
int pack_down(const Packing *to, int64_t first, int64_t last) {
    Numbers from = {to->matrix, NULL, NULL, to->columns};
    for (long p = first; p < last; p++)
        pack_panel(&from, to->depth, 16 * p, to->panels + p * to->depth * 16, to->scales + 16 * p);
    return 0;
}

// A row of x as column j of a panel.
static void pack_row(const float *x, long depth, int16_t *panel, long j, float *scale) {
    floats sum = _mm256_setzero_ps(), most = sum;
    for (long k = 0; k < depth; k += 8) {
        sum = _mm256_add_ps(sum, magnitude(load(x + k)));
        most = _mm256_max_ps(most, magnitude(load(x + k)));
    }
    float sums[8], greatest[8], pairs[8];
    store(sums, sum);
    store(greatest, most);
    for (long i = 1; i < 8; i++) {
        sums[0] += sums[i];
        greatest[0] = greatest[i] > greatest[0] ? greatest[i] : greatest[0];
    }
    scale[j] = column_scale(sums[0], greatest[0], depth);
    floats inverse = all(scale[j] > 0 ? 1 / scale[j] : 0);
    for (long k = 0; k < depth; k += 16) {
        floats low = _mm256_mul_ps(inverse, load(x + k));
        ints q = narrow(low, _mm256_mul_ps(inverse, load(x + k + 8)));
        store(pairs, _mm256_castsi256_ps(q));
        for (long i = 0; i < 8; i++) memcpy(panel + (k / 2 + i) * 32 + 2 * j, pairs + i, 4);
    }
}

// Panels first to last of the rows of matrix (columns, depth), for the way up: rows p % parts *
// columns / parts + p / parts * 16 on make panel p, so that the gates of a unit lie together.
int pack_up(const Packing *to, int64_t first, int64_t last) {
    long depth = to->depth, parts = to->parts;
    for (long p = first; p < last; p++)
        for (long j = 0; j < 16; j++) {
            long row = p % parts * (to->columns / parts) + p / parts * 16 + j;
            pack_row(to->matrix + row * depth, depth, to->panels + p * depth * 16, j,
                     to->scales + 16 * p);
        }
    return 0;
}
