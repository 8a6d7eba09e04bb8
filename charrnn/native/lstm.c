// Layers of an LSTM, forward and backward, with their products in 16-bit fixed point.
//
// An instruction (vpmaddwd) multiplies sixteen pairs of 16-bit integers, eight of floats. So both
// sides of every product are rounded to multiples of a shared scale (Das et al. 2018,
// arXiv:1802.00930), the products are summed exactly in 32 bits, and all else is float32: gates,
// cell, scales, sums of sums.
//
// One side of a product, the rows, is integers of at most MOST. The other side, the columns, is
// scaled so that MOST times the sum of a column's magnitudes stays below 2^31: no sum of products
// can overflow, whatever the numbers are. A column that holds a NaN or an infinity gets the scale
// NaN.
//
// Names: B lanes, T steps, H units, G = 4H gates in torch's order i, f, g, o; H is a multiple of
// 16. Columns lie in panels of 16, pairs of k side by side: [columns / 16][k / 2][16][2]. A thread
// takes some lanes, or some rows of a gradient, through everything: there are no barriers, and no
// sum depends on how many threads there are.
#include <stdlib.h>

#include "columns.h"
#include "layer.h"
#include "products.h"

#define GRADIENTS 128 // rows of a weight gradient worked on together: with a block, 128 kB

// sums (rows, 16) = a (rows, depth) times a panel, exactly: what the layers do all along.
void multiply(const int16_t *a, const int16_t *panel, int64_t rows, int64_t depth, int32_t *sums) {
    product(rows, a, depth, panel, depth, sums);
}

// h in [-1, 1] in units of 1 / MOST; what is beyond, or no number, is taken to the edge.
INLINE floats fixed(floats h) {
    floats q = _mm256_mul_ps(h, all(MOST));
    return _mm256_min_ps(_mm256_max_ps(q, all(-MOST)), all(MOST));
}

// A gate from its exact sum: 8 columns.
INLINE floats gate(const int32_t *sums, const float *scale, const float *base) {
    floats sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const ints *)sums));
    return _mm256_fmadd_ps(sum, _mm256_mul_ps(load(scale), all(1.0f / MOST)), load(base));
}

typedef struct { floats low, high; } Pair; // of 16 units

// Activations in 16 bits, for the way back.
INLINE void keep(int16_t *to, Pair x) {
    floats most = all(32767);
    ints q = narrow(_mm256_mul_ps(x.low, most), _mm256_mul_ps(x.high, most));
    _mm256_storeu_si256((ints *)to, q);
}

// h of 16 units at row (t, lane) to where it is read: own next step, layer above, output.
static void hand_on(const Layer *l, long t, long lane, long unit, Pair h) {
    long row = t * l->lanes + lane, at = row * l->hidden + unit;
    ints q = narrow(fixed(h.low), fixed(h.high)), kept = _mm256_set1_epi16(-1);
    if (l->kept) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(l->kept + at));
        kept = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_cvtepu8_epi16(bytes));
    }
    if (t + 1 < l->steps) {
        int16_t *own = l->z + (row + l->lanes) * l->width + l->width - l->hidden + unit;
        _mm256_storeu_si256((ints *)own, q);
    } else {
        store(l->h + lane * l->hidden + unit, h.low);
        store(l->h + lane * l->hidden + unit + 8, h.high);
    }
    if (l->z_above) {
        int16_t *above = l->z_above + row * l->width_above + unit;
        _mm256_storeu_si256((ints *)above, _mm256_and_si256(q, kept));
    } else {
        floats low = _mm256_castsi256_ps(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(kept)));
        floats high = _mm256_castsi256_ps(_mm256_cvtepi16_epi32(_mm256_extracti128_si256(kept, 1)));
        store(l->y + at, _mm256_mul_ps(all(l->factor), _mm256_and_ps(low, h.low)));
        store(l->y + at + 8, _mm256_mul_ps(all(l->factor), _mm256_and_ps(high, h.high)));
    }
}

