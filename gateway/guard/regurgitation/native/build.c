/* Texts to seeds and codes, and how those of many parts become an index. */
#include "engine.h"

/* ------------------------------------------------------------------ the letters of a text */
static void collect(void *self, uint8_t symbol, uint32_t off, int starts) {
    Letters *l = self;
    (void)off;
    if (l->n == l->cap) {
        uint64_t cap = l->cap ? l->cap * 2 : 4096;
        uint8_t *sym = realloc(l->sym, cap);
        if (sym) l->sym = sym;
        uint8_t *tok = realloc(l->tok, cap);
        if (tok) l->tok = tok;
        if (!sym || !tok) {
            l->failed = 1;
            return;
        }
        l->cap = cap;
    }
    l->sym[l->n] = symbol;
    l->tok[l->n++] = (uint8_t)starts;
}

/* Of n code points. The caller frees sym and tok; failed: no memory was left. */
void fold_text(const uint32_t *text, uint64_t n, Letters *l) {
    Decoder d;
    memset(&d, 0, sizeof d);
    d.line_start = 1;
    Out o = {collect, l, &d};
    for (uint64_t i = 0; i < n; i++) put_char(o, text[i], (uint32_t)i);
    finish_chars(o);
}

/* The seed that begins at letter i; i + SEED letters must be there. */
void steps_of(const Letters *l, uint64_t i, uint8_t steps[16]) {
    memset(steps, 0, 16);
    for (uint64_t k = 1; k < SEED; k++) steps[k - 1] = step_code(l->sym[i + k - 1], l->sym[i + k]);
}

static int starts_within(const Letters *l, uint64_t i) {
    for (uint64_t j = i + 1; j < i + SEED; j++)
        if (l->tok[j]) return 1;
    return 0;
}

/* Adds the seeds of a text that may be quoted. -1: no memory is left. */
int set_of_letters(SeedSet *s, const Letters *l) {
    uint64_t last = 0;
    for (uint64_t i = 0; i + SEED <= l->n; i++) {
        if (l->tok[i]) last = i;
        if (!l->tok[i] && i - last < LONG_TOKEN && starts_within(l, i)) continue;
        uint8_t steps[16];
        steps_of(l, i, steps);
        if (set_add(s, seed_hash(s->key, steps))) return -1;
    }
    return 0;
}

/* ------------------------------------------------------------------ parts */
static int part_room(Part *part, uint64_t letters, uint64_t more) {
    uint64_t blocks = (letters + BLOCK - 1) / BLOCK;
    if (blocks > part->blocks_cap) {
        uint64_t cap = blocks * 2 + 64;
        uint64_t *codes = realloc(part->codes, cap * 8);
        if (!codes) return -1;
        memset(codes + part->blocks_cap, 0, (cap - part->blocks_cap) * 8);
        part->codes = codes;
        part->blocks_cap = cap;
    }
    if (part->nseeds + more > part->seeds_cap) {
        uint64_t cap = (part->nseeds + more) * 2;
        Seed *seeds = realloc(part->seeds, cap * sizeof(Seed));
        if (!seeds) return -1;
        part->seeds = seeds;
        part->seeds_cap = cap;
    }
    return 0;
}

/* Adds a document; it begins at a whole block. -1: no memory is left; -2: the part has too many letters. */
int part_add(Part *part, const uint64_t key[2], const Letters *l) {
    uint64_t base = (part->letters + BLOCK - 1) / BLOCK * BLOCK, last = 0, start = 0;
    int any = 0;
    if (base + l->n > MAX_LETTERS) return -2;
    if (part_room(part, base + l->n, l->n / GAP + 2)) return -1;
    for (uint64_t i = 0; i < l->n; i++) {
        uint64_t at = base + i;
        uint8_t step = step_code(i ? l->sym[i - 1] : 0, l->sym[i]), steps[16];
        part->codes[at / BLOCK] |= (uint64_t)check_code(step) << (at % BLOCK) * 2;
        if (l->tok[i]) start = i;
        int begins = l->tok[i] || (i - start >= LONG_TOKEN && (i - start) % UNIT == 0);
        if (!begins || (any && i - last < GAP) || i + SEED > l->n) continue;
        steps_of(l, i, steps);
        if (is_dull(steps)) continue;
        part->seeds[part->nseeds++] = (Seed){seed_hash(key, steps), (uint32_t)at};
        last = i;
        any = 1;
    }
    part->letters = base + l->n;
    return 0;
}

void xor_codes(uint64_t *codes, uint64_t n, const uint64_t key[2], uint64_t first_block) {
    for (uint64_t i = 0; i < n; i++) {
        uint64_t block = first_block + i;
        codes[i] ^= siphash(key, &block, 1);
    }
}

/* ------------------------------------------------------------------ order */
static int by_hash(const void *a, const void *b) {
    const Seed *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->letter < y->letter ? -1 : x->letter > y->letter;
}

static int common_bits(const Seed *seeds, uint64_t n) { /* that all hashes have alike at the top */
    uint64_t differ = 0;
    for (uint64_t i = 1; i < n; i++) differ |= seeds[i].hash ^ seeds[0].hash;
    return differ ? __builtin_clzll(differ) : 48;
}

/* Sorts by hash, then letter: groups by 16 bits are counted, each group is compared. -1: no memory is left. */
int sort_seeds(Seed **seeds, uint64_t n) {
    enum { GROUPS = 1 << 16, SMALL = 4096 };
    if (n < SMALL) {
        if (n > 1) qsort(*seeds, n, sizeof(Seed), by_hash);
        return 0;
    }
    int shift = 48 - common_bits(*seeds, n);
    if (shift < 0) shift = 0;
    uint64_t *at = calloc(GROUPS + 1, 8), lo = 0;
    Seed *sorted = malloc(n * sizeof(Seed));
    if (!at || !sorted) {
        free(at);
        free(sorted);
        return -1;
    }
    for (uint64_t i = 0; i < n; i++) at[((*seeds)[i].hash >> shift & (GROUPS - 1)) + 1]++;
    for (int i = 0; i < GROUPS; i++) at[i + 1] += at[i];
    for (uint64_t i = 0; i < n; i++) sorted[at[(*seeds)[i].hash >> shift & (GROUPS - 1)]++] = (*seeds)[i];
    for (int g = 0; g < GROUPS; g++) {
        if (at[g] - lo > 1) qsort(sorted + lo, at[g] - lo, sizeof(Seed), by_hash);
        lo = at[g];
    }
    free(*seeds);
    free(at);
    *seeds = sorted;
    return 0;
}

/* Keeps the first places of each seed. A look-up that finds POSTINGS of them knows that there may be more. */
uint64_t thin_out(Seed *seeds, uint64_t n) {
    uint64_t out = 0;
    for (uint64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && seeds[j].hash == seeds[i].hash; j++) {}
        for (uint64_t k = i; k < j && k < i + POSTINGS; k++) seeds[out++] = seeds[k];
    }
    return out;
}
