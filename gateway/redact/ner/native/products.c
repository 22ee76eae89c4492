/* Matrix products in whole numbers. Which of the versions runs is known when the weights are loaded. */
#include <math.h>

#include "ner.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
typedef int32_t Ints4 __attribute__((vector_size(16)));
typedef uint32_t Bits4 __attribute__((vector_size(16)));
typedef float Floats4 __attribute__((vector_size(16)));
typedef int16_t Shorts4 __attribute__((vector_size(8)));

/* With what every processor of the kind has. */
INLINE void plain_dot(Ints4 *sum, int32_t two, Ints4 w) {
#if defined(__SSE2__)
    *sum += (Ints4)_mm_madd_epi16((__m128i)w, _mm_set1_epi32(two));
#else
    *sum += ((Ints4)((Bits4)w << 16) >> 16) * (int16_t)two + (w >> 16) * (two >> 16);
#endif
}
#define NAMED(name) plain_##name
#define TARGET
#define LANES 4
#define GROUP 2
#define Ints Ints4
#define Floats Floats4
#define Shorts Shorts4
#include "tile.h"

static int always(void) { return 1; }

#if defined(__x86_64__)
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

typedef int32_t Ints8 __attribute__((vector_size(32)));
typedef float Floats8 __attribute__((vector_size(32)));
typedef int16_t Shorts8 __attribute__((vector_size(16)));
#define TARGET __attribute__((target("avx2")))
TARGET INLINE void avx2_dot(Ints8 *sum, int32_t two, Ints8 w) {
    *sum += (Ints8)_mm256_madd_epi16((__m256i)w, _mm256_set1_epi32(two));
}
#define NAMED(name) avx2_##name
#define LANES 8
#define GROUP 2
#define Ints Ints8
#define Floats Floats8
#define Shorts Shorts8
#include "tile.h"

typedef int32_t Ints16 __attribute__((vector_size(64)));
typedef float Floats16 __attribute__((vector_size(64)));
typedef int16_t Shorts16 __attribute__((vector_size(32)));
#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni")))
TARGET INLINE void vnni_dot(Ints16 *sum, int32_t two, Ints16 w) {
    *sum = (Ints16)_mm512_dpwssd_epi32((__m512i)*sum, (__m512i)w, _mm512_set1_epi32(two));
}
#define NAMED(name) vnni_##name
#define LANES 16
#define GROUP 6
#define Ints Ints16
#define Floats Floats16
#define Shorts Shorts16
#include "tile.h"

const Product products[] = {{"vnni", vnni_multiply, vnni_settle, has_vnni},
                            {"avx2", avx2_multiply, avx2_settle, has_avx2},
                            {"plain", plain_multiply, plain_settle, always},
                            {NULL, NULL, NULL, NULL}};
#else
const Product products[] = {{"plain", plain_multiply, plain_settle, always}, {NULL, NULL, NULL, NULL}};
#endif
