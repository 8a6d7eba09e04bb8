// Products in 16-bit fixed point: rows of integers times panels of columns, summed exactly.
#pragma once
#include <immintrin.h>
#include <stdint.h>

#define MOST 4095 // greatest magnitude of an integer in a row
#define DEPTH 512 // k of a block: its panel, 16 kB, stays in the first cache
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define INLINE static inline __attribute__((always_inline))

// The inner loop, in assembly because GCC lets products wait for their sums and spills them: up to
// 6 rows times a panel, with the sums of row r in registers 2r and 2r + 1.
#if defined(__AVXVNNI__)
#define ADD(sum, b) "%{vex%} vpdpwssd %%ymm" b ", %%ymm15, %%ymm" sum "\n\t"
#elif defined(__AVX512VNNI__) && defined(__AVX512VL__)
#define ADD(sum, b) "vpdpwssd %%ymm" b ", %%ymm15, %%ymm" sum "\n\t"
#else
#define ADD(sum, b) "vpmaddwd %%ymm" b ", %%ymm15, %%ymm14\n\t" \
                    "vpaddd %%ymm14, %%ymm" sum ", %%ymm" sum "\n\t"
#endif
#define ROW(k, at, low, high) \
    "vpbroadcastd " k "*%c[step]" at ", %%ymm15\n\t" ADD(low, "12") ADD(high, "13")
#define ROWS_1(k) ROW(k, "(%[a])", "0", "1")
#define ROWS_2(k) ROWS_1(k) ROW(k, "(%[a],%[row])", "2", "3")
#define ROWS_3(k) ROWS_2(k) ROW(k, "(%[a],%[row],2)", "4", "5")
#define ROWS_4(k) ROWS_3(k) ROW(k, "(%[a3])", "6", "7")
#define ROWS_5(k) ROWS_4(k) ROW(k, "(%[a3],%[row])", "8", "9")
#define ROWS_6(k) ROWS_5(k) ROW(k, "(%[a3],%[row],2)", "10", "11")
#define GET(at, low, high) \
    "vmovdqu 64*" at "(%[from]), %%ymm" low "\n\tvmovdqu 64*" at "+32(%[from]), %%ymm" high "\n\t"
#define PUT(at, low, high) \
    "vmovdqu %%ymm" low ", 64*" at "(%[to])\n\tvmovdqu %%ymm" high ", 64*" at "+32(%[to])\n\t"
#define EACH_1(do) do("0", "0", "1")
#define EACH_2(do) EACH_1(do) do("1", "2", "3")
#define EACH_3(do) EACH_2(do) do("2", "4", "5")
#define EACH_4(do) EACH_3(do) do("3", "6", "7")
#define EACH_5(do) EACH_4(do) do("4", "8", "9")
#define EACH_6(do) EACH_5(do) do("5", "10", "11")
#define PAIR(rows, k) \
    "vmovdqu 64*" k "(%[b]), %%ymm12\n\tvmovdqu 64*" k "+32(%[b]), %%ymm13\n\t" ROWS_##rows(k)
#define ONCE(rows) PAIR(rows, "0")
#define TWICE(rows) PAIR(rows, "0") PAIR(rows, "1") // for short loops
#define TILE(rows, body, turn) \
    __asm__ volatile(EACH_##rows(GET) "1:\n\t" body(rows) \
                     "add $" turn "*%c[step], %[a]\n\tadd $" turn "*%c[step], %[a3]\n\t" \
                     "add $" turn "*64, %[b]\n\tsub $" turn ", %[pairs]\n\tjne 1b\n\t" \
                     EACH_##rows(PUT) \
                     : [a] "+r"(a), [a3] "+r"(a3), [b] "+r"(b), [pairs] "+r"(pairs) \
                     : [row] "r"(row), [step] "i"(step), [from] "r"(from), [to] "r"(to) \
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

// to (rows, 16) = from + rows times a panel b, over `pairs` pairs of k, an even number above 0.
// Bytes from a row to the next: `row`, from a pair to the next: `step`, a constant. rows: 1 to 6.
INLINE void tile(long rows, const int16_t *a, long row, const long step, const int16_t *b,
                 long pairs, const int32_t *from, int32_t *to) {
    const int16_t *a3 = a + 3 * row / 2;
    switch (rows) {
    case 1: TILE(1, TWICE, "2"); break;
    case 2: TILE(2, TWICE, "2"); break;
    case 3: TILE(3, TWICE, "2"); break;
    case 4: TILE(4, TWICE, "2"); break;
    case 5: TILE(5, ONCE, "1"); break;
    case 6: TILE(6, ONCE, "1"); break;
    }
}

static const int32_t zeros[6 * 16];

// c (rows, 16) = a (rows, depth) times a panel, block by block of k.
static void product(long rows, const int16_t *a, long row, const int16_t *panel, long depth,
                    int32_t *c) {
    for (long k = 0; k < depth; k += DEPTH)
        for (long r = 0; r < rows; r += 6) {
            const int16_t *from = a + r * row + k;
            tile(MIN(6, rows - r), from, 2 * row, 4, panel + k * 16, MIN(DEPTH, depth - k) / 2,
                 k ? c + r * 16 : zeros, c + r * 16);
        }
}
