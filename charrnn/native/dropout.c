/* Dropout masks as torch draws them on a CPU, ten times as fast: its generator, the Mersenne twister
MT19937 (Matsumoto & Nishimura 1998), with loops that compilers turn into vector instructions. */
#include <stdint.h>

#define N 624
#define M 397

typedef struct { /* the beginning of what torch's Generator.get_state returns */
    uint64_t seed;
    int32_t left, seeded; /* numbers left before the next twist, plus 1 */
    uint64_t next;
    uint64_t state[N];
} Generator;

static inline uint32_t mixed(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t y = (a & 0x80000000u) | (b & 0x7fffffffu);
    return c ^ (y >> 1) ^ (-(b & 1) & 0x9908b0dfu);
}

/* The next 624 numbers' state. A loop writes nothing that it reads later. */
static void twist(uint32_t *s) {
    for (int i = 0; i < N - M; i++) s[i] = mixed(s[i], s[i + 1], s[i + M]);
    for (int i = N - M; i < 2 * (N - M); i++) s[i] = mixed(s[i], s[i + 1], s[i + M - N]);
    for (int i = 2 * (N - M); i < N - 1; i++) s[i] = mixed(s[i], s[i + 1], s[i + M - N]);
    s[N - 1] = mixed(s[N - 1], s[0], s[M - 1]);
}

/* torch.rand's number is 24 bits of the tempered state; kept[i] = whether it is at least `least`. */
static void temper(const uint32_t *state, int n, uint32_t least, uint8_t *kept) {
    for (int i = 0; i < n; i++) {
        uint32_t y = state[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        y ^= y >> 18;
        kept[i] = (y & 0xffffff) >= least;
    }
}

/* kept (n,) = torch.rand(n, generator) >= least / 2^24; the generator's state moves on. */
void draw_kept(Generator *generator, int64_t n, uint32_t least, uint8_t *kept) {
    uint32_t state[N];
    int left = generator->left - 1;
    for (int i = 0; i < N; i++) state[i] = (uint32_t)generator->state[i];
    while (n > 0) {
        if (left == 0) {
            twist(state);
            left = N;
        }
        int some = n < left ? (int)n : left;
        temper(state + N - left, some, least, kept);
        kept += some;
        n -= some;
        left -= some;
    }
    for (int i = 0; i < N; i++) generator->state[i] = state[i];
    generator->left = left + 1;
    generator->next = N - left;
}
