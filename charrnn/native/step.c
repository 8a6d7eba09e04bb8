// A network of charrnn.model one character after another, drawing included, for S independent
// streams. charrnn/native/fused.py lays out what is read here and says what each pointer is.
//
// Units come in blocks of eight, a vector's lanes: a block's P gates are summed together and go
// from the sums to the new states without leaving the registers. Threads take blocks, so that no
// number depends on how many threads there are.

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "cells.h"
#include "draw.h"
#include "eight.h"
#include "network.h"

#define TOGETHER 16    // streams that share one reading of a layer's weights
#define THREADS 64     // at most
#define PATIENCE 2000  // looks at a barrier before the processor is offered to others

typedef struct {
    const Network *net;
    float *h[2];         // (S, L, W) before and after a step, by turns
    int16_t *q[2];       // the same, as whole numbers
    float *c;            // (S, L, W)
    const float *zeros;  // (W,)
    float *logits;       // (S, rows)
    double *sums;        // (threads, rows)
    Ranked *ranked;      // (threads, rows)
    const int64_t *first;
    int64_t *drawn;      // (steps, S), or NULL: logits of one step are wanted
    const double *uniforms;  // (steps, S)
    Rule rule;
    int64_t steps;
    double deadline;     // by the clock of `seconds`
    int64_t done;        // steps whose symbols are drawn
    int broken;          // the last step's scores were no finite numbers
    atomic_int late, threads, arrived, turn;
} Job;

typedef struct {
    Job *job;
    int index;
} Worker;

// ---------------------------------------------------------------- a layer, and the decoder

typedef struct {
    int64_t at;         // where the layer's units begin, in (S, L, W)
    int fresh;          // the stream's states count as zero
    const void *own, *below;  // what is multiplied
    float own_sound, below_sound;  // whole: see `soundness`
} Stream;

INLINE const void *state(const Job *job, int which, int64_t at, const int whole) {
    return whole ? (const void *)(job->q[which] + at) : (const void *)(job->h[which] + at);
}

INLINE Stream enter(const Job *job, int layer, int now, int stream, int64_t id, const int whole) {
    const Network *net = job->net;
    Stream s = {.at = ((int64_t)stream * net->layers + layer) * net->width};
    s.fresh = id == net->restart;
    s.own = s.fresh ? (const void *)job->zeros : state(job, now, s.at, whole);
    if (whole) s.own_sound = soundness(s.own, net->width);
    if (layer == 0) return s;
    s.below = state(job, !now, s.at - net->width, whole);
    if (whole) s.below_sound = soundness(s.below, net->width);
    return s;
}

// Eight units of one stream.
INLINE void advance(const Job *job, int n, int now, int block, const Stream *s, int64_t id,
                    const int parts, const int whole) {
    const Network *net = job->net;
    const Layer *layer = net->layer + n;
    const int width = net->width, unit = block * LANES;
    __m256 x[4], u[4], h;
    if (n == 0) {
        const float *row = net->lookup + (id * width + unit) * parts;
        for (int p = 0; p < parts; p++) x[p] = _mm256_load_ps(row + p * LANES);
    } else {
        products(&layer->below, block, s->below, s->below_sound, width, parts, whole, x);
    }
    products(&layer->recurrent, block, s->own, s->own_sound, width, parts, whole, u);
    if (parts == 4) {
        h = lstm(layer, unit, x, u, job->c + s->at + unit, s->fresh, whole);
    } else if (parts == 3) {
        const float *old = s->fresh ? job->zeros : job->h[now] + s->at;
        h = gru(layer, unit, x, u, _mm256_loadu_ps(old + unit), whole);
    } else {
        h = rnn(layer, unit, x, u, whole);
    }
    _mm256_storeu_ps(job->h[!now] + s->at + unit, h);
    if (whole) keep(job->q[!now] + s->at + unit, h, net->scale);
}

// A thread's blocks of a layer, in all streams; now: which of the two states is the old one.
INLINE void layer_of(const Job *job, int n, int now, int from, int to, const int64_t *ids,
                     const int parts, const int whole) {
    Stream some[TOGETHER];
    for (int begin = 0; begin < job->net->streams; begin += TOGETHER) {
        int count = job->net->streams - begin < TOGETHER ? job->net->streams - begin : TOGETHER;
        for (int s = 0; s < count; s++)
            some[s] = enter(job, n, now, begin + s, ids[begin + s], whole);
        for (int block = from; block < to; block++)
            for (int s = 0; s < count; s++)
                advance(job, n, now, block, some + s, ids[begin + s], parts, whole);
    }
}

INLINE void decode(const Job *job, int now, int from, int to, const int whole) {
    const Network *net = job->net;
    for (int s = 0; s < net->streams; s++) {
        int64_t top = ((int64_t)s * net->layers + net->layers - 1) * net->width;
        const void *h = state(job, !now, top, whole);
        float sound = whole ? soundness(h, net->width) : 1;
        for (int block = from; block < to; block++) {
            __m256 out;
            products(&net->decoder, block, h, sound, net->width, 1, whole, &out);
            out = add(out, _mm256_load_ps(net->decoder_bias + block * LANES));
            _mm256_store_ps(job->logits + (int64_t)s * net->rows + block * LANES, out);
        }
    }
}

