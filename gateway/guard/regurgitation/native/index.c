/* An index as it lies in memory, which nobody vouches for, and sets of seeds. */
#include "engine.h"

/* Sizes of the sections in bytes. NULL if they fit together, else what does not. */
const char *index_fits(Index *x, uint64_t offsets, uint64_t places, uint64_t codes, uint64_t table) {
    if (x->bits < 1 || x->bits > 31) return "bits";
    x->entries = places / PLACE_BYTES;
    x->docs = table / sizeof(Document);
    x->blocks = codes / 8;
    x->letters = x->blocks * BLOCK;
    if (offsets != ((1ULL << x->bits) + 1) * 4) return "offsets";
    if (places % PLACE_BYTES || x->entries > MAX_LETTERS) return "places";
    if (codes % 8 || x->letters > MAX_LETTERS + 1) return "codes";
    if (table % sizeof(Document)) return "documents";
    return NULL;
}

/* The codes of 32 letters. */
uint64_t check_block(const Index *x, uint64_t block) {
    uint64_t word = 0;
    if (block >= x->blocks) return 0;
    memcpy(&word, x->codes + block * 8, 8);
    return word ^ siphash(x->check_key, &block, 1);
}

static Document document_at(const Index *x, uint64_t i) {
    Document d;
    memcpy(&d, x->table + i * sizeof d, sizeof d);
    return d;
}

/* Whether the letter is one of a document's. */
int find_document(const Index *x, uint64_t letter, uint64_t *which, Document *found) {
    uint64_t lo = 0, hi = x->docs;
    if (hi == 0) return 0;
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (document_at(x, mid).start <= letter) lo = mid;
        else hi = mid;
    }
    *which = lo;
    *found = document_at(x, lo);
    return found->start <= letter && letter < found->end && found->end <= x->letters;
}

/* Whether offsets grow, places lie within the letters, and documents follow each other. Slow: it reads everything. */
int index_is_sound(const Index *x) {
    uint64_t before = 0;
    for (uint64_t i = 0; i <= 1ULL << x->bits; i++) {
        uint64_t at = offset_at(x, i);
        if (at < before || at > x->entries) return 0;
        before = at;
    }
    if (before != x->entries) return 0;
    for (uint64_t i = 0; i < x->entries; i++) {
        uint32_t letter;
        memcpy(&letter, x->places + i * PLACE_BYTES + 2, 4);
        if (letter + (uint64_t)SEED > x->letters) return 0;
    }
    uint64_t end = 0;
    for (uint64_t i = 0; i < x->docs; i++) {
        Document d = document_at(x, i);
        if (d.start < end || d.start % BLOCK || d.end < d.start || d.end > x->letters) return 0;
        end = d.end;
    }
    return 1;
}

static void set_place(SeedSet *s, uint64_t hash) {
    uint64_t j = hash >> 1 & s->mask;
    while (s->slots[j] && s->slots[j] != hash) j = (j + 1) & s->mask;
    if (!s->slots[j]) s->used++;
    s->slots[j] = hash;
}

static int set_grow(SeedSet *s) {
    SeedSet bigger = *s;
    bigger.mask = s->slots ? s->mask * 2 + 1 : 255;
    bigger.used = 0;
    bigger.slots = calloc(bigger.mask + 1, 8);
    if (!bigger.slots) return -1;
    for (uint64_t i = 0; s->slots && i <= s->mask; i++)
        if (s->slots[i]) set_place(&bigger, s->slots[i]);
    free(s->slots);
    *s = bigger;
    return 0;
}

/* -1: no memory is left. */
int set_add(SeedSet *s, uint64_t hash) {
    if ((!s->slots || s->used * 2 > s->mask) && set_grow(s)) return -1;
    set_place(s, hash | 1);
    return 0;
}

int set_has(const SeedSet *s, uint64_t hash) {
    if (!s->slots) return 0;
    hash |= 1;
    for (uint64_t j = hash >> 1 & s->mask; s->slots[j]; j = (j + 1) & s->mask)
        if (s->slots[j] == hash) return 1;
    return 0;
}
