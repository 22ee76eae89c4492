/* What the parts of the engine share: sizes, types, and what each file offers to the others.
 *
 * tokens.c    text -> tokens, each described by numbers
 * lexicon.c   the look-up of a word among the hashes of all lists
 * products.c  matrix products in whole numbers, for the instructions that the processor has (tile.h)
 * layers.c    descriptions of tokens -> what the network gives for each tag
 * names.c     a text in pieces -> names
 * module.c    the same for Python
 *
 * Products are made of 16-bit numbers and summed in 32 bits: twice as fast as in floats, and whole numbers have the
 * same sum in whatever order they are added, so that all processors find the same.
 */
#ifndef NER_H
#define NER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_LIMIT = 24,            /* characters of a token that count for its hash and its trigrams */
    CHARACTERS = 0x1E000 + 1,    /* code points with an entry of their own, and one entry for all others */
    WORD_ROWS = 1 << 16,
    AFFIX_BITS = 13,
    TRIGRAM_BITS = 15,
    SHAPES = 64 * 8 * 3 * 2,
    LISTED = 5,                  /* values that the lexicon has of a word */
    STEP = 16,                   /* columns come in such groups, and as many sums of squares are kept */
    ROWS = 4,                    /* rows that are computed together */
    INNER = 88,                  /* numbers of a token between two layers */
    WIDTH = 96,                  /* INNER rounded up to a multiple of STEP; the columns above it are zero */
    GIVEN = 200,                 /* numbers that describe a token */
    BAG = 32,                    /* the first of them, those of the trigrams, which have a scale of their own */
    TAG_COLUMNS = 32,            /* three times the tags, rounded up to a multiple of STEP */
    TAGS = 7,
    ENTITIES = 3,
    BLOCKS = 4,
    GUARD = 8,                   /* rows of zeros before and behind a piece; the largest dilation */
    MOST_CONTEXT = 32,
    NORM = 32767,                /* the length of a row in whole numbers, as a vector: products cannot overflow */
};
enum { SPACE, LETTER, DIGIT, OTHER, DROPPED, KIND = 7, UPPER = 8, LOWER = 16 }; /* what is known of a character */

static const int listed_widths[LISTED] = {16, 8, 16, 16, 8};

/* Whole numbers times `scale` are the weights. (inner / 2, columns, 2): two weights of a column stand side by side. */
typedef struct { int16_t *weights; const float *scale; int pairs, columns; } Matrix;
typedef struct { Matrix tap[3]; const float *bias; int dilation; } Block;
typedef struct { const uint32_t *hashes; const uint16_t *values; uint32_t count, *bucket; } Lexicon;
typedef struct Product Product;

typedef struct {
    const uint8_t *flags;        /* by character: one of SPACE..DROPPED, UPPER, LOWER */
    const uint32_t *base;        /* by character: the letter without case and accents */
    const uint32_t *places, *ends, *around; /* multipliers: of a character by its place, of the last 3, of 3 in a row */
    const uint8_t *lengths;      /* by length: its class, of eight */
    const float *weights;        /* by length: one over its square root */
    const int8_t *word, *prefix, *suffix, *shape, *trigram, *listed[LISTED];
    Lexicon lexicon;
    Matrix bag, rest, output;
    Block block[BLOCKS];
    const float *input_bias, *output_bias, *prefer;
    size_t context, piece;       /* tokens */
    const Product *product;
} Network;

/* ------------------------------------------------------------------ tokens.c */
typedef struct {
    size_t start, end;           /* code points; exclusive */
    uint32_t word;
    uint16_t prefix, suffix, shape, trigram[TOKEN_LIMIT];
    uint8_t size, lettered;      /* characters that count; whether it is a run of letters */
} Token;
typedef struct { const Network *net; const uint32_t *text; size_t length, at; int later; } Reader;
int next_token(Reader *r, Token *t);

/* ------------------------------------------------------------------ lexicon.c */
int lexicon_start(Lexicon *x);
void ask_for_word(const Lexicon *x, uint32_t word);
const uint16_t *listed_of(const Lexicon *x, uint32_t word);

/* ------------------------------------------------------------------ products.c */
/* `of`: columns of y, a multiple of STEP. Adds to row r of y, or sets it to `bias` first if that is not NULL,
 * the product of row r of x, whole numbers that stand for themselves times `scale[r]`. Rows come in groups of ROWS. */
typedef void (*Multiply)(const Matrix *m, const int16_t *x, size_t stride, const float *scale, size_t rows,
                         const float *bias, float *y);
/* Adds the positive ones of y to x, and writes x as whole numbers to q with their scale; y may be NULL. */
typedef void (*Settle)(const float *y, float *x, int16_t *q, float *scale, size_t rows);
struct Product { const char *name; Multiply multiply; Settle settle; int (*there)(void); };
extern const Product products[]; /* the fastest first; the last one runs everywhere, then one without a name */

/* ------------------------------------------------------------------ layers.c */
typedef struct {
    float *x, *y, *scale, *tags; /* (rows, WIDTH), the same, one a row with GUARD, (rows, TAG_COLUMNS) */
    int16_t *given, *q;          /* (rows, GIVEN), (GUARD + rows + GUARD, WIDTH) */
    void *memory;
} Work;
int work_start(Work *w, size_t rows);
void work_stop(Work *w);
void run_layers(const Network *net, const Token *tokens, size_t count, Work *w);
float tag_score(const Network *net, const Work *w, size_t rows, size_t row, int tag);

/* ------------------------------------------------------------------ names.c */
typedef struct { size_t start, end; int entity; double score; } Name;
typedef struct { Name *all; size_t count, room; } Names;
int find_names(const Network *net, const uint32_t *text, size_t length, Names *found);

#endif