// 16 units of a lane: sums (4, 16) of their gates, `stride` apart, to their activations and c. What
// the output gate shows goes to show (16,).
static void remember(const Layer *l, long t, long lane, long unit, const int32_t *sums, long stride,
                     float *show) {
    long row = t * l->lanes + lane, H = l->hidden;
    const float *base = l->base + (l->ids ? l->ids[row] * 4 * H : 0) + unit;
    const float *scale = l->up_scale + 4 * unit, *before = l->c + row * H + unit;
    floats part[4][2];
    for (long half = 0; half < 2; half++) {
        for (long g = 0; g < 4; g++) {
            floats x = gate(sums + g * stride + 8 * half, scale + 16 * g + 8 * half,
                            base + g * H + 8 * half);
            part[g][half] = g == 2 ? hyperbolic(x) : sigmoid(x);
        }
        floats kept = _mm256_mul_ps(part[1][half], load(before + 8 * half));
        floats c = _mm256_fmadd_ps(part[0][half], part[2][half], kept);
        store(l->c + (row + l->lanes) * H + unit + 8 * half, c);
        store(show + 8 * half, part[3][half]);
    }
    for (long g = 0; g < 4; g++)
        keep(l->gates + row * 4 * H + g * H + unit, (Pair){part[g][0], part[g][1]});
}

// h of 16 units of a lane, from c and the output gate.
static void reveal(const Layer *l, long t, long lane, long unit, const float *show) {
    const float *c = l->c + ((t + 1) * l->lanes + lane) * l->hidden + unit;
    Pair h = {_mm256_mul_ps(load(show), hyperbolic(load(c))),
              _mm256_mul_ps(load(show + 8), hyperbolic(load(c + 8)))};
    hand_on(l, t, lane, unit, h);
}

// z of the first step: the state before it.
static void enter(const Layer *l, long lane) {
    int16_t *z = l->z + lane * l->width + l->width - l->hidden;
    for (long unit = 0; unit < l->hidden; unit += 16) {
        const float *h = l->h + lane * l->hidden + unit;
        _mm256_storeu_si256((ints *)(z + unit), narrow(fixed(load(h)), fixed(load(h + 8))));
    }
}

// Lanes first to last of a layer through all steps. 0, or 1 where memory is short.
int forward(const Layer *l, int64_t first, int64_t last) {
    long rows = last - first, H = l->hidden;
    int32_t *sums = malloc(sizeof(int32_t) * 4 * rows * 16);
    float *show = malloc(sizeof(float) * rows * 16);
    int short_of = !sums || !show;
    for (long lane = first; lane < last && !short_of; lane++) enter(l, lane);
    for (long t = 0; t < l->steps && !short_of; t++) {
        const int16_t *z = l->z + (t * l->lanes + first) * l->width;
        for (long unit = 0; unit < H; unit += 16) {
            for (long g = 0; g < 4; g++)
                product(rows, z, l->width, l->up + (4 * unit + 16 * g) * l->width, l->width,
                        sums + g * rows * 16);
            for (long r = 0; r < rows; r++)
                remember(l, t, first + r, unit, sums + r * 16, rows * 16, show + r * 16);
            for (long r = 0; r < rows; r++) // apart, as a lane alone would wait for its c
                reveal(l, t, first + r, unit, show + r * 16);
        }
    }
    free(sums);
    free(show);
    return short_of;
}

// Gradient of h of 8 units: from above, where dropout let it through, and from the step after.
INLINE floats gradient_of_h(const Layer *l, long at, long own) {
    floats dy = _mm256_mul_ps(load(l->dy + at), all(l->y ? l->factor : 1));
    if (l->kept) {
        ints kept = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(l->kept + at)));
        dy = _mm256_mul_ps(dy, _mm256_cvtepi32_ps(kept));
    }
    return _mm256_add_ps(dy, load(l->dh + own));
}

