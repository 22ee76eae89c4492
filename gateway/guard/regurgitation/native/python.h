/* What the files for Python share. The stable ABI of Python 3.11. */
#ifndef ENGINE_PYTHON_H
#define ENGINE_PYTHON_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "engine.h"

enum { LONG_TEXT = 4096 }; /* characters from which on other threads may run meanwhile */

typedef struct { PyObject_HEAD Index x; Py_buffer views[4]; int nviews; } IndexObject;
typedef struct { PyObject_HEAD SeedSet s; int readers; } SetObject; /* readers: filters at work on other threads */

typedef struct { PyTypeObject *index, *set, *filter; } Types;
Types *types_of(PyObject *module);

extern PyType_Spec index_spec, set_spec, filter_spec;
extern PyMethodDef build_functions[];

int key_of(PyObject *bytes, uint64_t key[2]);
int letters_of(PyObject *text, Letters *l);
void drop_letters(Letters *l);
int is_type(PyObject *object, const char *name);

#endif
