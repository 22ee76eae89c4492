/* Network for Python: its weights, and the names in a text. The stable ABI of Python 3.11. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>

#include "ner.h"

enum { LONG_TEXT = 4096, /* characters from which on other threads may run meanwhile */
       VIEWS = 64, MATRICES = 3 * BLOCKS + 3 };

typedef struct {
    PyObject_HEAD
    Network net;
    Py_buffer views[VIEWS];      /* where the weights lie that are not copied */
    int nviews;
    void *aligned[MATRICES];
    int naligned;
    PyObject *entities[ENTITIES];
} NetworkObject;

/* ------------------------------------------------------------------ weights */
typedef struct { NetworkObject *self; PyObject *arrays; Py_ssize_t next, bytes; } Loader;

/* The next array: of so many bytes, or of any number of them if that is 0. NULL with an exception set. */
static const void *part(Loader *l, size_t bytes, size_t alignment) {
    PyObject *array = PySequence_GetItem(l->arrays, l->next++);
    if (!array) return NULL;
    NetworkObject *self = l->self;
    Py_buffer *view = &self->views[self->nviews];
    int failed = self->nviews == VIEWS || PyObject_GetBuffer(array, view, PyBUF_SIMPLE);
    Py_DECREF(array);
    if (failed) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "too many arrays");
        return NULL;
    }
    self->nviews++;
    l->bytes = view->len;
    if (view->len && (!bytes || (size_t)view->len == bytes) && (uintptr_t)view->buf % alignment == 0) return view->buf;
    PyErr_Format(PyExc_ValueError, "array %zd is not of the size or the alignment that was expected", l->next - 1);
    return NULL;
}

#define PART(to, count) (!((to) = part(&l, (count) * sizeof *(to), sizeof *(to))))

static int load_matrix(Loader *loader, Matrix *m, int inner, int columns) {
    Loader l = *loader;
    const int16_t *weights;
    size_t count = (size_t)inner * (size_t)columns;
    if (PART(weights, count) || PART(m->scale, (size_t)columns)) return -1;
    /* Aligned to a cache line: whole registers are read from it. */
    char *memory = malloc(count * sizeof *weights + 64);
    if (!memory) {
        PyErr_NoMemory();
        return -1;
    }
    l.self->aligned[l.self->naligned++] = memory;
    m->weights = (int16_t *)(memory + 64 - (uintptr_t)memory % 64);
    memcpy(m->weights, weights, count * sizeof *weights);
    m->pairs = inner / 2;
    m->columns = columns;
    *loader = l;
    return 0;
}

static int load_features(Loader *loader, Network *net) {
    Loader l = *loader;
    if (PART(net->flags, CHARACTERS) || PART(net->base, CHARACTERS)) return -1;
    if (PART(net->places, TOKEN_LIMIT) || PART(net->ends, 3) || PART(net->around, 3)) return -1;
    if (PART(net->lengths, TOKEN_LIMIT + 1) || PART(net->weights, TOKEN_LIMIT + 1)) return -1;
    *loader = l;
    for (int i = 0; i <= TOKEN_LIMIT; i++)
        if (net->lengths[i] >= 8) {
            PyErr_SetString(PyExc_ValueError, "lengths have eight classes");
            return -1;
        }
    return 0;
}

static int load_tables(Loader *loader, Network *net) {
    Loader l = *loader;
    size_t rows[LISTED];
    if (PART(net->word, WORD_ROWS * 48) || PART(net->prefix, (1 << AFFIX_BITS) * 16)) return -1;
    if (PART(net->suffix, (1 << AFFIX_BITS) * 24) || PART(net->shape, SHAPES * 16)) return -1;
    if (PART(net->trigram, (1 << TRIGRAM_BITS) * BAG)) return -1;
    for (int i = 0; i < LISTED; i++) {
        if (PART(net->listed[i], 0)) return -1;
        rows[i] = (size_t)l.bytes / (size_t)listed_widths[i];
    }
    Lexicon *x = &net->lexicon;
    if (PART(x->hashes, 0)) return -1;
    x->count = (uint32_t)((size_t)l.bytes / sizeof *x->hashes);
    if (PART(x->values, ((size_t)x->count + 1) * LISTED)) return -1;
    *loader = l;
    int sound = 1;
    for (size_t i = 0; i < ((size_t)x->count + 1) * LISTED; i++) sound &= x->values[i] < rows[i % LISTED];
    if (sound && !lexicon_start(x)) return 0;
    PyErr_SetString(PyExc_ValueError, "the lexicon is damaged");
    return -1;
}