// ---------------------------------------------------------------- threads

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Until all threads are here. They are in step to microseconds; where one is not running at all,
// its processor may be the one that the others wait on.
static void meet(Job *job) {
    int threads = atomic_load_explicit(&job->threads, memory_order_relaxed);
    if (threads == 1) return;
    int turn = atomic_load(&job->turn);
    if (atomic_fetch_add(&job->arrived, 1) == threads - 1) {
        atomic_store(&job->arrived, 0);
        atomic_store(&job->turn, turn + 1);
        return;
    }
    for (int looks = 0; atomic_load_explicit(&job->turn, memory_order_acquire) == turn; looks++) {
        if (looks < PATIENCE) _mm_pause();
        else sched_yield();
    }
}

static int share(int all, int index, int threads) { return (int)((int64_t)all * index / threads); }

// One thread's part of all steps. Every thread draws for itself from the logits of all: the same
// symbol, and nobody has to wait for it.
INLINE void walk(Job *job, int index, const int parts, const int whole) {
    const Network *net = job->net;
    const int threads = atomic_load(&job->threads), blocks = net->width / LANES;
    const int from = share(blocks, index, threads), to = share(blocks, index + 1, threads);
    const int rows = net->rows / LANES;
    int64_t mine[net->streams];
    memcpy(mine, job->first, sizeof mine);
    for (int64_t step = 0; step < job->steps; step++) {
        const int now = step & 1;
        for (int n = 0; n < net->layers; n++) {
            layer_of(job, n, now, from, to, mine, parts, whole);
            meet(job);
        }
        decode(job, now, share(rows, index, threads), share(rows, index + 1, threads), whole);
        if (index == 0) atomic_store(&job->late, seconds() > job->deadline);
        meet(job);
        const int late = atomic_load(&job->late);
        for (int s = 0; job->drawn != NULL && s < net->streams; s++) {
            double uniform = job->uniforms[step * net->streams + s];
            mine[s] = draw(net, job->logits + (int64_t)s * net->rows, &job->rule, uniform,
                           job->sums + (int64_t)index * net->rows,
                           job->ranked + (int64_t)index * net->rows);
            if (index == 0) job->broken |= mine[s] < 0;
            if (mine[s] < 0) return;
            if (index == 0) job->drawn[step * net->streams + s] = mine[s];
        }
        if (index == 0) job->done = step + 1;
        if (late) return;
    }
}

static void *work(void *given) {
    Worker *worker = given;
    Job *job = worker->job;
    while (atomic_load(&job->threads) == 0) sched_yield();  // until it is known how many began
    const int parts = job->net->parts;
    if (job->net->whole) {
        if (parts == 4) walk(job, worker->index, 4, 1);
        else if (parts == 3) walk(job, worker->index, 3, 1);
        else walk(job, worker->index, 1, 1);
    } else {
        if (parts == 4) walk(job, worker->index, 4, 0);
        else if (parts == 3) walk(job, worker->index, 3, 0);
        else walk(job, worker->index, 1, 0);
    }
    return NULL;
}

// Read `first` (S,), then, where `drawn` is not NULL, draw and read on until `steps` symbols a
// stream are drawn, or `most` seconds are over. h, c (S, L, W), their doubles h_next, q, q_next,
// and sums and ranked (threads, rows) are overwritten; logits (S, rows) are those of the last step.
// Returns how many steps were done, n; -1 - n where the scores of the next are no finite numbers,
// and -1 where an id to read stands for no symbol.
int64_t run(const Network *net, float *h, float *c, float *h_next, int16_t *q, int16_t *q_next,
            const float *zeros, float *logits, double *sums, Ranked *ranked, const int64_t *first,
            const double *uniforms, int64_t *drawn, int64_t steps, double temperature,
            int64_t top_k, double top_p, double most, int threads) {
    Job job = {.net = net, .h = {h, h_next}, .q = {q, q_next}, .c = c, .zeros = zeros,
               .logits = logits, .sums = sums, .ranked = ranked, .first = first, .drawn = drawn,
               .uniforms = uniforms, .rule = {temperature, top_k, top_p}, .steps = steps,
               .deadline = seconds() + most};
    for (int s = 0; s < net->streams; s++)
        if (first[s] < 0 || first[s] >= net->vocab) return -1;
    const int64_t states = (int64_t)net->streams * net->layers * net->width;
    for (int64_t k = 0; net->whole && k < states; k += LANES)
        keep(q + k, _mm256_loadu_ps(h + k), net->scale);
    Worker workers[THREADS] = {{&job, 0}};
    pthread_t helpers[THREADS];
    int began = 1;
    for (; began < threads && began < THREADS; began++) {
        workers[began] = (Worker){&job, began};
        if (pthread_create(helpers + began, NULL, work, workers + began) != 0) break;
    }
    atomic_store(&job.threads, began);
    work(workers);
    for (int k = 1; k < began; k++) pthread_join(helpers[k], NULL);
    const int64_t walked = job.done + job.broken;
    if (walked % 2 == 1) memcpy(h, h_next, states * sizeof *h);
    return job.broken ? -1 - job.done : job.done;
}
