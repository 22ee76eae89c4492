/* What an alignment means: which words match, when they are a passage, what is allowed, what is carried on. */
#include "engine.h"

/* Whether all steps within a word match; for a single letter, one on either side. */
static int unit_matches(const Lane *L, const Chain *c, Unit u) {
    if (u.e - u.s == 1) return marked(c, u.s) || (u.e < L->n && marked(c, u.e));
    for (int64_t q = u.s + 1; q < u.e; q++)
        if (!marked(c, q)) return 0;
    return 1;
}

static int is_allowed(const Lane *L, int64_t s, int64_t e) {
    for (int64_t q = s > L->base ? s : L->base; q < e; q++)
        if (!AT(L, allowed, q)) return 0;
    return 1;
}

/* Letters that are allowed, also after the fact: words among them no longer count. */
void allow_letters(Lane *L, int64_t from, int64_t to) {
    if (from < L->base) from = L->base;
    for (int64_t q = from; q < to && q < L->n; q++) AT(L, allowed, q) = 1;
    for (int k = 0; k < L->nchains; k++) {
        Chain *c = &L->chains[k];
        for (int64_t u = c->next_unit - 1, bit = 0; bit < 64 && u >= c->from_unit && u > L->nunits - UNITS; u--, bit++) {
            Unit x = L->units[u & (UNITS - 1)];
            if (x.e <= from || x.s < L->base) break;
            if (is_allowed(L, x.s, x.e)) c->history &= ~(1ULL << bit);
        }
        c->run = (int)__builtin_ctzll(~c->history | 1ULL << 63);
    }
}

/* Letters i..i+SEED-1 are in a set of allowed seeds. */
void cover(Lane *L, int64_t i) {
    if (i > L->cover_end) L->cover_start = i;
    L->cover_end = i + SEED;
    if (L->cover_end - L->cover_start < ALLOW_RUN) return;
    int64_t from = L->cover_end - ALLOW_RUN - LONG_TOKEN - SEED;
    allow_letters(L, from > L->cover_start ? from : L->cover_start, L->cover_end);
}

/* An offset within the last 2^31 characters, from its low half. */
static uint64_t whole(const Filter *f, uint32_t off) {
    return f->pos - (uint64_t)(int64_t)(int32_t)((uint32_t)f->pos - off);
}

static Passage *new_passage(Filter *f) {
    if (f->npassages == f->passages_cap) {
        int64_t cap = f->passages_cap * 2 + 4;
        Passage *bigger = realloc(f->passages, (size_t)cap * sizeof *bigger);
        if (!bigger) {
            f->failed = f->blocked = 1;
            return NULL;
        }
        f->passages = bigger;
        f->passages_cap = cap;
    }
    return &f->passages[f->npassages++];
}

static uint64_t start_of(const Lane *L, const Chain *c) {
    int64_t u = c->from_unit, first = c->first > L->base ? c->first : L->base;
    if (u < L->nunits - UNITS + 1) u = L->nunits - UNITS + 1;
    for (; u < c->next_unit; u++) {
        Unit x = L->units[u & (UNITS - 1)];
        if (x.s < L->base || L->n - x.s > RING - 64) continue;
        first = x.s;
        if (unit_matches(L, c, x)) break;
    }
    if (first >= L->n) first = L->n - 1;
    uint64_t from = whole(L->filter, AT(L, off, first));
    return from < L->filter->committed ? L->filter->committed : from;
}

/* A passage begins, or goes on where another alignment saw it. */
static void open_passage(Lane *L, Chain *c, uint64_t to, int words, int near) {
    Filter *f = L->filter;
    uint64_t from = start_of(L, c);
    Passage *last = f->npassages ? &f->passages[f->npassages - 1] : NULL;
    if (to < from) to = from;
    if (last && from <= last->to && last->to >= f->committed) {
        uint64_t before = f->npassages > 1 ? f->passages[f->npassages - 2].to : 0;
        if (from < last->from) last->from = from < before ? before : from;
        if (to > last->to) last->to = to;
    } else {
        if (!(last = new_passage(f))) return;
        *last = (Passage){from, to, c->index, c->document, (uint32_t)words, near};
    }
    c->passage = f->npassages - 1;
    if (!f->rule.redact) f->blocked = 1;
}

/* How many words there are of this alignment and of another text's that it reaches from before; 0 if too few. */
static int meets(const Filter *f, const Chain *c) {
    for (int i = f->nbefore - 1; i >= 0; i--) {
        const Ended *e = &f->before[i];
        if (e->identity != c->index->identity || e->dir != c->dir) continue;
        if (e->from < (int64_t)c->start || e->from >= (int64_t)c->end) continue;
        int64_t gap = (e->from - c->p) * c->dir;
        if (gap < -TAKEN_TWICE || gap > TAKEN_LATER) continue;
        int words = c->run + __builtin_popcountll(e->history);
        if (c->run > f->rule.run / 4 && words > f->rule.run + 1) return words;
    }
    return 0;
}

static void judge(Lane *L, Chain *c, Unit u, int counts) {
    Filter *f = L->filter;
    const Rule *r = &f->rule;
    if (c->permits || !counts) return;
    uint64_t to = whole(f, AT(L, end, u.e - 1));
    if (c->passage >= 0) {
        Passage *p = &f->passages[c->passage];
        if (to > p->to) p->to = to;
        if (p->document == c->document) p->words++;
        return;
    }
    int met = meets(f, c);
    if (met) open_passage(L, c, to, met, 1);
    if (c->passage >= 0 || c->matched < c->least) return; /* of a passage that an earlier text began, a word or two are chance */
    if (c->run >= r->run) open_passage(L, c, to, c->run, 0);
    for (int i = 0; i < 2 && r->near && c->passage < 0 && !f->failed; i++) {
        int n = __builtin_popcountll(c->history << (64 - r->window[i]));
        if (n >= r->hits[i]) open_passage(L, c, to, n, 1);
    }
}

