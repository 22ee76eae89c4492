/* A text that comes in pieces: what is read, what is held, what may leave. No piece's borders matter. */
#include "engine.h"

/* 0, or -1 if no memory is left. */
int filter_start(Filter *f) {
    f->held_cap = 2 * HOLD_MAX;
    f->held = malloc(f->held_cap * sizeof *f->held);
    f->main = calloc(1, sizeof(Lane));
    if (!f->held || !f->main) return -1;
    lane_reset(f->main, f, 0);
    return 0;
}

void filter_stop(Filter *f) {
    free(f->held);
    free(f->passages);
    free(f->main);
    free(f->b64.lane);
    free(f->hex.lane);
}

/* Where n more characters go, or NULL if no memory is left. */
uint32_t *filter_room(Filter *f, uint64_t n) {
    uint64_t have = f->pos - f->released;
    if (have + n > f->held_cap) {
        uint64_t cap = (have + n) * 2;
        uint32_t *bigger = realloc(f->held, cap * sizeof *bigger);
        if (!bigger) return NULL;
        f->held = bigger;
        f->held_cap = cap;
    }
    return f->held + have;
}

static void commit(Filter *f, uint64_t to) {
    if (to > f->committed && to <= f->pos) f->committed = to;
}

/* What all readings agree may leave. */
static void advance(Filter *f) {
    uint32_t base = (uint32_t)f->committed;
    int32_t least = (int32_t)(f->main->frontier - base);
    const Coded *coded[] = {&f->b64, &f->hex};
    for (int i = 0; i < 2; i++) {
        if (!coded[i]->active || coded[i]->garbage) continue;
        int32_t its = (int32_t)(coded[i]->lane->frontier - base);
        if (its < least) least = its;
    }
    if (least > 0) commit(f, f->committed + (uint64_t)least);
    if (f->pos - f->committed <= HOLD_MAX) return;
    force(f, f->main);
    for (int i = 0; i < 2 && !f->blocked; i++)
        if (coded[i]->active && !coded[i]->garbage) force(f, coded[i]->lane);
    if (!f->blocked) commit(f, f->pos - HOLD_MAX);
}

/* Reads n characters that lie where filter_room said. */
void filter_read(Filter *f, uint64_t n) {
    uint64_t have = f->pos - f->released;
    for (uint64_t i = 0; i < n && !f->blocked; i++) {
        uint32_t c = f->held[have + i], off = (uint32_t)f->pos;
        lane_char(f->main, c, off, off + 1);
        if (!f->blocked && (coded_char(f, &f->b64, c, 6) || coded_char(f, &f->hex, c, 4))) f->failed = f->blocked = 1;
        f->pos++;
        if (!f->blocked) advance(f);
    }
}

/* The text is over. */
void filter_finish(Filter *f) {
    if (!f->blocked && !f->flushed) {
        coded_end(&f->b64);
        if (!f->blocked) coded_end(&f->hex);
        if (!f->blocked) lane_finish(f->main);
        if (!f->blocked) f->committed = f->pos;
    }
    f->flushed = 1;
}

static uint64_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* Whether the next character that leaves is withheld. */
static int is_withheld(Filter *f, uint64_t at) {
    while (f->next_passage < f->npassages && f->passages[f->next_passage].to <= at) f->next_passage++;
    for (int64_t i = f->next_passage; i < f->npassages && f->passages[i].from <= at; i++)
        if (at < f->passages[i].to) return 1;
    return 0;
}

/* Takes what may leave, in UTF-8 (lone surrogates too), the marker in the place of each passage. *out has room for
 * *out_n bytes, or is replaced by more room that the caller frees. The bytes written, or -1 if no memory is left. */
uint64_t filter_leaves(Filter *f, const char *marker, uint64_t marker_n, char **out, uint64_t *out_n) {
    uint64_t n = f->committed - f->released, written = 0, have = f->pos - f->released;
    uint64_t most = n * 4 + marker_n * ((f->rule.redact ? (uint64_t)(f->npassages - f->next_passage) : 0) + 1);
    if (most > *out_n) {
        char *bigger = malloc(most);
        if (!bigger) return UINT64_MAX;
        *out = bigger;
        *out_n = most;
    }
    for (uint64_t i = 0; i < n; i++) {
        int withheld = f->rule.redact && f->next_passage < f->npassages && is_withheld(f, f->released + i);
        if (!withheld) written += put_utf8(*out + written, f->held[i]);
        else if (!f->in_passage) {
            memcpy(*out + written, marker, marker_n);
            written += marker_n;
        }
        f->in_passage = withheld;
    }
    if (n) memmove(f->held, f->held + n, (have - n) * sizeof *f->held);
    f->released = f->committed;
    return written;
}
