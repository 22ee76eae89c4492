/* Finds the names in a text. A token depends on `context` neighbours on each side and on nothing else: so a long text
 * is read in pieces that overlap by as much, with the same result as if it were read whole, in bounded memory. */
#include <math.h>

#include "ner.h"

/* A run of tokens that are likely parts of one name. */
typedef struct { Name name; size_t tokens, next; double sum; int lettered; } Open;
/* `chances` of being part of some name, and of beginning one; the entity. */
typedef struct { float some, begins; int entity; } Chance;
typedef struct {
    const Network *net;
    Reader reader;
    Token *tokens;               /* the piece, and its neighbours before and behind */
    size_t count, lead, first;   /* tokens there; those before the piece; tokens of the text before all these */
    Work work;
    Open open;
    Names *found;
} Search;

static int close_name(Search *s) {
    Open *o = &s->open;
    size_t tokens = o->tokens;
    o->tokens = 0;
    if (!tokens || !o->lettered) return 0;
    if (s->found->count == s->found->room) {
        size_t room = s->found->room ? s->found->room * 2 : 16;
        Name *all = realloc(s->found->all, room * sizeof *all);
        if (!all) return -1;
        s->found->all = all;
        s->found->room = room;
    }
    o->name.score = o->sum / (double)tokens;
    s->found->all[s->found->count++] = o->name;
    return 0;
}

/* 0: it is more likely that the token is no part of a name. */
static int judge(const Network *net, const Work *w, size_t rows, size_t row, Chance *c) {
    float score[TAGS], most = -INFINITY, all = 0, of[ENTITIES];
    for (int i = 0; i < TAGS; i++) {
        score[i] = tag_score(net, w, rows, row, i);
        if (i && score[i] > most) most = score[i];
    }
    /* Six times the likeliest tag is less than no name at all. Most tokens end here. */
    if (score[0] - most > 1.8f) return 0;
    if (score[0] > most) most = score[0];
    for (int i = 0; i < TAGS; i++) all += score[i] = expf(score[i] - most);
    c->some = 1 - score[0] / all;
    if (!(c->some >= 0.5f)) return 0;
    c->begins = (score[1] + score[3] + score[5]) / all;
    c->entity = 0;
    for (int i = 0; i < ENTITIES; i++) {
        of[i] = (score[1 + 2 * i] + score[2 + 2 * i]) * net->prefer[i];
        if (of[i] > of[c->entity]) c->entity = i;
    }
    return 1;
}

/* Texts made of punctuation or digits have no names: only what has letters near it. */
static int near_letters(const Search *s, size_t row) {
    size_t context = s->net->context, from = row > context ? row - context : 0;
    for (size_t i = from; i < s->count && i <= row + context; i++)
        if (s->tokens[i].lettered) return 1;
    return 0;
}

static int add_token(Search *s, size_t row, const Chance *c) {
    const Token *t = s->tokens + row;
    Open *o = &s->open;
    if (!o->tokens || o->next != s->first + row || o->name.entity != c->entity || c->begins * 2 > c->some) {
        if (close_name(s)) return -1;
        *o = (Open){.name = {.start = t->start, .entity = c->entity}};
    }
    o->name.end = t->end;
    o->next = s->first + row + 1;
    o->tokens++;
    o->sum += c->some;
    o->lettered |= t->lettered;
    return 0;
}

static int read_piece(Search *s, size_t end) {
    int letters = 0;
    for (size_t i = 0; i < s->count; i++) letters |= s->tokens[i].lettered;
    if (!letters) return 0;
    run_layers(s->net, s->tokens, s->count, &s->work);
    for (size_t row = s->lead; row < end; row++) {
        Chance c;
        if (judge(s->net, &s->work, s->count, row, &c) && near_letters(s, row) && add_token(s, row, &c)) return -1;
    }
    return 0;
}

/* The pieces, one after another; the tokens at the end of one are those before the next. */
static int read_all(Search *s) {
    size_t piece = s->net->piece, context = s->net->context;
    for (;;) {
        size_t wanted = s->lead + piece + context;
        while (s->count < wanted && next_token(&s->reader, s->tokens + s->count)) s->count++;
        if (s->count <= s->lead) return close_name(s);
        size_t end = s->lead + piece < s->count ? s->lead + piece : s->count;
        if (read_piece(s, end)) return -1;
        size_t lead = end < context ? end : context, gone = end - lead;
        memmove(s->tokens, s->tokens + gone, (s->count - gone) * sizeof *s->tokens);
        s->count -= gone;
        s->first += gone;
        s->lead = lead;
    }
}

/* In order, without overlaps. -1: no memory is left. The caller frees `found->all` in any case. */
int find_names(const Network *net, const uint32_t *text, size_t length, Names *found) {
    size_t most = net->piece + 2 * net->context;
    if (most > length) most = length;
    if (!most) return 0;
    Search s = {.net = net, .reader = {.net = net, .text = text, .length = length}, .found = found};
    s.tokens = malloc(most * sizeof *s.tokens);
    int failed = !s.tokens || work_start(&s.work, most) || read_all(&s);
    work_stop(&s.work);
    free(s.tokens);
    return failed ? -1 : 0;
}
