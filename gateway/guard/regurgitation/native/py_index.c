/* Index and SeedSet for Python. */
#include "python.h"

/* 16 bytes. 0, or -1 with an exception set. */
int key_of(PyObject *bytes, uint64_t key[2]) {
    char *data;
    Py_ssize_t n;
    if (PyBytes_AsStringAndSize(bytes, &data, &n)) return -1;
    if (n != 16) {
        PyErr_SetString(PyExc_ValueError, "a key of 16 bytes");
        return -1;
    }
    memcpy(key, data, 16);
    return 0;
}

/* The letters of a str. 0, or -1 with an exception set. */
int letters_of(PyObject *text, Letters *l) {
    memset(l, 0, sizeof *l);
    Py_ssize_t n = PyUnicode_GetLength(text);
    if (n < 0) return -1;
    Py_UCS4 small[512];
    Py_UCS4 *all = n < 512 ? PyUnicode_AsUCS4(text, small, 512, 1) : PyUnicode_AsUCS4Copy(text);
    if (!all) return -1;
    if (n >= LONG_TEXT) {
        Py_BEGIN_ALLOW_THREADS
        fold_text(all, (uint64_t)n, l);
        Py_END_ALLOW_THREADS
    } else fold_text(all, (uint64_t)n, l);
    if (all != small) PyMem_Free(all);
    if (!l->failed) return 0;
    drop_letters(l);
    PyErr_NoMemory();
    return -1;
}

void drop_letters(Letters *l) {
    free(l->sym);
    free(l->tok);
}

static int Index_init(PyObject *object, PyObject *args, PyObject *kw) {
    IndexObject *self = (IndexObject *)object;
    Index *x = &self->x;
    PyObject *seed_key, *check_key, *parts[4];
    unsigned long long identity;
    int mask;
    (void)kw;
    if (self->nviews) {
        PyErr_SetString(PyExc_TypeError, "an index is made once");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "O!O!KiiOOOO", &PyBytes_Type, &seed_key, &PyBytes_Type, &check_key, &identity, &x->bits,
                          &mask, parts, parts + 1, parts + 2, parts + 3))
        return -1;
    if (key_of(seed_key, x->seed_key) || key_of(check_key, x->check_key)) return -1;
    x->identity = identity;
    x->rem_mask = (uint16_t)mask;
    for (int i = 0; i < 4; i++) {
        if (PyObject_GetBuffer(parts[i], &self->views[i], PyBUF_SIMPLE)) return -1;
        self->nviews++;
    }
    const Py_buffer *v = self->views;
    x->offsets = v[0].buf;
    x->places = v[1].buf;
    x->codes = v[2].buf;
    x->table = v[3].buf;
    const char *wrong = index_fits(x, (uint64_t)v[0].len, (uint64_t)v[1].len, (uint64_t)v[2].len, (uint64_t)v[3].len);
    if (!wrong) return 0;
    PyErr_Format(PyExc_ValueError, "the sections do not fit together: %s", wrong);
    return -1;
}

static void Index_dealloc(PyObject *object) {
    IndexObject *self = (IndexObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (int i = 0; i < self->nviews; i++) PyBuffer_Release(&self->views[i]);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *Index_is_sound(PyObject *object, PyObject *none) {
    IndexObject *self = (IndexObject *)object;
    int sound;
    (void)none;
    Py_BEGIN_ALLOW_THREADS
    sound = index_is_sound(&self->x);
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(sound);
}

/* The seeds of buckets lo..hi-1, with as much of their hashes as is known. */
static PyObject *Index_seeds(PyObject *object, PyObject *args) {
    const Index *x = &((IndexObject *)object)->x;
    unsigned long long lo, hi;
    if (!PyArg_ParseTuple(args, "KK", &lo, &hi)) return NULL;
    if (lo > hi || hi > 1ULL << x->bits) {
        PyErr_SetString(PyExc_ValueError, "no such buckets");
        return NULL;
    }
    uint32_t first = offset_at(x, lo), last = offset_at(x, hi);
    if (last > x->entries || first > last) {
        PyErr_SetString(PyExc_ValueError, "the offsets are damaged");
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(last - first) * SEED_BYTES);
    if (!bytes) return NULL;
    char *out = PyBytes_AsString(bytes);
    uint64_t bucket = lo;
    for (uint32_t i = first; i < last; i++) {
        while (bucket + 1 < hi && i >= offset_at(x, bucket + 1)) bucket++;
        uint16_t rem;
        memcpy(&rem, x->places + (uint64_t)i * PLACE_BYTES, 2);
        uint64_t hash = bucket << (64 - x->bits) | (uint64_t)(rem & x->rem_mask) << (48 - x->bits);
        memcpy(out, &hash, 8);
        memcpy(out + 8, x->places + (uint64_t)i * PLACE_BYTES + 2, 4);
        out += SEED_BYTES;
    }
    return bytes;
}

static int Set_init(PyObject *object, PyObject *args, PyObject *kw) {
    PyObject *key;
    (void)kw;
    if (!PyArg_ParseTuple(args, "O!", &PyBytes_Type, &key)) return -1;
    if (((SetObject *)object)->s.slots) {
        PyErr_SetString(PyExc_TypeError, "a set of seeds is made once");
        return -1;
    }
    return key_of(key, ((SetObject *)object)->s.key);
}

static PyObject *Set_add(PyObject *object, PyObject *text) {
    Letters l;
    if (letters_of(text, &l)) return NULL;
    if (((SetObject *)object)->readers) {
        drop_letters(&l);
        PyErr_SetString(PyExc_RuntimeError, "the set is being read by another thread");
        return NULL;
    }
    int failed = set_of_letters(&((SetObject *)object)->s, &l);
    drop_letters(&l);
    if (failed) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static void Set_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    free(((SetObject *)object)->s.slots);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef index_methods[] = {
    {"is_sound", Index_is_sound, METH_NOARGS, NULL}, {"seeds", Index_seeds, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyMethodDef set_methods[] = {{"add", Set_add, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot index_slots[] = {{Py_tp_init, (void *)Index_init},
                                    {Py_tp_dealloc, (void *)Index_dealloc},
                                    {Py_tp_methods, index_methods},
                                    {0, NULL}};
static PyType_Slot set_slots[] = {{Py_tp_init, (void *)Set_init},
                                  {Py_tp_dealloc, (void *)Set_dealloc},
                                  {Py_tp_methods, set_methods},
                                  {0, NULL}};
PyType_Spec index_spec = {"_engine.Index", sizeof(IndexObject), 0, Py_TPFLAGS_DEFAULT, index_slots};
PyType_Spec set_spec = {"_engine.SeedSet", sizeof(SetObject), 0, Py_TPFLAGS_DEFAULT, set_slots};
