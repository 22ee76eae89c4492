/* The extension module: its types, its functions, its state. */
#include "python.h"

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type) return -1;
    *slot = (PyTypeObject *)type;
    return PyModule_AddType(module, *slot);
}

static int start(PyObject *module) {
    Types *t = PyModule_GetState(module);
    if (add_type(module, &index_spec, &t->index) || add_type(module, &set_spec, &t->set)) return -1;
    if (add_type(module, &filter_spec, &t->filter)) return -1;
    if (PyModule_AddIntConstant(module, "HOLD_CHARS", HOLD_MAX)) return -1;
    if (PyModule_AddIntConstant(module, "CARRIED_BYTES", sizeof(Ended))) return -1;
    return PyModule_AddIntConstant(module, "CARRIED_MOST", ENDED);
}

static int visit(PyObject *module, visitproc visit, void *arg) {
    Types *t = PyModule_GetState(module);
    Py_VISIT(t->index);
    Py_VISIT(t->set);
    Py_VISIT(t->filter);
    return 0;
}

static int clear(PyObject *module) {
    Types *t = PyModule_GetState(module);
    Py_CLEAR(t->index);
    Py_CLEAR(t->set);
    Py_CLEAR(t->filter);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};
static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_engine",
    .m_size = sizeof(Types),
    .m_methods = build_functions,
    .m_slots = slots,
    .m_traverse = visit,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__engine(void);
PyMODINIT_FUNC PyInit__engine(void) { return PyModuleDef_Init(&definition); }
