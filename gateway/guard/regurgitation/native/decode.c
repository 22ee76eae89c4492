/* Characters to symbols, one at a time, so that it does not matter how a text is cut.
 *
 * Undone are \uXXXX, \xXX and the short escapes of JSON, HTML's entities, %XX (as UTF-8) and short tags; numbers of
 * lists at a line's start are dropped. What is left is folded by a table that is frozen (fold.bin): it must be the same
 * when a text is indexed and when an answer is read, whatever Unicode version either has. */
#include "engine.h"
#include "fold_table.h" /* made of fold.bin when the extension is built */

static void emit(Out o, uint8_t symbol, uint32_t off) {
    o.sink(o.self, symbol, off, !o.d->token_open);
    o.d->token_open = 1;
}

static void flush_number(Out o) {
    Decoder *d = o.d;
    for (int i = 0; i < d->num_n; i++) emit(o, d->num[i], d->num_off);
    if (d->num_dot) d->token_open = 0;
    d->num_n = d->num_dot = 0;
}

/* Whether the character went into a list's number. */
static int numbers(Out o, uint32_t cp, uint32_t folded) {
    Decoder *d = o.d;
    if (!d->num_dot && cp >= '0' && cp <= '9' && d->num_n < 3) {
        d->num[d->num_n++] = (uint8_t)folded;
        return 1;
    }
    if (!d->num_dot && (cp == '.' || cp == ')')) {
        d->num_dot = 1;
        return 1;
    }
    if (d->num_dot && (cp == ' ' || cp == '\t')) d->num_n = d->num_dot = 0;
    else flush_number(o);
    return 0;
}

static void plain(Out o, uint32_t cp, uint32_t off) {
    Decoder *d = o.d;
    uint32_t folded = cp < FOLD_SIZE ? fold_table[cp] : FOLD_SEPARATOR;
    if (folded == 0) return;
    if (d->num_n && numbers(o, cp, folded)) return;
    if (folded == FOLD_SEPARATOR) {
        d->token_open = 0;
        if (cp == '\n') d->line_start = 1;
        return;
    }
    if (d->line_start && !d->token_open && cp >= '0' && cp <= '9') {
        d->num[0] = (uint8_t)folded;
        d->num_n = 1;
        d->num_off = off;
        d->line_start = 0;
        return;
    }
    d->line_start = 0;
    for (; folded; folded >>= 8) emit(o, (uint8_t)folded, off);
}

int hex_value(uint32_t c) {
    if (c >= '0' && c <= '9') return (int)c - '0';
    if (c >= 'a' && c <= 'f') return (int)c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return (int)c - 'A' + 10;
    return -1;
}

/* A byte of UTF-8: 1 when it ends a character, 0 when more must come, -1 where it makes no sense. */
int utf8_byte(uint32_t *acc, int *need, uint32_t byte, uint32_t *cp) {
    if (*need == 0) {
        if (byte < 0x80) {
            *cp = byte;
            return 1;
        }
        if (byte >= 0xC2 && byte < 0xE0) *acc = byte & 31, *need = 1;
        else if (byte >= 0xE0 && byte < 0xF0) *acc = byte & 15, *need = 2;
        else if (byte >= 0xF0 && byte < 0xF5) *acc = byte & 7, *need = 3;
        else return -1;
        return 0;
    }
    if ((byte & 0xC0) != 0x80) {
        *need = 0;
        return -1;
    }
    *acc = *acc << 6 | (byte & 63);
    if (--*need) return 0;
    *cp = *acc;
    return 1;
}

static const char *const tags[] = {"b",  "i",  "u",  "s",   "p",   "em",  "br",  "hr",   "li",   "ul",
                                   "ol", "td", "th", "tr",  "h1",  "h2",  "h3",  "h4",   "tt",   "div",
                                   "sub", "sup", "pre", "code", "span", "strong", "small", "mark", "table", "text", NULL};

static int named(const uint32_t *e, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!name[i] || e[i] != (unsigned char)name[i]) return 0;
    return name[n] == 0;
}

enum { MORE, DONE, NOT };

static int short_backslash(Out o) {
    uint32_t c = o.d->esc[1];
    if (c == 'n') plain(o, '\n', o.d->esc_off);
    else if (c == 'r' || c == 't') plain(o, ' ', o.d->esc_off);
    else if (c == '"' || c == '\\' || c == '/') plain(o, c, o.d->esc_off);
    else return c == 'u' || c == 'x' ? MORE : NOT;
    return DONE;
}

