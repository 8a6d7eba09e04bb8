// A symbol drawn from scores by a uniform number, as charrnn.sample.pick does it.

#pragma once
#include <stdlib.h>

#include "network.h"

typedef struct {
    double temperature;
    int64_t top_k;  // at least 1; V or more: all
    double top_p;   // above 1: all
} Rule;

typedef struct {
    float logit;
    int32_t id;
} Ranked;

// The first of the largest scores; -1 where it is not finite, or a score is no number.
static int64_t likeliest(const float *logits, int vocab) {
    int64_t best = 0;
    for (int k = 0; k < vocab; k++) {
        if (isnan(logits[k])) return -1;
        if (logits[k] > logits[best]) best = k;
    }
    return isfinite(logits[best]) ? best : -1;
}

// Eight weights of the portable rule, each a float32 number.
INLINE void portable_weights(const float *logits, double top, double temperature, double *weights) {
    float v[LANES];
    for (int k = 0; k < LANES; k++) v[k] = (float)(((double)logits[k] - top) / temperature);
    __m256 scores = _mm256_loadu_ps(v), w = exponential(scores);
    w = _mm256_andnot_ps(_mm256_cmp_ps(scores, set(-87), _CMP_LT_OQ), w);
    _mm256_storeu_pd(weights, _mm256_cvtps_pd(_mm256_castps256_ps128(w)));
    _mm256_storeu_pd(weights + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(w, 1)));
}

static int by_rank(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

// No weight is left to what top_k, and then top_p, leave out. ranked: (V,), overwritten.
static void cut(const Rule *rule, const float *logits, int vocab, Ranked *ranked, double *weights) {
    for (int k = 0; k < vocab; k++) ranked[k] = (Ranked){logits[k], k};
    qsort(ranked, vocab, sizeof *ranked, by_rank);
    const int few = rule->top_k < vocab ? (int)rule->top_k : vocab;
    for (int k = few; k < vocab; k++) weights[ranked[k].id] = 0;
    if (rule->top_p > 1) return;
    double all = 0, reached = 0;
    for (int k = 0; k < few; k++) all += weights[ranked[k].id];
    for (int k = 0; k < few; k++) {
        double weight = weights[ranked[k].id];
        if (k > 0 && reached >= rule->top_p * all) weights[ranked[k].id] = 0;
        reached += weight;
    }
}

// The symbol that a uniform number stands for; -1 as above. sums, ranked: (rows,), overwritten.
static int64_t draw(const Network *net, const float *logits, const Rule *rule, double uniform,
                    double *sums, Ranked *ranked) {
    const int vocab = net->vocab;
    int64_t best = likeliest(logits, vocab);
    if (best < 0 || rule->temperature == 0) return best;
    const double top = logits[best];
    for (int k = 0; k < vocab; k += net->whole ? LANES : 1) {
        if (net->whole) portable_weights(logits + k, top, rule->temperature, sums + k);
        else sums[k] = exp(((double)logits[k] - top) / rule->temperature);
    }
    if (rule->top_k < vocab || rule->top_p <= 1) cut(rule, logits, vocab, ranked, sums);
    for (int k = 1; k < vocab; k++) sums[k] += sums[k - 1];
    const double target = uniform * sums[vocab - 1];
    int64_t id = 0;
    while (id < vocab - 1 && sums[id] <= target) id++;
    return id;
}