static int load_layers(Loader *loader, Network *net) {
    Loader l = *loader;
    if (load_matrix(&l, &net->bag, BAG, WIDTH) || load_matrix(&l, &net->rest, GIVEN - BAG, WIDTH)) return -1;
    if (PART(net->input_bias, WIDTH)) return -1;
    for (int i = 0; i < BLOCKS; i++) {
        for (int tap = 0; tap < 3; tap++)
            if (load_matrix(&l, &net->block[i].tap[tap], INNER, WIDTH)) return -1;
        if (PART(net->block[i].bias, WIDTH)) return -1;
    }
    if (load_matrix(&l, &net->output, INNER, TAG_COLUMNS) || PART(net->output_bias, TAGS)) return -1;
    if (PART(net->prefer, ENTITIES)) return -1;
    *loader = l;
    return 0;
}

static int load_dilations(PyObject *dilations, Network *net) {
    size_t reach = 1;
    for (int i = 0; i < BLOCKS; i++) {
        PyObject *item = PySequence_GetItem(dilations, i);
        long dilation = item ? PyLong_AsLong(item) : 0;
        Py_XDECREF(item);
        if (PyErr_Occurred()) return -1;
        if (dilation < 1 || dilation > GUARD) {
            PyErr_SetString(PyExc_ValueError, "a dilation is too large");
            return -1;
        }
        net->block[i].dilation = (int)dilation;
        reach += (size_t)dilation;
    }
    if (net->context >= reach && net->context <= MOST_CONTEXT && net->piece >= 1 && net->piece <= 1 << 20) return 0;
    PyErr_SetString(PyExc_ValueError, "the context is what the convolutions reach, and a piece has a token at least");
    return -1;
}

static int choose_product(const char *name, Network *net) {
    for (net->product = products; net->product->name; net->product++)
        if (net->product->there() && (!*name || !strcmp(name, net->product->name))) return 0;
    net->product = NULL;
    PyErr_SetString(PyExc_ValueError, "this processor has no such instructions");
    return -1;
}

static int Network_init(PyObject *object, PyObject *args, PyObject *kw) {
    NetworkObject *self = (NetworkObject *)object;
    PyObject *arrays, *dilations, **names = self->entities;
    Py_ssize_t context, piece;
    const char *instructions;
    (void)kw;
    if (self->nviews || self->entities[0]) {
        PyErr_SetString(PyExc_TypeError, "a network is made once");
        return -1;
    }
    PyObject *given[ENTITIES];
    if (!PyArg_ParseTuple(args, "OOnn(UUU)s", &arrays, &dilations, &context, &piece, given, given + 1, given + 2,
                          &instructions))
        return -1;
    for (int i = 0; i < ENTITIES; i++) {
        Py_INCREF(given[i]);
        names[i] = given[i];
    }
    self->net.context = context < 0 ? 0 : (size_t)context;
    self->net.piece = piece < 0 ? 0 : (size_t)piece;
    Loader l = {.self = self, .arrays = arrays};
    if (load_features(&l, &self->net) || load_tables(&l, &self->net) || load_layers(&l, &self->net)) return -1;
    return load_dilations(dilations, &self->net) || choose_product(instructions, &self->net) ? -1 : 0;
}

