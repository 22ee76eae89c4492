/* Cuts a text into tokens and describes each by numbers. models/ner/features.py says the same on whole arrays. */
#include "ner.h"

static uint32_t scramble(uint32_t hash) {
    hash ^= hash >> 16;
    hash *= 0x7FEB352Du;
    hash ^= hash >> 15;
    hash *= 0x846CA68Bu;
    return hash ^ hash >> 16;
}

static uint32_t code_at(const Reader *r, size_t at) {
    uint32_t code = r->text[at];
    return code < CHARACTERS ? code : CHARACTERS - 1;
}

/* Characters of a token: the first ones, the last three, and how many there are. */
typedef struct { uint32_t code[TOKEN_LIMIT], last[3]; size_t length; } Run;

/* Reads on to the next visible character that does not belong to the token; what is invisible before it does. */
static void read_run(Reader *r, int kind, Run *run) {
    uint32_t first = code_at(r, r->at);
    run->length = 0;
    for (; r->at < r->length; r->at++) {
        uint32_t code = code_at(r, r->at);
        int other = r->net->flags[code] & KIND;
        if (other == DROPPED) continue;
        if (other != kind || (kind == OTHER && code != first)) return;
        if (run->length < TOKEN_LIMIT) run->code[run->length] = code;
        run->last[run->length++ % 3] = code;
    }
}

static uint32_t ending(const Network *net, const Run *run) {
    uint32_t hash = 0;
    for (size_t back = 0; back < 3 && back < run->length; back++)
        hash += net->base[run->last[(run->length - 1 - back) % 3]] * net->ends[back];
    return scramble(hash);
}

static int shape_of(const Network *net, const Run *run, int size, int kind, int gap) {
    int capitals = 0, small = 0, strange = 0, key;
    for (int i = 0; i < size; i++) {
        int flags = net->flags[run->code[i]];
        capitals += !!(flags & UPPER);
        small += !!(flags & LOWER);
        strange |= run->code[i] > 127;
    }
    if (kind == LETTER) {
        key = 2 * (small > 0) + (capitals < 2 ? capitals : 2) * 4 + (net->flags[run->code[0]] & UPPER ? 16 : 0);
        key += capitals == size;
    } else key = 32 + (kind == DIGIT);
    return ((key * 8 + net->lengths[size]) * 3 + gap) * 2 + strange;
}

static void describe(const Network *net, const Run *run, Token *t) {
    const uint32_t before = 0x110001, after = 0x110002;
    uint32_t base[TOKEN_LIMIT + 2], word = (uint32_t)run->length, head = 0;
    int size = t->size;
    base[0] = before;
    for (int i = 0; i < size; i++) base[i + 1] = net->base[run->code[i]];
    base[size + 1] = after;
    for (int i = 0; i < size; i++) {
        uint32_t mixed = base[i + 1] * 0x9E3779B1u;
        mixed = (mixed ^ mixed >> 15) * net->places[i];
        word += mixed;
        if (i < 3) head += mixed;
        uint32_t around = base[i] * net->around[0] + base[i + 1] * net->around[1] + base[i + 2] * net->around[2];
        t->trigram[i] = (uint16_t)(scramble(around) >> (32 - TRIGRAM_BITS));
    }
    t->word = scramble(word);
    t->prefix = (uint16_t)(scramble(head) >> (32 - AFFIX_BITS));
    t->suffix = (uint16_t)(ending(net, run) >> (32 - AFFIX_BITS));
}

/* 0 at the end of the text. */
int next_token(Reader *r, Token *t) {
    int kind = SPACE, spaced = 0, line = 0;
    for (; r->at < r->length; r->at++) {
        uint32_t code = code_at(r, r->at);
        kind = r->net->flags[code] & KIND;
        if (kind == SPACE) {
            spaced = 1;
            line |= code == '\n';
        } else if (kind != DROPPED) break;
    }
    if (r->at >= r->length) return 0;
    Run run;
    t->start = r->at;
    read_run(r, kind, &run);
    t->end = r->at;
    t->size = (uint8_t)(run.length < TOKEN_LIMIT ? run.length : TOKEN_LIMIT);
    t->lettered = kind == LETTER;
    t->shape = (uint16_t)shape_of(r->net, &run, t->size, kind, r->later ? spaced + line : 2);
    describe(r->net, &run, t);
    r->later = 1;
    return 1;
}
