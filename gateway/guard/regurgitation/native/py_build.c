/* The functions that make indexes, for Python. */
#include "python.h"

static PyObject *fold(PyObject *module, PyObject *text) { /* -> symbols, where words begin */
    Letters l;
    (void)module;
    if (letters_of(text, &l)) return NULL;
    const char *sym = l.n ? (const char *)l.sym : "", *tok = l.n ? (const char *)l.tok : "";
    PyObject *made = Py_BuildValue("y#y#", sym, (Py_ssize_t)l.n, tok, (Py_ssize_t)l.n);
    drop_letters(&l);
    return made;
}

static PyObject *sip(PyObject *module, PyObject *args) {
    PyObject *key;
    const char *data;
    Py_ssize_t n;
    uint64_t k[2], words[16];
    (void)module;
    if (!PyArg_ParseTuple(args, "O!y#", &PyBytes_Type, &key, &data, &n) || key_of(key, k)) return NULL;
    if (n % 8 || n > (Py_ssize_t)sizeof words) {
        PyErr_SetString(PyExc_ValueError, "up to 16 words of 8 bytes");
        return NULL;
    }
    memcpy(words, data, (size_t)n);
    return PyLong_FromUnsignedLongLong(siphash(k, words, (int)(n / 8)));
}

static int add_text(Part *part, const uint64_t key[2], PyObject *text, PyObject *bounds) {
    Letters l;
    if (letters_of(text, &l)) return -1;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = part_add(part, key, &l);
    Py_END_ALLOW_THREADS
    uint64_t n = l.n;
    drop_letters(&l);
    if (failed == -2) PyErr_SetString(PyExc_OverflowError, "more than 4,294,967,295 letters");
    else if (failed) PyErr_NoMemory();
    if (failed) return -1;
    PyObject *pair = Py_BuildValue("KK", (unsigned long long)(part->letters - n), (unsigned long long)part->letters);
    failed = !pair || PyList_Append(bounds, pair);
    Py_XDECREF(pair);
    return failed ? -1 : 0;
}

static PyObject *seed_bytes(const Seed *seeds, uint64_t n) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(n * SEED_BYTES));
    if (!bytes) return NULL;
    char *out = PyBytes_AsString(bytes);
    for (uint64_t i = 0; i < n; i++, out += SEED_BYTES) {
        memcpy(out, &seeds[i].hash, 8);
        memcpy(out + 8, &seeds[i].letter, 4);
    }
    return bytes;
}

static PyObject *finish_part(Part *part, const uint64_t check_key[2], PyObject *bounds) {
    int failed;
    uint64_t blocks = (part->letters + BLOCK - 1) / BLOCK;
    Py_BEGIN_ALLOW_THREADS
    failed = sort_seeds(&part->seeds, part->nseeds);
    if (!failed && part->codes) xor_codes(part->codes, blocks, check_key, 0);
    Py_END_ALLOW_THREADS
    if (failed) return PyErr_NoMemory();
    PyObject *codes = PyBytes_FromStringAndSize((char *)part->codes, (Py_ssize_t)(blocks * 8));
    PyObject *seeds = seed_bytes(part->seeds, part->nseeds);
    PyObject *made = codes && seeds ? PyTuple_Pack(3, bounds, codes, seeds) : NULL;
    Py_XDECREF(codes);
    Py_XDECREF(seeds);
    return made;
}

static PyObject *part(PyObject *module, PyObject *args) { /* -> first letters and ends, codes, seeds in order */
    PyObject *seed_key, *check_key, *texts;
    uint64_t sk[2], ck[2];
    Part p;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyBytes_Type, &seed_key, &PyBytes_Type, &check_key, &PyList_Type, &texts))
        return NULL;
    if (key_of(seed_key, sk) || key_of(check_key, ck)) return NULL;
    memset(&p, 0, sizeof p);
    PyObject *bounds = PyList_New(0), *made = NULL;
    int failed = !bounds;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(texts); i++) {
        PyObject *text = PyList_GetItem(texts, i);
        Py_XINCREF(text);
        failed = !text || add_text(&p, sk, text, bounds);
        Py_XDECREF(text);
    }
    if (!failed) made = finish_part(&p, ck, bounds);
    free(p.seeds);
    free(p.codes);
    Py_XDECREF(bounds);
    return made;
}

static int64_t last_at_or_before(const uint64_t *starts, int64_t n, uint64_t letter) {
    int64_t lo = 0, hi = n;
    while (hi > lo) {
        int64_t mid = lo + (hi - lo) / 2;
        if (starts[mid] <= letter) lo = mid + 1;
        else hi = mid;
    }
    return lo - 1;
}

static char *move_seeds(const char *seeds, int64_t n, const uint64_t *old, const uint64_t *now, int64_t docs, char *out) {
    for (int64_t i = 0; i < n; i++, seeds += SEED_BYTES) {
        uint32_t letter;
        memcpy(&letter, seeds + 8, 4);
        int64_t d = last_at_or_before(old, docs, letter);
        if (d < 0 || now[d] == UINT64_MAX) continue;
        uint64_t moved = now[d] + (letter - old[d]);
        if (moved > MAX_LETTERS) continue;
        letter = (uint32_t)moved;
        memcpy(out, seeds, 8);
        memcpy(out + 8, &letter, 4);
        out += SEED_BYTES;
    }
    return out;
}

