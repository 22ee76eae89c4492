/* Alignments of an answer with a place of a document, verified and followed letter by letter.
 *
 * An alignment starts with a seed. It is extended backwards over letters and over a changed word at a time, follows the
 * answer forwards, is lost where letters differ, and goes on where eight letters match again near by. */
#include "engine.h"

/* dir 1: the step into answer letter q is the step into source letter p.
 * dir -1: the answer is the source backwards, and its letter q is source letter p. */
static inline int step_matches(Chain *c, const Lane *L, int64_t q, int64_t p) {
    uint64_t at = (uint64_t)(c->dir > 0 ? p : p + 1);
    if (p < (int64_t)c->start || at >= c->end) return 0;
    if (!c->has_block || c->block != at / BLOCK) {
        c->block = at / BLOCK;
        c->codes = check_block(c->index, c->block);
        c->has_block = 1;
    }
    unsigned code = (unsigned)(c->codes >> (at % BLOCK) * 2) & 3u;
    return check_code(c->dir > 0 ? AT(L, fwd, q) : AT(L, rev, q)) == code;
}

/* The low end of the first (or last) source offset at which the answer's steps q_lo..q_lo+n-1 all match, n < 16, among
 * at_lo..at_lo+51; -1 if there is none. dir -1 reads them backwards. */
static int64_t find_steps(const Chain *c, const Lane *L, int64_t q_lo, int n, int64_t at_lo, int64_t at_hi, int last) {
    if (at_lo < (int64_t)c->start) at_lo = (int64_t)c->start;
    if (at_hi > (int64_t)c->end - n) at_hi = (int64_t)c->end - n;
    if (at_hi > at_lo + 51 && last) at_lo = at_hi - 51;
    if (at_hi > at_lo + 51) at_hi = at_lo + 51;
    if (at_hi < at_lo) return -1;
    uint64_t pattern = 0, mask = (1ULL << 2 * n) - 1;
    for (int i = 0; i < n; i++) {
        uint8_t step = c->dir > 0 ? AT(L, fwd, q_lo + i) : AT(L, rev, q_lo + n - 1 - i);
        pattern |= (uint64_t)check_code(step) << 2 * i;
    }
    uint64_t b = (uint64_t)at_lo / BLOCK;
    int skip = (int)(at_lo % BLOCK) * 2;
    uint64_t w0 = check_block(c->index, b), w1 = check_block(c->index, b + 1), w2 = check_block(c->index, b + 2);
    if (skip) {
        w0 = w0 >> skip | w1 << (64 - skip);
        w1 = w1 >> skip | w2 << (64 - skip);
    }
    int64_t found = -1;
    for (int64_t at = at_lo; at <= at_hi; at++) {
        if ((w0 & mask) == pattern) {
            found = at;
            if (!last) break;
        }
        w0 = w0 >> 2 | w1 << 62;
        w1 >>= 2;
    }
    return found;
}

/* Marks the steps q, q-1, ... down to `stop` while they match. */
static void extend_back(Lane *L, Chain *c, int64_t q, int64_t p, int64_t stop) {
    while (q > stop && q > L->base && step_matches(c, L, q, p)) {
        mark(c, q, 1);
        q--;
        p -= c->dir;
    }
    if (q < c->first) c->first = q;
}

/* A word or so before the first letter differs: finds what comes before it. */
static int extend_over(Lane *L, Chain *c) {
    const int n = RESYNC - 1;
    int64_t f = c->first, pf = c->back_shift ? c->back_p : c->p - (c->q - f) * c->dir;
    for (int64_t e = f - 1; e >= f - 16 && e - RESYNC >= L->base; e--) {
        if (!AT(L, tok, e + 1)) continue;
        int64_t far = f - e + 16, at;
        if (c->dir > 0) at = find_steps(c, L, e - n + 1, n, pf - far - n + 1, pf - n, 1);
        else at = find_steps(c, L, e - n + 1, n, pf + 2, pf + far + 1, 0);
        if (at < 0) continue;
        int64_t pe = c->dir > 0 ? at + n - 1 : at - 1;
        extend_back(L, c, e, pe, e - 256);
        c->back_shift = 1;
        c->back_p = pe - (e - c->first) * c->dir;
        return c->first < f;
    }
    return 0;
}

