/* Matrix products in whole numbers. Which of the versions runs is known when the weights are loaded. */
#include <math.h>

#include "ner.h"

#define INLINE static inline __attribute__((always_inline))
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
typedef int16_t Shorts __attribute__((vector_size(2 * LANES)));

/* Everywhere, in plain C: the compiler makes of it what the processor has at least. */
INLINE void plain_dot(Ints *sum, int32_t two, const Ints *w) {
    *sum += ((Ints)((Bits)*w << 16) >> 16) * (int16_t)two + (*w >> 16) * (two >> 16);
}
#define NAMED(name) plain_##name
#define TARGET
#define GROUP 1
#include "tile.h"

static int always(void) { return 1; }

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* The feature bits of leaf 7, or none if the system does not save the registers that `state` names. */
static int features(uint32_t state, unsigned *ebx, unsigned *ecx) {
    unsigned eax, edx, saved, high;
    if (!__get_cpuid(1, &eax, ebx, ecx, &edx) || !(*ecx & 1u << 27)) return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    return (saved & state) == state && __get_cpuid_count(7, 0, &eax, ebx, ecx, &edx);
}

static int has_avx2(void) {
    unsigned ebx, ecx;
    return features(0x06, &ebx, &ecx) && ebx >> 5 & 1;
}

/* AVX-512 F, DQ, BW, VL and VNNI. */
static int has_vnni(void) {
    unsigned ebx, ecx;
    return features(0xE6, &ebx, &ecx) && ebx >> 16 & ebx >> 17 & ebx >> 30 & ebx >> 31 & ecx >> 11 & 1;
}

#define TARGET __attribute__((target("avx2")))
TARGET INLINE void avx2_dot(Ints *sum, int32_t two, const Ints *w) {
    __m256i x = _mm256_set1_epi32(two), *s = (__m256i *)sum;
    const __m256i *v = (const __m256i *)w;
    s[0] = _mm256_add_epi32(s[0], _mm256_madd_epi16(v[0], x));
    s[1] = _mm256_add_epi32(s[1], _mm256_madd_epi16(v[1], x));
}
#define NAMED(name) avx2_##name
#define GROUP 1
#include "tile.h"

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni")))
TARGET INLINE void vnni_dot(Ints *sum, int32_t two, const Ints *w) {
    *sum = (Ints)_mm512_dpwssd_epi32((__m512i)*sum, (__m512i)*w, _mm512_set1_epi32(two));
}
#define NAMED(name) vnni_##name
#define GROUP 6
#include "tile.h"

const Product products[] = {{"vnni", vnni_multiply, vnni_settle, has_vnni},
                            {"avx2", avx2_multiply, avx2_settle, has_avx2},
                            {"plain", plain_multiply, plain_settle, always},
                            {NULL, NULL, NULL, NULL}};
#else
const Product products[] = {{"plain", plain_multiply, plain_settle, always}, {NULL, NULL, NULL, NULL}};
#endif