/* Seeds whose documents have moved: first letters (u64) as they were, and as they are; 2^64-1: the document is gone. */
static PyObject *moved(PyObject *module, PyObject *args) {
    Py_buffer seeds, old, now;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*y*y*", &seeds, &old, &now)) return NULL;
    PyObject *bytes = NULL;
    uint64_t *from = malloc((size_t)old.len + 8), *to = malloc((size_t)old.len + 8);
    if (!from || !to) PyErr_NoMemory();
    else if (old.len != now.len || old.len % 8 || seeds.len % SEED_BYTES) PyErr_SetString(PyExc_ValueError, "sizes");
    else bytes = PyBytes_FromStringAndSize(NULL, seeds.len);
    if (bytes) {
        char *out = PyBytes_AsString(bytes), *end;
        memcpy(from, old.buf, (size_t)old.len);
        memcpy(to, now.buf, (size_t)now.len);
        Py_BEGIN_ALLOW_THREADS
        end = move_seeds(seeds.buf, seeds.len / SEED_BYTES, from, to, old.len / 8, out);
        Py_END_ALLOW_THREADS
        PyObject *whole = bytes;
        bytes = end == out + seeds.len ? whole : PyBytes_FromStringAndSize(out, end - out);
        if (bytes != whole) Py_DECREF(whole);
    }
    free(from);
    free(to);
    PyBuffer_Release(&seeds);
    PyBuffer_Release(&old);
    PyBuffer_Release(&now);
    return bytes;
}

static Seed *seeds_of(const Py_buffer *view, uint64_t *n) {
    *n = (uint64_t)view->len / SEED_BYTES;
    Seed *seeds = malloc((*n ? *n : 1) * sizeof(Seed));
    const char *in = view->buf;
    for (uint64_t i = 0; seeds && i < *n; i++, in += SEED_BYTES) {
        memcpy(&seeds[i].hash, in, 8);
        memcpy(&seeds[i].letter, in + 8, 4);
    }
    return seeds;
}

/* The offsets of buckets next..last, and the places of the seeds, of which there are `base` before. */
static PyObject *pack(const Seed *seeds, uint64_t n, int bits, uint64_t next, uint64_t base) {
    uint64_t last = n ? seeds[n - 1].hash >> (64 - bits) : 0, count = n && last >= next ? last - next + 1 : 0;
    PyObject *offsets = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * 4));
    PyObject *places = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(n * PLACE_BYTES));
    if (offsets && places) {
        char *o = PyBytes_AsString(offsets), *p = PyBytes_AsString(places);
        for (uint64_t i = 0; i < n; i++, p += PLACE_BYTES) {
            uint32_t at = (uint32_t)(base + i);
            for (; next <= seeds[i].hash >> (64 - bits); next++, o += 4) memcpy(o, &at, 4);
            uint16_t rem = (uint16_t)(seeds[i].hash >> (48 - bits));
            memcpy(p, &rem, 2);
            memcpy(p + 2, &seeds[i].letter, 4);
        }
    }
    PyObject *made = offsets && places ? Py_BuildValue("OOK", offsets, places, (unsigned long long)next) : NULL;
    Py_XDECREF(offsets);
    Py_XDECREF(places);
    return made;
}

static PyObject *packed(PyObject *module, PyObject *args) { /* seeds, bits, next bucket, places before */
    Py_buffer view;
    int bits;
    unsigned long long next, base;
    uint64_t n;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*iKK", &view, &bits, &next, &base)) return NULL;
    Seed *seeds = seeds_of(&view, &n);
    PyBuffer_Release(&view);
    if (!seeds) return PyErr_NoMemory();
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = sort_seeds(&seeds, n);
    if (!failed) n = thin_out(seeds, n);
    Py_END_ALLOW_THREADS
    PyObject *made = NULL;
    if (failed) PyErr_NoMemory();
    else if (bits < 1 || bits > 31 || base + n > MAX_LETTERS) PyErr_SetString(PyExc_ValueError, "sizes");
    else made = pack(seeds, n, bits, next, base);
    free(seeds);
    return made;
}

/* Codes under another key: codes, key and first block as they were, key and first block as they are. */
static PyObject *recoded(PyObject *module, PyObject *args) {
    Py_buffer view;
    PyObject *old_key, *new_key;
    unsigned long long old_first, new_first;
    uint64_t ok[2], nk[2];
    (void)module;
    if (!PyArg_ParseTuple(args, "y*O!KO!K", &view, &PyBytes_Type, &old_key, &old_first, &PyBytes_Type, &new_key,
                          &new_first))
        return NULL;
    uint64_t n = (uint64_t)view.len / 8, *codes = NULL;
    PyObject *made = NULL;
    if (!key_of(old_key, ok) && !key_of(new_key, nk)) {
        if (!(codes = malloc((size_t)view.len + 8))) PyErr_NoMemory();
    }
    if (codes) {
        memcpy(codes, view.buf, n * 8);
        Py_BEGIN_ALLOW_THREADS
        xor_codes(codes, n, ok, old_first);
        xor_codes(codes, n, nk, new_first);
        Py_END_ALLOW_THREADS
        made = PyBytes_FromStringAndSize((char *)codes, (Py_ssize_t)(n * 8));
    }
    free(codes);
    PyBuffer_Release(&view);
    return made;
}

PyMethodDef build_functions[] = {{"fold", fold, METH_O, NULL},
                                 {"siphash", sip, METH_VARARGS, NULL},
                                 {"part", part, METH_VARARGS, NULL},
                                 {"moved", moved, METH_VARARGS, NULL},
                                 {"packed", packed, METH_VARARGS, NULL},
                                 {"recoded", recoded, METH_VARARGS, NULL},
                                 {NULL, NULL, 0, NULL}};
