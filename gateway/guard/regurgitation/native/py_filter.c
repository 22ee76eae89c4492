/* Filter for Python. */
#include "python.h"

typedef struct {
    PyObject_HEAD
    Filter f;
    PyObject *keep, *describe; /* what the filter points into; what makes a passage of six numbers */
    SetObject *sets[2];
    char marker[32];
    Py_ssize_t marker_n;
    int busy;
} FilterObject;

static int refuse(const char *why) {
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

/* The group of equal keys that a key belongs to. */
static int group_of(Filter *f, const uint64_t *key) {
    for (int g = 0; g < f->ngroups; g++)
        if (!memcmp(f->keys[g], key, 16)) return g;
    f->keys[f->ngroups] = key;
    return f->ngroups++;
}

static int add_sources(Filter *f, PyObject *sources, const Types *types) {
    Py_ssize_t n = PyTuple_Size(sources);
    if (n > MAX_INDEX) return refuse("at most 8 indexes");
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *index;
        const char *readable;
        Py_ssize_t nreadable;
        PyObject *pair = PyTuple_GetItem(sources, i);
        if (!pair || !PyArg_ParseTuple(pair, "O!y#", types->index, &index, &readable, &nreadable)) return -1;
        const Index *x = &((IndexObject *)index)->x;
        if (!x->offsets) return refuse("an index without sections");
        f->source[f->nsource++] = (Source){x, (const uint8_t *)readable, (uint64_t)nreadable, group_of(f, x->seed_key)};
    }
    return 0;
}

static int add_allowed(FilterObject *self, int which, PyObject *set, const Types *types) {
    Filter *f = &self->f;
    if (set == Py_None) return 0;
    if (!PyObject_TypeCheck(set, types->set)) return refuse("a SeedSet");
    self->sets[which] = (SetObject *)set;
    f->allow[which] = &self->sets[which]->s;
    f->allow_group[which] = group_of(f, f->allow[which]->key);
    return 0;
}

static int set_rule(Filter *f, PyObject *rule) {
    Rule *r = &f->rule;
    if (!PyArg_ParseTuple(rule, "iiiiiii", &r->run, &r->near, r->window, r->hits, r->window + 1, r->hits + 1, &r->redact))
        return -1;
    if (r->run < 4 || r->run > 32) return refuse("4 to 32 words");
    for (int i = 0; i < 2; i++)
        if (r->window[i] < 1 || r->window[i] > 64 || r->hits[i] < 4) return refuse("windows of 1 to 64 words");
    return 0;
}

static int set_carried(Filter *f, const char *carried, Py_ssize_t n) {
    if (n % (Py_ssize_t)sizeof(Ended) || n > (Py_ssize_t)sizeof f->before) return refuse("not what a filter carries on");
    if (n) memcpy(f->before, carried, (size_t)n);
    f->nbefore = (int)(n / (Py_ssize_t)sizeof(Ended));
    for (int i = 0; i < f->nbefore; i++) {
        const Ended *e = &f->before[i];
        if ((e->dir != 1 && e->dir != -1) || e->p < 0 || e->p > (int64_t)MAX_LETTERS)
            return refuse("not what a filter carries on");
    }
    return 0;
}

static int Filter_init(PyObject *object, PyObject *args, PyObject *kw) {
    FilterObject *self = (FilterObject *)object;
    PyObject *sources, *rule, *prompt, *allow, *describe;
    const char *carried, *marker;
    Py_ssize_t ncarried, nmarker;
    const Types *types = PyType_GetModuleState(Py_TYPE(object));
    (void)kw;
    if (self->keep) return refuse("a filter is made once");
    if (!types || !PyArg_ParseTuple(args, "O!O!OOy#y#O", &PyTuple_Type, &sources, &PyTuple_Type, &rule, &prompt, &allow,
                                    &carried, &ncarried, &marker, &nmarker, &describe))
        return -1;
    if (nmarker > (Py_ssize_t)sizeof self->marker) return refuse("a marker of at most 32 bytes");
    memcpy(self->marker, marker, (size_t)nmarker);
    self->marker_n = nmarker;
    self->keep = args;
    self->describe = describe;
    Py_INCREF(args);
    if (add_sources(&self->f, sources, types) || set_rule(&self->f, rule)) return -1;
    if (add_allowed(self, 0, prompt, types) || add_allowed(self, 1, allow, types)) return -1;
    if (set_carried(&self->f, carried, ncarried)) return -1;
    if (filter_start(&self->f) == 0) return 0;
    PyErr_NoMemory();
    return -1;
}