static void Network_dealloc(PyObject *object) {
    NetworkObject *self = (NetworkObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (int i = 0; i < self->nviews; i++) PyBuffer_Release(&self->views[i]);
    for (int i = 0; i < self->naligned; i++) free(self->aligned[i]);
    for (int i = 0; i < ENTITIES; i++) Py_XDECREF(self->entities[i]);
    free(self->net.lexicon.bucket);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

/* ------------------------------------------------------------------ texts */

/* The characters, to be freed with PyMem_Free; NULL with an exception set. */
static Py_UCS4 *characters_of(NetworkObject *self, PyObject *text, Py_ssize_t *length) {
    if (!self->net.product) {
        PyErr_SetString(PyExc_ValueError, "the network was not loaded");
        return NULL;
    }
    *length = PyUnicode_GetLength(text);
    return *length < 0 ? NULL : PyUnicode_AsUCS4Copy(text);
}

static PyObject *list_of(NetworkObject *self, const Names *found) {
    PyObject *list = PyList_New((Py_ssize_t)found->count);
    for (size_t i = 0; list && i < found->count; i++) {
        const Name *name = found->all + i;
        PyObject *row = Py_BuildValue("nnOd", (Py_ssize_t)name->start, (Py_ssize_t)name->end,
                                      self->entities[name->entity], nearbyint(name->score * 1000) / 1000);
        if (!row || PyList_SetItem(list, (Py_ssize_t)i, row)) Py_CLEAR(list);
    }
    return list;
}

static PyObject *Network_find(PyObject *object, PyObject *text) {
    NetworkObject *self = (NetworkObject *)object;
    Py_ssize_t length;
    Py_UCS4 *characters = characters_of(self, text, &length);
    if (!characters) return NULL;
    Names found = {0};
    int failed;
    if (length >= LONG_TEXT) {
        Py_BEGIN_ALLOW_THREADS
        failed = find_names(&self->net, characters, (size_t)length, &found);
        Py_END_ALLOW_THREADS
    } else failed = find_names(&self->net, characters, (size_t)length, &found);
    PyMem_Free(characters);
    PyObject *list = failed ? PyErr_NoMemory() : list_of(self, &found);
    free(found.all);
    return list;
}

/* What a token looks like to the network. */
static PyObject *row_of(const Token *t) {
    PyObject *trigrams = PyTuple_New(t->size);
    for (int i = 0; trigrams && i < t->size; i++) {
        PyObject *one = PyLong_FromLong(t->trigram[i]);
        if (!one || PyTuple_SetItem(trigrams, i, one)) Py_CLEAR(trigrams);
    }
    if (!trigrams) return NULL;
    return Py_BuildValue("nnNIiiiN", (Py_ssize_t)t->start, (Py_ssize_t)t->end, PyBool_FromLong(t->lettered), t->word,
                         t->prefix, t->suffix, t->shape, trigrams);
}

static PyObject *Network_tokens(PyObject *object, PyObject *text) {
    NetworkObject *self = (NetworkObject *)object;
    Py_ssize_t length;
    Py_UCS4 *characters = characters_of(self, text, &length);
    if (!characters) return NULL;
    Reader reader = {.net = &self->net, .text = characters, .length = (size_t)length};
    PyObject *list = PyList_New(0);
    Token t;
    while (list && next_token(&reader, &t)) {
        PyObject *row = row_of(&t);
        if (!row || PyList_Append(list, row)) Py_CLEAR(list);
        Py_XDECREF(row);
    }
    PyMem_Free(characters);
    return list;
}

/* ------------------------------------------------------------------ module */
static PyMethodDef methods[] = {
    {"find", Network_find, METH_O, NULL}, {"tokens", Network_tokens, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot type_slots[] = {{Py_tp_init, (void *)Network_init},
                                   {Py_tp_dealloc, (void *)Network_dealloc},
                                   {Py_tp_methods, methods},
                                   {0, NULL}};
static PyType_Spec spec = {"_network.Network", sizeof(NetworkObject), 0, Py_TPFLAGS_DEFAULT, type_slots};

static int start(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (!type) return -1;
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    PyObject *names = failed ? NULL : PyList_New(0);
    for (const Product *p = products; names && p->name; p++) {
        PyObject *name = p->there() ? PyUnicode_FromString(p->name) : NULL;
        if (name && PyList_Append(names, name)) failed = -1;
        Py_XDECREF(name);
    }
    PyObject *tuple = names && !failed && !PyErr_Occurred() ? PyList_AsTuple(names) : NULL;
    Py_XDECREF(names);
    failed = !tuple || PyModule_AddObjectRef(module, "INSTRUCTIONS", tuple);
    Py_XDECREF(tuple);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};
static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT, .m_name = "_network", .m_slots = slots};

PyMODINIT_FUNC PyInit__network(void);
PyMODINIT_FUNC PyInit__network(void) { return PyModuleDef_Init(&definition); }
