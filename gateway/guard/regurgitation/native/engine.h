/* What the parts of the engine share: sizes, types, and what each file offers to the others.
 *
 * decode.c   characters -> symbols: escapes undone, folded by the frozen table
 * index.c    the index as it lies in memory, and sets of seeds
 * lane.c     one reading of a text: letters, words, look-ups, how much may leave
 * chain.c    alignments with a place of a document, letter by letter
 * verdict.c  what an alignment means: passages, allowed texts, what is carried on
 * coded.c    base64 and hex, read as lanes of their own
 * filter.c   a text that comes in pieces, and what leaves of it
 * build.c    texts -> seeds and codes; how parts become an index
 * module.c, py_*.c  the same for Python
 *
 * Nothing here trusts an index: every position that is read from one is checked before it is used.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEED = 14,          /* letters in a seed */
    STEPS = SEED - 1,   /* steps between them: what is hashed */
    GAP = 5,            /* letters at least between indexed word starts */
    LAG = 44,           /* letters before which nothing leaves */
    LATER = 8,          /* letters to wait for before a seed of many places is followed */
    FEW = 2,            /* places of a seed that are followed at once */
    STRETCH = 20,       /* letters in a row that one of many places must share */
    RESYNC = 8,         /* letters that re-join an alignment after a change */
    SIGNS = 64,         /* signs before the first letter that stay with it */
    LEAD = 10,          /* letters before a passage that stay with it */
    ALLOW_RUN = 40,     /* letters of an allowed text in a row that are allowed */
    CAPPED_MAX = 96,    /* letters held at most where there are more places than can be followed */
    LONG_TOKEN = 20,    /* longer ones count as words of UNIT letters */
    UNIT = 5,           /* also: single letters in a row that count as a word */
    RING = 1024,        /* letters an alignment remembers; a power of two */
    CAP = 4096,         /* letters in a lane's buffer */
    KEEP = 1536,        /* of which so many stay when it is full */
    UNITS = 1024,       /* words a lane remembers; a power of two */
    CHAINS = 24,        /* alignments followed at a time */
    POSTINGS = 16,      /* places of one seed that are kept and followed */
    MAX_INDEX = 8,      /* indexes that a filter reads */
    WAITING = 64,       /* look-ups whose memory is on its way */
    LATE = 256,         /* look-ups of seeds of many places that wait for more letters */
    ENDED = 8,          /* ends of alignments that are carried on */
    TAKEN_TWICE = 20,   /* letters before such an end at which the next text may go on */
    TAKEN_LATER = 160,  /* and behind it */
    HOLD_MAX = 1024,    /* characters held at most */
    CODED_MIN = 20,     /* characters of a token that may be base64 or hex */
    BLOCK = 32,         /* letters per block of codes */
    DEAD = 1,           /* flags of a document */
    PUBLIC = 2
};
#define MAX_LETTERS 0xFFFFFFFFull
#define FOLD_SIZE 0x20000u
#define FOLD_SEPARATOR 0xFFFFFFFFu

/* ------------------------------------------------------------------ SipHash-2-4 (Aumasson and Bernstein, 2012) */
#define SIP_ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define SIP_ROUND                                                                                                     \
    do {                                                                                                              \
        v0 += v1; v1 = SIP_ROTL(v1, 13); v1 ^= v0; v0 = SIP_ROTL(v0, 32);                                             \
        v2 += v3; v3 = SIP_ROTL(v3, 16); v3 ^= v2;                                                                    \
        v0 += v3; v3 = SIP_ROTL(v3, 21); v3 ^= v0;                                                                    \
        v2 += v1; v1 = SIP_ROTL(v1, 17); v1 ^= v2; v2 = SIP_ROTL(v2, 32);                                             \
    } while (0)

