#include "runtime/program.h"

bool cnn_step_writes(const CnnStep *step, int buffer)
{
    for (int i = 0; i < step->write_count; i++)
        if (step->writes[i] == buffer)
            return true;
    return false;
}

bool cnn_step_writes_segment(const CnnProgram *program, const CnnStep *step, Segment segment)
{
    for (int i = 0; i < step->write_count; i++)
        if (program->buffers[step->writes[i]].segment == segment)
            return true;
    return false;
}

void cnn_program_guarded(const CnnProgram *program, bool *guarded)
{
    bool known = false;
    for (int s = 0; s < program->step_count; s++) {
        guarded[s] = known && cnn_step_writes_segment(program, &program->steps[s], SEGMENT_STATE);
        known = known || cnn_step_writes(&program->steps[s], program->loss);
    }
}
