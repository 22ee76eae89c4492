/* One reading of a text: its letters and words, the look-ups of its seeds, and how much of it may leave. */
#include "engine.h"

/* One step: look-ups whose places have come are read, those whose offsets have come ask for their places. */
static void drain(Lane *L, int steps) {
    for (; steps && !L->filter->blocked; steps--) {
        int n = L->nwait[1];
        L->nwait[1] = 0;
        for (int i = 0; i < n && !L->filter->blocked; i++) look_up(L, &L->wait[1][i], 0);
        for (int i = 0; i < L->nwait[0]; i++) {
            const Pending *w = &L->wait[0][i];
            uint32_t at = offset_at(w->source->index, w->hash >> (64 - w->source->index->bits));
            __builtin_prefetch(w->source->index->places + (uint64_t)at * PLACE_BYTES);
            L->wait[1][i] = *w;
        }
        L->nwait[1] = L->nwait[0];
        L->nwait[0] = 0;
    }
}

/* Follows the seeds of many places that have waited long enough. */
static void drain_late(Lane *L, int all) {
    while (L->nlate && !L->filter->blocked) {
        Pending w = L->late[L->late_from];
        int64_t last = w.dir > 0 ? w.q0 + SEED - 1 : w.q0;
        if (!all && L->n - 1 - last < LATER) return;
        L->late_from = (L->late_from + 1) & (LATE - 1);
        L->nlate--;
        look_up(L, &w, 1);
    }
}

static void ask(Lane *L, const Source *s, int dir, int64_t q0, uint64_t hash) {
    if (L->nwait[0] == WAITING) drain(L, 2);
    __builtin_prefetch(s->index->offsets + (hash >> (64 - s->index->bits)) * 4);
    if (L->nwait[0] < WAITING) L->wait[0][L->nwait[0]++] = (Pending){s, dir, q0, hash};
}

/* Looks the seed up that begins at q0 (dir 1), or ends there and is read backwards. */
static void probe(Lane *L, int dir, int64_t q0) {
    const Filter *f = L->filter;
    uint8_t steps[16] = {0};
    uint64_t hashes[MAX_INDEX + 2];
    if (dir > 0) memcpy(steps, &AT(L, fwd, q0 + 1), STEPS);
    else for (int i = 0; i < STEPS; i++) steps[i] = AT(L, rev, q0 - i);
    if (is_dull(steps)) return;
    for (int g = 0; g < f->ngroups; g++) hashes[g] = seed_hash(f->keys[g], steps);
    for (int k = 0; k < f->nsource; k++) ask(L, &f->source[k], dir, q0, hashes[f->source[k].group]);
    for (int k = 0; dir > 0 && k < 2; k++) {
        if (!f->allow[k] || !f->allow[k]->used || !set_has(f->allow[k], hashes[f->allow_group[k]])) continue;
        cover(L, q0);
        break;
    }
}

/* Where the hold for an alignment begins, a letter. */
static int64_t held_by(const Lane *L, const Chain *c) {
    int64_t u = c->from_unit < L->nunits ? L->units[c->from_unit & (UNITS - 1)].s : L->last_start;
    if (c->first < u && c->from_unit == c->next_unit) u = c->first;
    return u - LEAD; /* what leads in (a key, a fence, a changed word) stays as well */
}

static void set_frontier(Lane *L) {
    int64_t n = L->n - LAG;
    while (n > L->clear && n >= L->base && !AT(L, tok, n) && L->last_start > n) n--;
    if (n > L->clear) L->clear = n;
    int64_t f = L->clear;
    if (L->n <= L->capped_to && L->capped_from < f) f = L->capped_from;
    uint32_t passage = 0;
    int in_passage = 0;
    for (int i = 0; i < L->nchains; i++) {
        const Chain *c = &L->chains[i];
        if (c->permits) continue;
        if (c->passage >= 0) { /* it is withheld up to here */
            uint32_t to = (uint32_t)L->filter->passages[c->passage].to;
            if (!in_passage || (int32_t)(to - passage) < 0) passage = to;
            in_passage = 1;
            continue;
        }
        int64_t held = held_by(L, c);
        if (held < f) f = held;
    }
    if (f < L->base) f = L->base;
    if (f >= L->n) f = L->n - 1;
    uint32_t off = AT(L, off, f) - (f == 0 ? SIGNS : 0);
    if (f > L->base && (int32_t)(AT(L, end, f - 1) - off) < 0) off = AT(L, end, f - 1);
    if (in_passage && (int32_t)(passage - off) < 0) off = passage;
    if ((int32_t)(off - L->frontier) > 0) L->frontier = off;
}

static void add_unit(Lane *L, int64_t s, int64_t e) { L->units[L->nunits++ & (UNITS - 1)] = (Unit){s, e}; }

static void end_spaced(Lane *L) {
    if (L->spaced_n) add_unit(L, L->spaced_s, L->spaced_e);
    L->spaced_n = 0;
}

