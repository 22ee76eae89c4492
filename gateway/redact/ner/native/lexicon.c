/* The hashes of all words on lists, in order. The upper half of a hash says where to look: some twelve entries. */
#include "ner.h"

enum { BUCKETS = 1 << 16 };

/* Where the hashes of each bucket begin; a quarter of a megabyte. -1: no memory, or the hashes are not in order. */
int lexicon_start(Lexicon *x) {
    x->bucket = malloc((BUCKETS + 1) * sizeof *x->bucket);
    if (!x->bucket) return -1;
    uint32_t next = 0;
    for (uint32_t i = 0; i < x->count; i++) {
        if (i && x->hashes[i] < x->hashes[i - 1]) return -1;
        while (next <= x->hashes[i] >> 16) x->bucket[next++] = i;
    }
    while (next <= BUCKETS) x->bucket[next++] = x->count;
    return 0;
}

/* The LISTED values of the word; those of the last row if it is on no list. */
const uint16_t *listed_of(const Lexicon *x, uint32_t word) {
    uint32_t at = x->bucket[word >> 16], end = x->bucket[(word >> 16) + 1];
    while (at < end && x->hashes[at] < word) at++;
    if (at == end || x->hashes[at] != word) at = x->count;
    return x->values + (size_t)at * LISTED;
}

/* Its hashes are a few in a row; where the values are is most often known to within a cache line or two. */
void ask_for_word(const Lexicon *x, uint32_t word) {
    uint32_t at = x->bucket[word >> 16], count = x->bucket[(word >> 16) + 1] - at;
    at += (uint32_t)((uint64_t)count * (word & 0xFFFF) >> 16);
    __builtin_prefetch(x->hashes + at);
    __builtin_prefetch(x->values + (size_t)at * LISTED);
}
