/* Runs the network over the tokens of a piece. */
#include "ner.h"

/* Memory for pieces of so many tokens. -1: there is none. */
int work_start(Work *w, size_t rows) {
    rows = (rows + ROWS - 1) / ROWS * ROWS;
    size_t guarded = GUARD + rows + GUARD, floats = sizeof(float), shorts = sizeof(int16_t);
    size_t x = rows * WIDTH * floats, given = rows * GIVEN * shorts, q = guarded * WIDTH * shorts;
    size_t tags = rows * TAG_COLUMNS * floats;
    char *at = w->memory = malloc(2 * x + given + q + tags + guarded * floats + 64);
    if (!at) return -1;
    at += 64 - (uintptr_t)at % 64;
    w->x = (float *)at;
    w->y = (float *)(at += x);
    w->q = (int16_t *)(at += x);
    w->tags = (float *)(at += q);
    w->given = (int16_t *)(at += tags);
    w->scale = (float *)(at + given);
    return 0;
}

void work_stop(Work *w) { free(w->memory); }

/* Copies a row of a table; returns where the next one goes. */
static int16_t *put(int16_t *to, const int8_t *row, int width) {
    for (int i = 0; i < width; i++) to[i] = row[i];
    return to + width;
}

static void describe(const Network *net, const Token *t, int16_t *given) {
    for (int i = 0; i < BAG; i++) given[i] = 0;
    for (int k = 0; k < t->size; k++) {
        const int8_t *row = net->trigram + (size_t)t->trigram[k] * BAG;
        for (int i = 0; i < BAG; i++) given[i] = (int16_t)(given[i] + row[i]);
    }
    given += BAG;
    const int8_t *low = net->word + (size_t)(t->word & 0xFFFF) * 48, *high = net->word + (size_t)(t->word >> 16) * 48;
    for (int i = 0; i < 48; i++) given[i] = (int16_t)(low[i] + high[i]);
    given = put(given + 48, net->prefix + (size_t)t->prefix * 16, 16);
    given = put(given, net->suffix + (size_t)t->suffix * 24, 24);
    given = put(given, net->shape + (size_t)t->shape * 16, 16);
    const uint16_t *listed = listed_of(&net->lexicon, t->word);
    for (int i = 0; i < LISTED; i++) {
        int width = listed_widths[i];
        given = put(given, net->listed[i] + (size_t)listed[i] * (size_t)width, width);
    }
}

/* What will be read of a token: the rows lie all over several megabytes, which other work has driven from the caches. */
static void ask_for(const Network *net, const Token *t) {
    __builtin_prefetch(net->word + (size_t)(t->word & 0xFFFF) * 48);
    __builtin_prefetch(net->word + (size_t)(t->word >> 16) * 48);
    __builtin_prefetch(net->prefix + (size_t)t->prefix * 16);
    __builtin_prefetch(net->suffix + (size_t)t->suffix * 24);
    for (int k = 0; k < t->size; k++) __builtin_prefetch(net->trigram + (size_t)t->trigram[k] * BAG);
    __builtin_prefetch(net->lexicon.bucket + (t->word >> 16));
}

static void input(const Network *net, const Token *tokens, size_t count, size_t rows, Work *w) {
    enum { SOON = 4, LATER = 8 };
    float *once = w->y; /* not in use yet */
    for (size_t i = 0; i < count && i < LATER; i++) ask_for(net, tokens + i);
    for (size_t i = 0; i < count; i++) {
        if (i + LATER < count) ask_for(net, tokens + i + LATER);
        if (i + SOON < count) ask_for_word(&net->lexicon, tokens[i + SOON].word);
        describe(net, tokens + i, w->given + i * GIVEN);
        w->scale[i] = net->weights[tokens[i].size];
        once[i] = 1;
    }
    memset(w->given + count * GIVEN, 0, (rows - count) * GIVEN * sizeof *w->given);
    for (size_t i = count; i < rows; i++) w->scale[i] = once[i] = 0;
    net->product->multiply(&net->bag, w->given, GIVEN, w->scale, rows, net->input_bias, w->x);
    net->product->multiply(&net->rest, w->given + BAG, GIVEN, once, rows, NULL, w->x);
}

/* What the network gives for each tag of each token; `tag_score` reads it. */
void run_layers(const Network *net, const Token *tokens, size_t count, Work *w) {
    const Product *p = net->product;
    size_t rows = (count + ROWS - 1) / ROWS * ROWS;
    input(net, tokens, count, rows, w);
    int16_t *q = w->q + GUARD * WIDTH;
    float *scale = w->scale + GUARD;
    memset(w->q, 0, GUARD * WIDTH * sizeof *q);
    memset(w->scale, 0, GUARD * sizeof *scale);
    memset(q + count * WIDTH, 0, (rows - count + GUARD) * WIDTH * sizeof *q);
    memset(scale + count, 0, (rows - count + GUARD) * sizeof *scale);
    p->settle(NULL, w->x, q, scale, count);
    for (int i = 0; i < BLOCKS; i++) {
        const Block *b = &net->block[i];
        /* One tap after the other: its weights stay in the fastest cache while all rows pass. */
        for (int tap = 0; tap < 3; tap++) {
            ptrdiff_t shift = (tap - 1) * b->dilation;
            p->multiply(&b->tap[tap], q + shift * WIDTH, WIDTH, scale + shift, rows, tap ? NULL : b->bias, w->y);
        }
        p->settle(w->y, w->x, q, scale, count);
    }
    static const float none[TAG_COLUMNS];
    p->multiply(&net->output, q, WIDTH, scale, rows, none, w->tags);
}

/* The last convolution: three taps stand side by side in `tags`. */
float tag_score(const Network *net, const Work *w, size_t rows, size_t row, int tag) {
    const float *at = w->tags + row * TAG_COLUMNS + tag;
    float score = net->output_bias[tag] + at[TAGS];
    if (row > 0) score += at[-TAG_COLUMNS];
    if (row + 1 < rows) score += at[TAG_COLUMNS + 2 * TAGS];
    return score;
}