// Gradients of the gates of a lane before their activation, into grads (4, H), and of its c.
// Returns the greatest magnitude; a NaN or an infinity where there is one.
static float gate_gradients(const Layer *l, long t, long lane, float *grads) {
    long row = t * l->lanes + lane, H = l->hidden;
    floats one = all(1), step = all(1.0f / 32767), most = _mm256_setzero_ps(), bad = most;
    for (long unit = 0; unit < H; unit += 8) {
        const int16_t *at = l->gates + row * 4 * H + unit;
        floats i = _mm256_mul_ps(step, widen(at)), f = _mm256_mul_ps(step, widen(at + H));
        floats g = _mm256_mul_ps(step, widen(at + 2 * H));
        floats o = _mm256_mul_ps(step, widen(at + 3 * H));
        floats shown = hyperbolic(load(l->c + (row + l->lanes) * H + unit));
        floats before = load(l->c + row * H + unit);
        floats dh = gradient_of_h(l, row * H + unit, lane * H + unit);
        floats slope = _mm256_mul_ps(o, _mm256_fnmadd_ps(shown, shown, one));
        floats dc = _mm256_fmadd_ps(dh, slope, load(l->dc + lane * H + unit));
        floats d[4] = {
            _mm256_mul_ps(_mm256_mul_ps(dc, g), _mm256_fnmadd_ps(i, i, i)),
            _mm256_mul_ps(_mm256_mul_ps(dc, before), _mm256_fnmadd_ps(f, f, f)),
            _mm256_mul_ps(_mm256_mul_ps(dc, i), _mm256_fnmadd_ps(g, g, one)),
            _mm256_mul_ps(_mm256_mul_ps(dh, shown), _mm256_fnmadd_ps(o, o, o)),
        };
        store(l->dc + lane * H + unit, _mm256_mul_ps(dc, f));
        for (long part = 0; part < 4; part++) {
            store(grads + part * H + unit, d[part]);
            most = _mm256_max_ps(most, magnitude(d[part]));
            bad = _mm256_fmadd_ps(d[part], _mm256_setzero_ps(), bad); // 0, or NaN
        }
    }
    float values[8], greatest = 0;
    store(values, _mm256_add_ps(most, bad));
    for (long j = 0; j < 8; j++) greatest = values[j] <= greatest ? greatest : values[j];
    return greatest;
}

// A row of gradients in units of its greatest / MOST, to both its readers; returns the unit.
static float round_row(const float *grads, long n, float greatest, int16_t *now, int16_t *later) {
    float inverse = greatest > 1e-30f && isfinite(greatest) ? MOST / greatest : 0;
    for (long m = 0; m < n; m += 16) {
        floats by = all(inverse);
        ints q = narrow(_mm256_mul_ps(by, load(grads + m)), _mm256_mul_ps(by, load(grads + m + 8)));
        _mm256_storeu_si256((ints *)(now + m), q);
        _mm256_storeu_si256((ints *)(later + m), q);
    }
    return isfinite(greatest) ? (inverse > 0 ? greatest / MOST : 0) : NAN;
}

// 16 columns of the products: gradients of the input, or of h before the step.
static void spread(const Layer *l, long t, long first, long rows, long column,
                   const int32_t *sums) {
    long inputs = l->width - l->hidden;
    for (long r = 0; r < rows; r++) {
        long lane = first + r, row = t * l->lanes + lane;
        float *to = column < inputs ? l->dx + row * l->hidden + column
                                    : l->dh + lane * l->hidden + column - inputs;
        for (long j = 0; j < 16; j += 8) {
            floats sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const ints *)(sums + r * 16 + j)));
            floats scale = _mm256_mul_ps(all(l->unit[row]), load(l->down_scale + column + j));
            store(to + j, _mm256_mul_ps(sum, scale));
        }
    }
}

// Lanes first to last of a layer back through all steps. 0, or 1 where memory is short.
int backward(const Layer *l, int64_t first, int64_t last) {
    long rows = last - first, G = 4 * l->hidden;
    long stride = G + 32; // rows 4 kB apart would fall on the same lines of the first cache
    int16_t *a = malloc(sizeof(int16_t) * rows * stride);
    int32_t *sums = malloc(sizeof(int32_t) * rows * 16);
    float *grads = malloc(sizeof(float) * G);
    int short_of = !a || !sums || !grads;
    for (long t = short_of ? -1 : l->steps - 1; t >= 0; t--) {
        for (long r = 0; r < rows; r++) {
            long row = t * l->lanes + first + r;
            float greatest = gate_gradients(l, t, first + r, grads);
            l->unit[row] = round_row(grads, G, greatest, a + r * stride, l->gates + row * G);
        }
        for (long column = 0; column < l->width; column += 16) {
            product(rows, a, stride, l->down + column * G, G, sums);
            spread(l, t, first, rows, column, sums);
        }
    }
    free(a);
    free(sums);
    free(grads);
    return short_of;
}