static void place_units(const Lane *L, Chain *c) {
    int64_t u = L->nunits, low = L->nunits > UNITS - 2 ? L->nunits - UNITS + 2 : 0;
    while (u > low) {
        int64_t s = L->units[(u - 1) & (UNITS - 1)].s;
        if (s < c->first - 1 || s < L->base) break;
        u--;
    }
    c->next_unit = c->from_unit = u;
}

/* Words from letter `first` on are judged again: they were judged before it was known that they match. */
static void judge_again(const Lane *L, Chain *c, int64_t first) {
    while (c->next_unit > c->from_unit && L->units[(c->next_unit - 1) & (UNITS - 1)].s >= first) {
        int counted = (int)(c->history & 1);
        if (counted) c->matched--;
        c->score += counted ? -1 : 2;
        c->history >>= 1;
        c->next_unit--;
    }
    if (c->score > 8) c->score = 8;
    c->run = (int)__builtin_ctzll(~c->history | 1ULL << 63);
}

/* More places than can be followed: what comes next must tell. */
void hold_from(Lane *L, int64_t from) {
    if (from > L->capped_to) L->capped_from = from;
    L->capped_to = from + LAG + 8;
    if (L->capped_to - L->capped_from > CAPPED_MAX) L->capped_from = L->capped_to - CAPPED_MAX;
}

static int is_followed(const Lane *L, const Index *x, int dir, int64_t ql, int64_t pl) {
    for (int i = 0; i < L->nchains; i++) {
        const Chain *c = &L->chains[i];
        if (c->index != x || c->dir != dir || c->q - c->p * dir != ql - pl * dir) continue;
        if (!c->lost || c->q >= ql) return 1;
    }
    return 0;
}

/* Follows what has come since the seed's last letter. */
static void catch_up(Lane *L, Chain *t) {
    for (int64_t q = t->q + 1; q < L->n; q++) {
        if (!t->lost && step_matches(t, L, q, t->p + t->dir)) {
            t->p += t->dir;
            t->q = q;
            mark(t, q, 1);
            continue;
        }
        if (!t->lost) {
            t->lost = 1;
            t->lost_q = q;
        }
        mark(t, q, 0);
    }
}

/* Whether an alignment that had lost its way goes on with this one. */
static int joined(Lane *L, const Chain *t, int64_t ql, int64_t pl) {
    for (int i = 0; i < L->nchains; i++) {
        Chain *c = &L->chains[i];
        if (c->index != t->index || c->dir != t->dir || !c->lost || c->document != t->document) continue;
        int64_t dq = ql - c->q, dp = (pl - c->p) * c->dir;
        if (t->first < c->lost_q - 1 || dp < 0 || dp > dq + 48 || dq > 96) continue;
        for (int64_t q = c->lost_q; q < L->n; q++) mark(c, q, marked(t, q));
        if (dq != dp) c->jump_at = t->first;
        judge_again(L, c, t->first);
        c->lost = t->lost;
        c->lost_q = t->lost_q;
        c->q = t->q;
        c->p = t->p;
        return 1;
    }
    return 0;
}

static Chain *free_place(Lane *L) {
    if (L->nchains < CHAINS) return &L->chains[L->nchains++];
    for (int i = 0; i < CHAINS; i++)
        if (L->chains[i].lost && L->chains[i].score < 4 && L->chains[i].passage < 0) return &L->chains[i];
    return NULL;
}