/* Of whole little-endian words of 8 bytes, which is all that is hashed here. */
static inline uint64_t siphash(const uint64_t key[2], const uint64_t *words, int n) {
    uint64_t v0 = key[0] ^ 0x736f6d6570736575ULL, v1 = key[1] ^ 0x646f72616e646f6dULL;
    uint64_t v2 = key[0] ^ 0x6c7967656e657261ULL, v3 = key[1] ^ 0x7465646279746573ULL;
    for (int i = 0; i <= n; i++) {
        uint64_t m = i < n ? words[i] : (uint64_t)n * 8 << 56;
        v3 ^= m;
        SIP_ROUND; SIP_ROUND;
        v0 ^= m;
    }
    v2 ^= 0xff;
    SIP_ROUND; SIP_ROUND; SIP_ROUND; SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

static inline uint64_t seed_hash(const uint64_t key[2], const uint8_t steps[16]) {
    uint64_t words[2];
    memcpy(words, steps, 16);
    return siphash(key, words, 2);
}

/* The step from one symbol to the next: between letters their distance, which every alphabet shift leaves alone. */
static inline uint8_t step_code(uint8_t prev, uint8_t cur) {
    if (cur > 26) return cur;
    if (prev == 0 || prev > 26) return 26;
    int d = cur - prev;
    return (uint8_t)(d < 0 ? d + 26 : d);
}
static inline unsigned check_code(uint8_t step) { return (step ^ (step >> 2) ^ (step >> 4)) & 3u; }

/* One letter again and again, and the like: no seed. */
static inline int is_dull(const uint8_t steps[16]) {
    uint64_t seen = 0;
    for (int i = 0; i < STEPS; i++) seen |= 1ULL << (steps[i] & 63);
    return __builtin_popcountll(seen) < 4;
}

/* ------------------------------------------------------------------ decode.c */
typedef void (*SymbolSink)(void *self, uint8_t symbol, uint32_t off, int starts);
typedef struct {
    uint32_t esc[16]; int esc_n; uint32_t esc_off;                 /* an escape in progress */
    uint32_t surrogate, utf8; int utf8_need; uint32_t utf8_off;    /* half a pair; %XX bytes */
    int line_start, num_n, num_dot; uint8_t num[4]; uint32_t num_off; /* a list's number in progress */
    int token_open;
} Decoder;
typedef struct { SymbolSink sink; void *self; Decoder *d; } Out;
void put_char(Out o, uint32_t cp, uint32_t off);
void finish_chars(Out o);
int hex_value(uint32_t c);
int utf8_byte(uint32_t *acc, int *need, uint32_t byte, uint32_t *cp);

/* ------------------------------------------------------------------ index.c */
typedef struct { uint64_t start, end; uint16_t scopes; uint8_t flags, unused[5]; } Document;
typedef struct {
    uint64_t seed_key[2], check_key[2], identity;
    int bits;               /* of a hash that choose the bucket */
    uint16_t rem_mask;      /* which bits of a remainder are known */
    uint64_t letters, docs, entries, blocks;
    const uint8_t *offsets; /* u32 per bucket and one more */
    const uint8_t *places;  /* u16 remainder, u32 letter */
    const uint8_t *codes;   /* u64 per block */
    const uint8_t *table;   /* Document */
} Index;
typedef struct { const Index *index; const uint8_t *readable; uint64_t nreadable; int group; } Source;

static inline uint32_t offset_at(const Index *x, uint64_t bucket) {
    uint32_t at;
    memcpy(&at, x->offsets + bucket * 4, 4);
    return at;
}
const char *index_fits(Index *x, uint64_t offsets, uint64_t places, uint64_t codes, uint64_t table);
uint64_t check_block(const Index *x, uint64_t block);
int find_document(const Index *x, uint64_t letter, uint64_t *which, Document *found);
int index_is_sound(const Index *x);

typedef struct { uint64_t key[2]; uint64_t *slots; uint64_t mask, used; } SeedSet;
int set_add(SeedSet *s, uint64_t hash);
int set_has(const SeedSet *s, uint64_t hash);

/* ------------------------------------------------------------------ lanes and chains */
typedef struct Filter Filter;
typedef struct {
    const Index *index;
    int dir, lost, permits;        /* permits: of a text that may leave */
    int64_t q, p, lost_q;          /* last letter that matched, in the answer and the source; the first after it */
    uint64_t document, start, end;
    uint64_t block, codes; int has_block;
    int on_allowed, least; int64_t from_p, first, next_unit, from_unit, jump_at, back_p; int back_shift;
    uint64_t history; int run, score, matched;
    int64_t passage;               /* that it is part of, or -1 */
    uint64_t marks[RING / 64];     /* bit q: the step from letter q-1 to q matched */
} Chain;
/* Where a text has got to in a document: letters `from` to `p`. */
typedef struct { uint64_t identity, history; int64_t from, p; int32_t dir, run; } Ended;
typedef struct { int64_t s, e; } Unit;
typedef struct { const Source *source; int dir; int64_t q0; uint64_t hash; } Pending;

typedef struct Lane {
    Decoder decoder;
    Filter *filter;
    uint8_t sym[CAP + 16], fwd[CAP + 16], rev[CAP + 16], tok[CAP + 16], allowed[CAP + 16];
    uint32_t off[CAP + 16], end[CAP + 16];
    uint64_t recent_fwd, recent_rev; /* check codes of the last 32 steps: the newest highest; the newest lowest */
    int64_t cover_start, cover_end, capped_from, capped_to;
    uint32_t raw_next;
    int64_t base, n;               /* letters before the buffer; letters in all */
    int64_t token_start, last_start, clear;
    int64_t spaced_s, spaced_e; int spaced_n, pseudo;
    Unit units[UNITS]; int64_t nunits;
    Chain chains[CHAINS]; int nchains;
    Pending wait[2][WAITING]; int nwait[2]; /* offsets asked for; places asked for */
    Pending late[LATE]; int late_from, nlate;
    uint32_t frontier, end_off;    /* offsets in the text */
} Lane;
typedef struct {
    Lane *lane; int active, bad, garbage; uint32_t start, acc;
    int group, spread;             /* digits since the last separator; whether there are separators */
    int64_t len; int nbits, need; uint32_t cp, cp_off;
} Coded;

#define AT(L, array, q) ((L)->array[(q) - (L)->base])
static inline void mark(Chain *c, int64_t q, int on) {
    uint64_t bit = 1ULL << (q & 63), *w = &c->marks[(q & (RING - 1)) >> 6];
    if (on) *w |= bit;
    else *w &= ~bit;
}
static inline int marked(const Chain *c, int64_t q) { return (int)(c->marks[(q & (RING - 1)) >> 6] >> (q & 63) & 1); }

/* chain.c */
void look_up(Lane *L, const Pending *w, int late);
void follow(Lane *L, int64_t q);
void hold_from(Lane *L, int64_t from);
/* verdict.c */
void settle(Lane *L, int final);
void keep_end(Filter *f, const Chain *c);
int carried_on(const Filter *f, Ended *all);
void take_up(Filter *f, Chain *c);
void cover(Lane *L, int64_t i);
void allow_letters(Lane *L, int64_t from, int64_t to);
void force(Filter *f, Lane *L);
/* lane.c */
void lane_reset(Lane *L, Filter *f, uint32_t off);
void lane_char(Lane *L, uint32_t cp, uint32_t off, uint32_t next_off);
void lane_finish(Lane *L);
/* coded.c */
int coded_char(Filter *f, Coded *x, uint32_t c, int bits);
void coded_end(Coded *x);

/* ------------------------------------------------------------------ filter.c */
typedef struct { int run, near, window[2], hits[2], redact; } Rule;
typedef struct { uint64_t from, to; const Index *index; uint64_t document; uint32_t words; int near; } Passage;
struct Filter {
    Source source[MAX_INDEX]; int nsource;
    const SeedSet *allow[2]; int allow_group[2]; /* the prompt's, the allow list's */
    const uint64_t *keys[MAX_INDEX + 2]; int ngroups;
    Rule rule;
    int blocked, flushed, failed;                /* failed: no memory was left */
    uint64_t pos, committed, released;           /* characters read, decided to leave, gone */
    uint32_t *held; uint64_t held_cap;           /* characters released..pos */
    Passage *passages; int64_t npassages, passages_cap, next_passage;
    int in_passage;
    Lane *main; Coded b64, hex;
    Ended ended[ENDED], before[ENDED]; int nended, nbefore; /* of this text, of texts before it; newest last */
};
int filter_start(Filter *f);
void filter_stop(Filter *f);
uint32_t *filter_room(Filter *f, uint64_t n);
void filter_read(Filter *f, uint64_t n);
void filter_finish(Filter *f);
uint64_t filter_leaves(Filter *f, const char *marker, uint64_t marker_n, char **out, uint64_t *out_n);

/* ------------------------------------------------------------------ build.c */
typedef struct { uint8_t *sym, *tok; uint64_t n, cap; int failed; } Letters;
typedef struct { uint64_t hash; uint32_t letter; } Seed; /* 16 bytes in memory, 12 in a part */
enum { SEED_BYTES = 12, PLACE_BYTES = 6 };
void fold_text(const uint32_t *text, uint64_t n, Letters *l);
void steps_of(const Letters *l, uint64_t i, uint8_t steps[16]);
int set_of_letters(SeedSet *s, const Letters *l);
typedef struct { Seed *seeds; uint64_t nseeds, seeds_cap; uint64_t *codes; uint64_t letters, blocks_cap; } Part;
int part_add(Part *part, const uint64_t key[2], const Letters *l);
int sort_seeds(Seed **seeds, uint64_t n);
uint64_t thin_out(Seed *seeds, uint64_t n);
void xor_codes(uint64_t *codes, uint64_t n, const uint64_t key[2], uint64_t first_block);

#endif
