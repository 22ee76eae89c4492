/* Tokens that may be base64 or hex are decoded into a lane of their own, until they prove to be something else. */
#include "engine.h"

static int base64_value(uint32_t c) {
    if (c >= 'A' && c <= 'Z') return (int)c - 'A';
    if (c >= 'a' && c <= 'z') return (int)c - 'a' + 26;
    if (c >= '0' && c <= '9') return (int)c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}
static int value_of(uint32_t c, int bits) { return bits == 6 ? base64_value(c) : hex_value(c); }

static void add_value(Coded *x, int value, int bits, uint32_t off) {
    if (x->garbage) return;
    if (x->nbits == 0) x->cp_off = off;
    x->acc = (x->acc << bits | (uint32_t)value) & 0xFFFF;
    x->nbits += bits;
    if (x->nbits < 8) return;
    x->nbits -= 8;
    uint32_t cp;
    int r = utf8_byte(&x->cp, &x->need, x->acc >> x->nbits & 255, &cp);
    if (r < 0 || (r == 1 && cp < 32 && cp != '\n' && cp != '\t' && cp != '\r')) {
        if (++x->bad > 1) x->garbage = 1;
        return;
    }
    if (r == 1) lane_char(x->lane, cp, x->cp_off, off + 1);
    x->cp_off = off;
}

void coded_end(Coded *x) {
    if (x->active && !x->garbage) lane_finish(x->lane);
    x->active = 0;
    x->len = 0;
    x->group = x->spread = 0;
}

/* What may stand between the bytes of a dump: `48 65`, `48:65`, `0x48, 0x65`, `\x48\x65`. */
static int is_between(uint32_t c) {
    return c == ' ' || c == ',' || c == ':' || c == ';' || c == '-' || c == '\\' || c == '\n' || c == '\r' || c == '\t';
}

/* A character that is no digit, within hexadecimal: whether it may go on. */
static int goes_on(Coded *x, uint32_t c) {
    if (c == 'x' || c == 'X') { /* the zero before it is none of the number */
        if (x->group > 1 || (x->group == 1 && x->acc & 15)) return 0;
        x->len -= x->group;
        x->nbits -= x->active && x->nbits == 4 ? 4 : 0;
        x->group = 0;
        return 1;
    }
    if (!is_between(c) || (x->group != 2 && x->group != 0)) return 0;
    x->group = 0;
    return x->spread = 1;
}

/* The token is long enough: what of it is still here is read. -1: no memory is left. */
static int begin(Filter *f, Coded *x, uint32_t c, int bits) {
    uint32_t off = (uint32_t)f->pos;
    if (!x->lane && !(x->lane = calloc(1, sizeof(Lane)))) return -1;
    uint32_t left = (uint32_t)f->committed, stride = x->spread ? 1 : 4;
    int is_cut = (int32_t)(x->start - left) < 0;
    while ((int32_t)(x->start - left) < 0) x->start += stride; /* signs without letters have left already */
    while (is_cut && x->spread && (int32_t)(off - x->start) > 0 && !is_between(f->held[x->start++ - (uint32_t)f->released])) {}
    if ((int32_t)(off - x->start) < 0) x->start = off;
    lane_reset(x->lane, f, x->start);
    x->active = 1;
    x->bad = x->garbage = x->nbits = x->need = 0;
    x->acc = 0;
    for (uint32_t i = x->start; i != off + 1; i++) {
        uint32_t ch = i == off ? c : f->held[i - (uint32_t)f->released];
        int value = value_of(ch, bits);
        if (value >= 0) add_value(x, value, bits, i);
        else if (ch == 'x' || ch == 'X') x->nbits = 0;
    }
    return 0;
}

/* A character of the text; bits 6: base64, 4: hex. -1: no memory is left. */
int coded_char(Filter *f, Coded *x, uint32_t c, int bits) {
    int value = value_of(c, bits);
    if (value < 0) {
        int is_wrap = x->active && !x->garbage && (c == '\n' || c == '\r');
        if (x->len && !is_wrap && (bits == 6 || x->garbage || !goes_on(x, c))) coded_end(x);
        return 0;
    }
    if (x->len++ == 0) x->start = (uint32_t)f->pos;
    x->group++;
    if (!x->active) x->acc = (uint32_t)value;
    if (x->active) add_value(x, value, bits, (uint32_t)f->pos);
    else if (x->len >= CODED_MIN) return begin(f, x, c, bits);
    return 0;
}
