/* Questions to a program of an image. */
#ifndef CNN_PROGRAM_H
#define CNN_PROGRAM_H

#include "runtime/image.h"

bool cnn_step_writes(const CnnStep *step, int buffer);
bool cnn_step_writes_segment(const CnnProgram *program, const CnnStep *step, Segment segment);

/** By step: it changes state when the loss is known, so it is done only where that is finite. */
void cnn_program_guarded(const CnnProgram *program, bool *guarded);

#endif