static void Filter_dealloc(PyObject *object) {
    FilterObject *self = (FilterObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    filter_stop(&self->f);
    Py_XDECREF(self->keep);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *leaves(FilterObject *self) {
    char small[2048], *out = small;
    uint64_t room = sizeof small, n;
    if (self->f.failed) return PyErr_NoMemory();
    n = filter_leaves(&self->f, self->marker, (uint64_t)self->marker_n, &out, &room);
    if (n == UINT64_MAX) return PyErr_NoMemory();
    PyObject *text = PyUnicode_DecodeUTF8(out, (Py_ssize_t)n, "surrogatepass");
    if (out != small) free(out);
    return text;
}

/* One thread at a time: while a long text is read, others may run, but not in here. */
static int enter(FilterObject *self) {
    if (self->f.main && !self->busy) return 0;
    PyErr_SetString(PyExc_RuntimeError, "the filter is in use by another thread");
    return -1;
}

static void set_busy(FilterObject *self, int busy) {
    self->busy = busy;
    for (int i = 0; i < 2; i++)
        if (self->sets[i]) self->sets[i]->readers += busy ? 1 : -1;
}

static PyObject *Filter_push(PyObject *object, PyObject *text) {
    FilterObject *self = (FilterObject *)object;
    Py_ssize_t n = PyUnicode_GetLength(text);
    if (n < 0 || enter(self)) return NULL;
    if (self->f.blocked || self->f.flushed) return PyUnicode_FromStringAndSize(NULL, 0);
    uint32_t *room = filter_room(&self->f, (uint64_t)n + 1);
    if (!room) return PyErr_NoMemory();
    if (!PyUnicode_AsUCS4(text, room, n + 1, 0)) return NULL;
    if (n < LONG_TEXT) {
        filter_read(&self->f, (uint64_t)n);
        return leaves(self);
    }
    set_busy(self, 1);
    Py_BEGIN_ALLOW_THREADS
    filter_read(&self->f, (uint64_t)n);
    Py_END_ALLOW_THREADS
    set_busy(self, 0);
    return leaves(self);
}

static PyObject *Filter_flush(PyObject *object, PyObject *none) {
    FilterObject *self = (FilterObject *)object;
    (void)none;
    if (enter(self)) return NULL;
    filter_finish(&self->f);
    return leaves(self);
}

/* Where this text has got to: the ends of its alignments, and after them those that are being followed. */
static PyObject *Filter_carry(PyObject *object, PyObject *none) {
    const Filter *f = &((FilterObject *)object)->f;
    Ended all[ENDED];
    (void)none;
    int n = carried_on(f, all);
    return PyBytes_FromStringAndSize((const char *)all, (Py_ssize_t)sizeof(Ended) * n);
}

/* From now on, what another text has carried on. */
static PyObject *Filter_follow(PyObject *object, PyObject *carried) {
    FilterObject *self = (FilterObject *)object;
    char *bytes;
    Py_ssize_t n;
    if (enter(self) || PyBytes_AsStringAndSize(carried, &bytes, &n) || set_carried(&self->f, bytes, n)) return NULL;
    Py_RETURN_NONE;
}

static PyObject *described(FilterObject *self, const Passage *p) {
    int i = 0;
    while (i < self->f.nsource && self->f.source[i].index != p->index) i++;
    return PyObject_CallFunction(self->describe, "iKKKIi", i, (unsigned long long)p->document,
                                 (unsigned long long)p->from, (unsigned long long)p->to, (unsigned)p->words, p->near);
}

static PyObject *Filter_hit(PyObject *object, void *closure) {
    FilterObject *self = (FilterObject *)object;
    (void)closure;
    if (self->busy || !self->f.npassages) Py_RETURN_NONE;
    return described(self, &self->f.passages[0]);
}

static PyObject *Filter_passages(PyObject *object, PyObject *none) {
    FilterObject *self = (FilterObject *)object;
    (void)none;
    if (enter(self)) return NULL;
    PyObject *list = PyList_New(0);
    for (int64_t i = 0; list && i < self->f.npassages; i++) {
        PyObject *one = described(self, &self->f.passages[i]);
        if (!one || PyList_Append(list, one)) Py_CLEAR(list);
        Py_XDECREF(one);
    }
    return list;
}

static PyObject *Filter_blocked(PyObject *object, void *closure) {
    (void)closure;
    return PyBool_FromLong(((FilterObject *)object)->f.blocked);
}

static PyObject *Filter_hold_chars(PyObject *object, void *closure) {
    (void)object;
    (void)closure;
    return PyLong_FromLong(HOLD_MAX);
}

static PyMethodDef methods[] = {{"push", Filter_push, METH_O, NULL},
                                {"flush", Filter_flush, METH_NOARGS, NULL},
                                {"carry", Filter_carry, METH_NOARGS, NULL},
                                {"follow", Filter_follow, METH_O, NULL},
                                {"passages", Filter_passages, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static PyGetSetDef getters[] = {{"blocked", Filter_blocked, NULL, NULL, NULL},
                                {"hit", Filter_hit, NULL, NULL, NULL},
                                {"hold_chars", Filter_hold_chars, NULL, NULL, NULL},
                                {NULL, NULL, NULL, NULL, NULL}};
static PyType_Slot slots[] = {{Py_tp_init, (void *)Filter_init},
                              {Py_tp_dealloc, (void *)Filter_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_getset, getters},
                              {0, NULL}};
PyType_Spec filter_spec = {"_engine.Filter", sizeof(FilterObject), 0, Py_TPFLAGS_DEFAULT, slots};
