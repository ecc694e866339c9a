/* What the operators of ONNX ask of their node, and how they answer. Everything that returns bool or a
 * pointer has reported an error where it returns false or NULL, unless it says otherwise. */
#ifndef ONNX_USE_H
#define ONNX_USE_H

#include "compiler/exchange/onnx_import.h"

/* The operators: false after an error. */
#define OPERATOR(name, function) bool onnx_op_##function(OnnxUse *use);
#include "compiler/exchange/onnx_operators.def"
#undef OPERATOR

/** NULL where it is not given, which is no error. */
const Onnx__AttributeProto *use_attribute(const OnnxUse *use, const char *name);
int64_t use_integer(const OnnxUse *use, const char *name, int64_t preset);
double use_real(const OnnxUse *use, const char *name, double preset);
/** Whether an attribute, or `preset` where it is not given, is this text. */
bool use_text_is(const OnnxUse *use, const char *name, const char *text, const char *preset);
/** Integers of an attribute, or of input `input` (below 0: there is none), which newer versions have instead;
 * their number, -1 where they are not given, or more than `most`. */
int use_integers(const OnnxUse *use, const char *name, int input, int64_t *values, int most);

/** Says what of the node has no counterpart. Returns false. */
bool use_refuse(const OnnxUse *use, const char *what);

/** Input i as a layer's value. */
const OnnxValue *use_value(const OnnxUse *use, int i);
/** The same, with its channels before rows and columns. */
const OnnxValue *use_picture(const OnnxUse *use, int i);
/** Input i as a constant, NULL where it is none, or left out, which is no error. */
const OnnxConstant *use_constant(const OnnxUse *use, int i);
/** A constant of reals with this many elements. `what`: what they are, for the message. */
const float *use_reals(const OnnxUse *use, int i, int64_t count, const char *what);

/** The result: `layer`, in the form of `like`. False where the layer could not be made. */
bool use_give(OnnxUse *use, int layer, const OnnxValue *like);
bool use_give_constant(OnnxUse *use, OnnxConstant value);

/** The extents of a value in the graph, with the samples that it was declared for, or 1; their number. */
int use_dims(const OnnxImport *import, const OnnxValue *value, int64_t dim[5]);
/** Whether the channels lie along a dimension, which may be counted from the end. */
bool use_is_channels(const OnnxValue *value, int64_t axis);

#endif