/* Starts the alignment of a seed with a place: 0 if the document is not there or the letters do not match. */
static int start_chain(Lane *L, const Source *source, int dir, int64_t ql, int64_t pl, uint64_t p0, Chain *t) {
    Document d;
    memset(t, 0, sizeof *t);
    t->index = source->index;
    t->dir = dir;
    t->passage = -1;
    if (!find_document(t->index, p0, &t->document, &d) || d.flags & DEAD) return 0;
    t->permits = d.flags & PUBLIC || (d.scopes < source->nreadable && source->readable[d.scopes]);
    t->start = d.start;
    t->end = d.end;
    for (int64_t k = 0, q = ql, p = pl; k < STEPS; k++, q--, p -= dir) {
        if (!step_matches(t, L, q, p)) return 0;
        mark(t, q, 1);
    }
    t->first = ql - SEED + 1;
    t->q = ql;
    t->p = pl;
    t->score = 2;
    return 1;
}

/* The seed whose last letter in the answer is ql may be that of source letter p0. */
static void candidate(Lane *L, const Source *source, int dir, int64_t ql, uint64_t p0) {
    const Index *x = source->index;
    int64_t pl = dir > 0 ? (int64_t)p0 + SEED - 1 : (int64_t)p0; /* the last letter, in the answer's order */
    Chain t;
    if (p0 + SEED > x->letters || ql - SEED + 1 < L->base || is_followed(L, x, dir, ql, pl)) return;
    if (!start_chain(L, source, dir, ql, pl, p0, &t)) return;
    catch_up(L, &t);
    extend_back(L, &t, t.first, pl - (SEED - 1) * dir, t.first - 256);
    if (t.permits) {
        if (t.q - t.first >= ALLOW_RUN) allow_letters(L, t.first, t.q + 1);
        if (t.lost) return;
    } else if (joined(L, &t, ql, pl)) return;
    Chain *c = free_place(L);
    if (!c) {
        hold_from(L, t.first);
        return;
    }
    for (int i = 0; i < 4 && !t.permits && extend_over(L, &t); i++) {}
    *c = t;
    place_units(L, c);
    if (!t.permits) take_up(L->filter, c);
}

/* ------------------------------------------------------------------ look-ups */
static uint64_t window_at(const Index *x, uint64_t at) { /* the codes of 32 letters from `at` on */
    unsigned skip = (unsigned)(at % BLOCK) * 2;
    uint64_t w = check_block(x, at / BLOCK);
    return skip ? w >> skip | check_block(x, at / BLOCK + 1) << (64 - skip) : w;
}

static uint64_t mirrored(uint64_t x) { /* pairs of bits in reverse order */
    x = __builtin_bswap64(x);
    x = (x >> 4 & 0x0F0F0F0F0F0F0F0FULL) | (x & 0x0F0F0F0F0F0F0F0FULL) << 4;
    return (x >> 2 & 0x3333333333333333ULL) | (x & 0x3333333333333333ULL) << 2;
}

/* How many steps in a row, the seed's among them, are those of the answer; `ahead` letters have come since the seed. */
static int shared_steps(const Lane *L, const Index *x, int dir, int64_t ahead, uint64_t p0) {
    uint64_t differs;
    if (dir > 0) {
        uint64_t newest = p0 + SEED - 1 + (uint64_t)ahead;
        if (newest < BLOCK) return STRETCH;
        differs = mirrored(window_at(x, newest - BLOCK + 1) ^ L->recent_fwd);
    } else {
        if (p0 + 1 < (uint64_t)ahead) return STRETCH;
        differs = window_at(x, p0 + 1 - (uint64_t)ahead) ^ L->recent_rev;
    }
    differs = (differs | differs >> 1) & 0x5555555555555555ULL;
    if (differs >> 2 * ahead & ((1ULL << 2 * STEPS) - 1)) return 0;
    uint64_t after = differs & ((1ULL << 2 * ahead) - 1), before = differs >> 2 * (ahead + STEPS);
    int n_after = after ? (int)ahead - 1 - (63 - __builtin_clzll(after)) / 2 : (int)ahead;
    int n_before = before ? __builtin_ctzll(before) / 2 : BLOCK - STEPS - (int)ahead;
    return n_after + STEPS + n_before;
}