/* Judges the words whose letters have come, nine letters after they began. */
static void evaluate(Lane *L, Chain *c, int final) {
    while (c->next_unit < L->nunits && !L->filter->blocked) {
        Unit u = L->units[c->next_unit & (UNITS - 1)];
        if (!final && L->n < u.s + RESYNC + 1) return;
        if (u.s < L->base) { /* long gone */
            c->next_unit++;
            continue;
        }
        c->on_allowed = is_allowed(L, u.s, u.e);
        int counts = unit_matches(L, c, u) && !c->on_allowed;
        if (c->jump_at && u.s >= c->jump_at) { /* words left out count as one that does not match */
            if (c->history & 1) c->history <<= 1;
            c->run = c->jump_at = 0;
        }
        c->history = c->history << 1 | (unsigned)counts;
        c->run = counts ? c->run + 1 : 0;
        c->matched += counts;
        c->score = counts ? (c->score < 8 ? c->score + 1 : 8) : c->score - 2;
        c->next_unit++;
        judge(L, c, u, counts);
    }
}

/* Judges all alignments and drops those that are over. */
void settle(Lane *L, int final) {
    for (int i = 0; i < L->nchains;) {
        Chain *c = &L->chains[i];
        evaluate(L, c, final);
        if (L->filter->blocked) return;
        if ((c->score < 0 && (c->lost || c->on_allowed)) || (c->lost && (c->permits || L->n - c->q > 64))) {
            if (!c->permits) keep_end(L->filter, c);
            if (i != --L->nchains) L->chains[i] = L->chains[L->nchains];
            continue;
        }
        while (c->next_unit - c->from_unit > 4 * L->filter->rule.run) c->from_unit++;
        i++;
    }
}

/* More is held than may be: an alignment that is half a passage is taken for one. */
void force(Filter *f, Lane *L) {
    uint64_t to = f->pos - HOLD_MAX;
    for (int k = 0; k < L->nchains; k++) {
        Chain *c = &L->chains[k];
        if (c->permits || (c->passage < 0 && c->matched < f->rule.run / 2)) continue;
        if (c->passage < 0) open_passage(L, c, to, c->matched, 1);
        else if (f->passages[c->passage].to < to) f->passages[c->passage].to = to;
        if (f->blocked) return;
    }
}

/* ------------------------------------------------------------------ from one text to the next */
/* So many words of a passage are no chance. */
static int few(const Filter *f) {
    return f->rule.run / 4;
}

static int is_carried(const Filter *f, const Chain *c) {
    return !c->permits && c->index && !f->failed && __builtin_popcountll(c->history) >= few(f);
}

void keep_end(Filter *f, const Chain *c) {
    if (!is_carried(f, c)) return;
    if (f->nended == ENDED) memmove(f->ended, f->ended + 1, sizeof(Ended) * (size_t)--f->nended);
    f->ended[f->nended++] = (Ended){c->index->identity, c->history, c->from_p, c->p, c->dir, c->run};
}

/* The newest ENDED of what has ended and of what is followed now, newest last; how many. */
int carried_on(const Filter *f, Ended *all) {
    const Lane *lanes[] = {f->main, f->b64.active ? f->b64.lane : NULL, f->hex.active ? f->hex.lane : NULL};
    int n = 0, room = ENDED;
    for (int k = 0; k < 3; k++)
        for (int i = 0; lanes[k] && i < lanes[k]->nchains; i++) room -= is_carried(f, &lanes[k]->chains[i]);
    for (int i = room > 0 ? (f->nended > room ? f->nended - room : 0) : f->nended; i < f->nended; i++) all[n++] = f->ended[i];
    for (int k = 0; k < 3; k++)
        for (int i = 0; lanes[k] && i < lanes[k]->nchains && n < ENDED; i++) {
            const Chain *c = &lanes[k]->chains[i];
            if (is_carried(f, c)) all[n++] = (Ended){c->index->identity, c->history, c->from_p, c->p, c->dir, c->run};
        }
    return n;
}

/* If c begins about where an alignment of an earlier text ended, that one's words count with it: some words may be said
   twice, and more may be missing, since nobody hears what a stopped answer would have said. */
void take_up(Filter *f, Chain *c) {
    int64_t p = c->from_p = c->p - (c->q - c->first) * c->dir;
    for (int i = f->nbefore - 1; i >= 0; i--) {
        const Ended *e = &f->before[i];
        if (e->identity != c->index->identity || e->dir != c->dir) continue;
        if (e->p < (int64_t)c->start || e->p >= (int64_t)c->end) continue;
        int64_t gap = (p - e->p) * c->dir;
        if (gap < -TAKEN_TWICE || gap > TAKEN_LATER) continue;
        uint64_t history = e->history;
        while (history && !(history & 1)) history >>= 1; /* what came after it in that text */
        c->least = few(f);
        int joins = gap >= 0 && gap <= 2;
        c->history = joins ? history : history << 1;
        c->run = joins ? (int)__builtin_ctzll(~history | 1ULL << 63) : 0;
        f->nbefore--;
        memmove(f->before + i, f->before + i + 1, sizeof(Ended) * (size_t)(f->nbefore - i));
        return;
    }
}