// Rows first to last of the gradients, over (t, lane) rows `start` on, in panels of 4.
static void pack_gradients(const Layer *l, long start, long depth, long first, long last,
                           int16_t *to) {
    long G = 4 * l->hidden, pairs = EVEN(depth) / 2;
    for (long k = 0; k < pairs; k++)
        for (long m = first; m < last; m += 16) {
            const int16_t *from = l->gates + (start + 2 * k) * G + m;
            ints even = _mm256_setzero_si256(), odd = even;
            if (2 * k < depth) even = _mm256_loadu_si256((const ints *)from);
            if (2 * k + 1 < depth) odd = _mm256_loadu_si256((const ints *)(from + G));
            interleave(to + (m - first) * 2 * pairs + k * 8, 8 * pairs, even, odd);
        }
}

// Where rows m on, columns on, of the gradients of the weights are, rows H apart.
INLINE float *weights_at(const Layer *l, long m, long column) {
    long inputs = l->width - l->hidden;
    if (column < inputs) return l->dw_ih + m * l->hidden + column;
    return l->dw_hh + m * l->hidden + column - inputs;
}

// Adds a tile (4, 16) of exact sums, rows m on and columns on, to the gradients of the weights.
static void collect(const Layer *l, long m, long column, const int32_t *sums, const float *scale) {
    long inputs = l->width - l->hidden;
    floats by = all((column < inputs ? l->input_factor : 1) / MOST);
    float *to = weights_at(l, m, column);
    for (long r = 0; r < 4; r++)
        for (long j = 0; j < 16; j += 8) {
            floats sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const ints *)(sums + r * 16 + j)));
            float *at = to + r * l->hidden + j;
            store(at, _mm256_fmadd_ps(sum, _mm256_mul_ps(by, load(scale + j)), load(at)));
        }
}

// Adds the (t, lane) rows of a block to rows first to last of the gradients of the weights.
static void add_block(const Layer *l, long depth, long first, long last, const int16_t *grads,
                      const int16_t *z, const float *scale) {
    long pairs = EVEN(depth) / 2;
    int32_t sums[4 * 16];
    for (long column = 0; column < l->width; column += 16)
        for (long m = first; m < last; m += 4) {
            const int16_t *a = grads + (m - first) * 2 * pairs, *b = z + column * 2 * pairs;
            for (long r = 0; r < 4; r++)
                _mm_prefetch((const char *)(weights_at(l, m + r, column)), _MM_HINT_T0);
            tile(4, a, 4, 16, b, pairs, zeros, sums);
            collect(l, m, column, sums, scale + column);
        }
}

// Adds a block to the gradients of the biases and of the symbols, which need no product.
static void add_sums(const Layer *l, long start, long depth, long first, long last) {
    long G = 4 * l->hidden;
    for (long row = start; row < start + depth; row++) {
        floats unit = all(l->unit[row]);
        float *symbol = l->ids ? l->dw_ih + l->ids[row] * G : NULL;
        for (long m = first; m < last; m += 8) {
            floats x = _mm256_mul_ps(unit, widen(l->gates + row * G + m));
            store(l->dbias + m, _mm256_add_ps(load(l->dbias + m), x));
            if (symbol) store(symbol + m, _mm256_add_ps(load(symbol + m), x));
        }
    }
}

// Rows first to last of the gradients of a layer's weights, all lanes and steps, added to zeros.
int weight_gradients(const Layer *l, int64_t first, int64_t last) {
    long total = l->steps * l->lanes;
    int16_t *z = malloc(sizeof(int16_t) * DEPTH * l->width);
    int16_t *grads = malloc(sizeof(int16_t) * DEPTH * GRADIENTS);
    float *scale = malloc(sizeof(float) * l->width);
    int short_of = !z || !grads || !scale;
    for (long start = 0; start < total && !short_of; start += DEPTH) {
        long depth = MIN(DEPTH, total - start), even = EVEN(depth);
        Numbers from = {NULL, l->z + start * l->width, l->unit + start, l->width};
        for (long column = 0; column < l->width; column += 16)
            pack_panel(&from, depth, column, z + column * even, scale + column);
        for (long m = first; m < last; m += GRADIENTS) {
            long end = MIN(m + GRADIENTS, last);
            pack_gradients(l, start, depth, m, end, grads);
            add_block(l, depth, m, end, grads, z, scale);
        }
        add_sums(l, start, depth, first, last);
    }
    free(z);
    free(grads);
    free(scale);
    return short_of;
}