static int places_of(const Pending *w, uint32_t found[POSTINGS]) {
    const Index *x = w->source->index;
    uint64_t bucket = w->hash >> (64 - x->bits);
    uint16_t rem = (uint16_t)(w->hash >> (48 - x->bits)) & x->rem_mask;
    uint32_t lo = offset_at(x, bucket), hi = offset_at(x, bucket + 1);
    int n = 0;
    if (hi > x->entries) hi = (uint32_t)x->entries;
    for (uint32_t i = lo; i < hi && n < POSTINGS; i++) {
        uint16_t r;
        memcpy(&r, x->places + (uint64_t)i * PLACE_BYTES, 2);
        if ((r & x->rem_mask) == rem) memcpy(&found[n++], x->places + (uint64_t)i * PLACE_BYTES + 2, 4);
    }
    return n;
}

/* Follows the places of a seed. One that has many waits for more letters (unless it is late already): most of its
 * places will have parted from the answer by then. */
void look_up(Lane *L, const Pending *w, int late) {
    uint32_t found[POSTINGS];
    int n = places_of(w, found);
    int64_t ql = w->dir > 0 ? w->q0 + SEED - 1 : w->q0, ahead = L->n - 1 - ql;
    if (n > FEW && !late && L->nlate < LATE) {
        L->late[(L->late_from + L->nlate++) & (LATE - 1)] = *w;
        for (int i = 0; i < n; i++) __builtin_prefetch(w->source->index->codes + (uint64_t)found[i] / BLOCK * 8);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (late && ahead < BLOCK - STEPS && L->n >= BLOCK) {
            int shared = shared_steps(L, w->source->index, w->dir, ahead, found[i]);
            if (shared < STRETCH - 1) continue;
        }
        candidate(L, w->source, w->dir, ql, found[i]);
        if (L->filter->blocked) return;
    }
    if (n == POSTINGS) hold_from(L, ql - SEED + 1);
}

/* ------------------------------------------------------------------ one letter on */
static void resync(Lane *L, Chain *c) {
    const int n = RESYNC - 1;
    int64_t s = L->n - RESYNC, gap = s - c->q, at;
    if (s < c->lost_q || s < L->base || (!AT(L, tok, s) && L->last_start > s)) return;
    if (c->dir > 0) at = find_steps(c, L, s + 1, n, c->p - 3, c->p + gap + 29, 0);
    else at = find_steps(c, L, s + 1, n, c->p - gap - 27 - n, c->p + 5 - n, 1);
    if (at < 0) return;
    int64_t p = c->dir > 0 ? at - 1 : at + n - 1; /* of letter s */
    for (int64_t k = c->lost_q; k < L->n; k++) mark(c, k, k > s);
    if ((p - c->p) * c->dir != gap) c->jump_at = s;
    c->lost = 0;
    c->q = L->n - 1;
    c->p = p + n * c->dir;
}

/* Letter q has come. */
void follow(Lane *L, int64_t q) {
    for (int i = 0; i < L->nchains; i++) {
        Chain *c = &L->chains[i];
        if (!c->lost && step_matches(c, L, q, c->p + c->dir)) {
            c->p += c->dir;
            c->q = q;
            mark(c, q, 1);
            if (c->permits && q - c->first >= ALLOW_RUN)
                allow_letters(L, q - c->first > ALLOW_RUN ? q - LONG_TOKEN : c->first, q + 1);
            continue;
        }
        if (!c->lost) {
            c->lost = 1;
            c->lost_q = q;
        }
        mark(c, q, 0);
        if (!c->permits) resync(L, c);
    }
}