static void end_token(Lane *L) {
    int64_t s = L->token_start, e = L->n;
    if (s < 0) return;
    if (e - s == 1) {
        if (L->spaced_n == 0) L->spaced_s = s;
        L->spaced_e = e;
        if (++L->spaced_n == UNIT) end_spaced(L);
    } else {
        end_spaced(L);
        if (!L->pseudo) add_unit(L, s, e);
        else if (e > s + L->pseudo) add_unit(L, s + L->pseudo, e);
    }
    if (L->n - L->base >= SEED) probe(L, -1, L->n - 1);
    L->token_start = -1;
    L->pseudo = 0;
}

/* A long token counts as words of UNIT letters. */
static void count_long(Lane *L, int64_t q) {
    int64_t len = q + 1 - L->token_start;
    if (len == LONG_TOKEN + 1) {
        end_spaced(L);
        for (int i = 0; i < LONG_TOKEN; i += UNIT) add_unit(L, L->token_start + i, L->token_start + i + UNIT);
        L->pseudo = LONG_TOKEN;
    } else if (L->pseudo && len == L->pseudo + UNIT) {
        add_unit(L, L->token_start + L->pseudo, q + 1);
        L->pseudo += UNIT;
    }
}

static void make_room(Lane *L) {
    const int64_t cut = CAP - KEEP;
    drain(L, 2);
    drain_late(L, 1);
    uint8_t *bytes[] = {L->sym, L->fwd, L->rev, L->tok, L->allowed};
    for (int i = 0; i < 5; i++) memmove(bytes[i], bytes[i] + cut, KEEP);
    memmove(L->off, L->off + cut, KEEP * sizeof *L->off);
    memmove(L->end, L->end + cut, KEEP * sizeof *L->end);
    L->base += cut;
    if (L->clear < L->base) L->clear = L->base;
}

static void store(Lane *L, int64_t q, uint8_t symbol, uint32_t off, int starts) {
    uint8_t prev = q > L->base ? AT(L, sym, q - 1) : 0;
    AT(L, sym, q) = symbol;
    AT(L, off, q) = off;
    AT(L, end, q) = L->raw_next;
    AT(L, tok, q) = (uint8_t)starts;
    AT(L, allowed, q) = 0;
    AT(L, fwd, q) = step_code(prev, symbol);
    AT(L, rev, q) = prev ? step_code(symbol, prev) : 0;
    L->recent_fwd = L->recent_fwd >> 2 | (uint64_t)check_code(AT(L, fwd, q)) << 62;
    L->recent_rev = L->recent_rev << 2 | check_code(AT(L, rev, q));
    if (starts) L->token_start = L->last_start = q;
    if (L->token_start < 0) L->token_start = q;
}

static void add_symbol(void *self, uint8_t symbol, uint32_t off, int starts) {
    Lane *L = self;
    if (L->filter->blocked) return;
    if (L->n - L->base == CAP) make_room(L);
    if (starts) end_token(L);
    int64_t q = L->n++, i = q - SEED + 1;
    store(L, q, symbol, off, starts);
    count_long(L, q);
    if (L->nchains) follow(L, q);
    if (L->nwait[0] | L->nwait[1]) drain(L, 1);
    if (L->nlate) drain_late(L, 0);
    if (i >= L->base && (AT(L, tok, i) || L->last_start <= i)) probe(L, 1, i);
    if (i > L->base && L->last_start < i) probe(L, -1, q);
    /* Once per word where there are words, else once per letter. */
    if (!starts && L->last_start + LONG_TOKEN >= q) return;
    if (L->nchains && !L->filter->blocked) settle(L, 0);
    if (!L->filter->blocked) set_frontier(L);
}

void lane_reset(Lane *L, Filter *f, uint32_t off) {
    memset(&L->decoder, 0, sizeof L->decoder);
    L->decoder.line_start = 1;
    L->filter = f;
    L->recent_fwd = L->recent_rev = 0;
    L->base = L->n = L->last_start = L->clear = L->nunits = 0;
    L->cover_start = L->cover_end = 0;
    L->token_start = L->capped_from = L->capped_to = -1;
    L->spaced_n = L->pseudo = L->nchains = L->nwait[0] = L->nwait[1] = L->late_from = L->nlate = 0;
    L->frontier = L->end_off = off;
}

void lane_char(Lane *L, uint32_t cp, uint32_t off, uint32_t next_off) {
    Out o = {add_symbol, L, &L->decoder};
    L->raw_next = next_off;
    put_char(o, cp, off);
    if (L->n || L->filter->blocked) return;
    const Decoder *d = &L->decoder; /* no letter yet: signs may leave, but for the last ones */
    L->end_off = (d->esc_n ? d->esc_off : d->num_n ? d->num_off : next_off) - SIGNS;
    if ((int32_t)(L->end_off - L->frontier) > 0) L->frontier = L->end_off;
}

void lane_finish(Lane *L) {
    Out o = {add_symbol, L, &L->decoder};
    finish_chars(o);
    if (L->filter->blocked) return;
    end_token(L);
    drain(L, 2);
    drain_late(L, 1);
    if (L->filter->blocked) return;
    end_spaced(L);
    settle(L, 1);
    for (int i = 0; i < L->nchains; i++)
        if (!L->chains[i].permits) keep_end(L->filter, &L->chains[i]);
    L->nchains = 0;
}