static int try_backslash(Out o) {
    Decoder *d = o.d;
    int n = d->esc_n;
    if (n == 2) return short_backslash(o);
    if (hex_value(d->esc[n - 1]) < 0) return NOT;
    if (n < (d->esc[1] == 'u' ? 6 : 4)) return MORE;
    uint32_t cp = 0;
    for (int i = 2; i < n; i++) cp = cp << 4 | (uint32_t)hex_value(d->esc[i]);
    if (cp >= 0xD800 && cp < 0xDC00) {
        d->surrogate = cp;
        return DONE;
    }
    if (cp >= 0xDC00 && cp < 0xE000 && d->surrogate) cp = 0x10000 + ((d->surrogate - 0xD800) << 10) + (cp - 0xDC00);
    d->surrogate = 0;
    plain(o, cp, d->esc_off);
    return DONE;
}

static int numeric_entity(Out o) {
    Decoder *d = o.d;
    uint32_t cp = 0;
    int n = d->esc_n, hex = d->esc[2] == 'x' || d->esc[2] == 'X';
    if (hex && n == 4) return NOT;
    for (int i = hex ? 3 : 2; i < n - 1; i++) {
        int v = hex_value(d->esc[i]);
        if (v < 0 || (!hex && v > 9)) return NOT;
        cp = cp * (hex ? 16 : 10) + (uint32_t)v;
        if (cp > 0x10FFFF) return NOT;
    }
    plain(o, cp, d->esc_off);
    return DONE;
}

static int is_alnum(uint32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int try_entity(Out o) {
    static const struct { const char *name; uint32_t cp; } names[] = {{"amp", '&'},  {"lt", '<'},   {"gt", '>'},
                                                                      {"quot", '"'}, {"nbsp", ' '}, {"apos", '\''}};
    Decoder *d = o.d;
    int n = d->esc_n;
    uint32_t c = d->esc[n - 1];
    if (c != ';') return (is_alnum(c) || (n == 2 && c == '#')) && n < 10 ? MORE : NOT;
    if (n > 3 && d->esc[1] == '#') return numeric_entity(o);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!named(d->esc + 1, n - 2, names[i].name)) continue;
        plain(o, names[i].cp, d->esc_off);
        return DONE;
    }
    return NOT;
}

static int try_percent(Out o) {
    Decoder *d = o.d;
    int v = hex_value(d->esc[d->esc_n - 1]);
    if (v < 0) return NOT;
    if (d->esc_n < 3) return MORE;
    uint32_t cp, off = d->utf8_need ? d->utf8_off : d->esc_off;
    if (!d->utf8_need) d->utf8_off = d->esc_off;
    uint32_t byte = (uint32_t)(hex_value(d->esc[1]) << 4 | v);
    if (utf8_byte(&d->utf8, &d->utf8_need, byte, &cp) == 1) plain(o, cp, off);
    return DONE;
}

static int try_tag(Out o) {
    Decoder *d = o.d;
    int n = d->esc_n, s = d->esc[1] == '/' ? 2 : 1;
    uint32_t c = d->esc[n - 1];
    if (c != '>') return (is_alnum(c) || c == '/') && n < 10 ? MORE : NOT;
    int e = n - 1 - (d->esc[n - 2] == '/' && n - 2 >= s);
    for (int i = 0; e > s && tags[i]; i++) {
        if (!named(d->esc + s, e - s, tags[i])) continue;
        plain(o, ' ', d->esc_off);
        return DONE;
    }
    return NOT;
}

static int try_escape(Out o) {
    switch (o.d->esc[0]) {
    case '\\': return try_backslash(o);
    case '&': return try_entity(o);
    case '%': return try_percent(o);
    default: return try_tag(o);
    }
}

/* It was no escape: its first character stands for itself, the rest is read anew. */
static void read_again(Out o) {
    uint32_t again[16];
    uint32_t off = o.d->esc_off;
    int n = o.d->esc_n;
    memcpy(again, o.d->esc, sizeof again);
    o.d->esc_n = 0;
    o.d->utf8_need = 0;
    plain(o, again[0], off);
    for (int i = 1; i < n; i++) put_char(o, again[i], off + (uint32_t)i);
}

void put_char(Out o, uint32_t cp, uint32_t off) {
    Decoder *d = o.d;
    if (d->esc_n == 0) {
        if (cp == '\\' || cp == '&' || cp == '%' || cp == '<') {
            d->esc[0] = cp;
            d->esc_n = 1;
            d->esc_off = off;
            return;
        }
        d->utf8_need = 0;
        plain(o, cp, off);
        return;
    }
    d->esc[d->esc_n++] = cp;
    int r = try_escape(o);
    if (r == DONE) d->esc_n = 0;
    else if (r == NOT) read_again(o);
}

void finish_chars(Out o) {
    while (o.d->esc_n) read_again(o);
    if (o.d->num_n) flush_number(o);
    o.d->token_open = 0;
}
