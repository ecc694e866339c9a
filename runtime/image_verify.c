/* The invariants of an image. One that the compiler made keeps them; one that was read from bytes may be
 * anything. */
#include "runtime/image_verify.h"

#include <string.h>

#include "runtime/memory.h"
#include "runtime/scores.h"

enum { ALIGNMENT = 64 };
static const int64_t EXTENT_LIMIT = INT64_C(1) << 48; /* products with element sizes stay far from overflow */

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return cnn_fail(error, CNN_BAD_INPUT, "damaged image: " __VA_ARGS__);                            \
    } while (0)

/* Whether [offset, offset + bytes) lies inside a segment of `size` bytes. */
static bool inside(uint64_t offset, uint64_t bytes, uint64_t size)
{
    uint64_t end;
    return cnn_add(offset, bytes, &end) && end <= size;
}

static uint64_t segment_bytes(const CnnImage *image, const CnnProgram *program, Segment segment)
{
    switch (segment) {
    case SEGMENT_STATE:
        return image->state_bytes;
    case SEGMENT_BATCH:
        return program->batch_bytes;
    case SEGMENT_WORKER:
        return program->worker_bytes;
    case SEGMENT_SCALAR:
        return sizeof(CnnScalars);
    case SEGMENT_TABLE:
        return image->table_bytes;
    case SEGMENT_INPUT:
    case SEGMENT_LABEL:
    case SEGMENT_COUNT:
        break;
    }
    return UINT64_MAX; /* lent by the loader, whose batch has the image's shape */
}

static CnnStatus verify_buffer(const CnnImage *image, const CnnProgram *program, const CnnBuffer *buffer,
                               CnnError *error)
{
    CHECK(buffer->name && buffer->where, "a buffer without a name");
    CHECK(buffer->segment < SEGMENT_COUNT && buffer->part < STEP_PARTS && buffer->dtype < DTYPE_COUNT &&
              buffer->lead <= LEAD_SLICE,
          "buffer '%s' has an unknown kind", buffer->name);
    CHECK(inside(buffer->offset, buffer->bytes, segment_bytes(image, program, buffer->segment)),
          "buffer '%s' lies outside its segment", buffer->name);
    CHECK(buffer->segment == SEGMENT_SCALAR || buffer->offset % ALIGNMENT == 0, "buffer '%s' is not aligned",
          buffer->name);
    if (buffer->segment == SEGMENT_BATCH && buffer->lead != LEAD_NONE) {
        int64_t slices = (program->batch + program->slice - 1) / program->slice;
        uint64_t extent = (uint64_t)(buffer->lead == LEAD_BATCH ? program->batch : slices), bytes;
        CHECK(cnn_multiply(extent, buffer->lead_bytes, &bytes) && bytes <= buffer->bytes,
              "buffer '%s' is smaller than its batch", buffer->name);
    }
    return CNN_OK;
}

static CnnStatus verify_step(const CnnImage *image, const CnnProgram *program, const CnnStep *step,
                             CnnError *error)
{
    CHECK(step->name && step->label && step->where, "a step without a name");
    CHECK(step->code >= 0 && step->code < image->code_count, "step '%s' has no code", step->name);
    CHECK(!image->code || image->await || image->code[step->code], "the code of step '%s' is missing",
          step->name);
    CHECK(step->grain >= 1 && step->grain <= EXTENT_LIMIT && step->extent >= 0 &&
              step->extent <= EXTENT_LIMIT,
          "step '%s' has a range that cannot be", step->name);
    CHECK(step->buffer_count >= 0, "step '%s' has a negative number of buffers", step->name);
    for (int i = 0; i < step->buffer_count; i++)
        CHECK(step->buffers[i] >= 0 && step->buffers[i] < program->buffer_count,
              "step '%s' names an unknown buffer", step->name);
    CHECK(step->write_count >= 0, "step '%s' has a negative number of buffers", step->name);
    for (int i = 0; i < step->write_count; i++)
        CHECK(step->writes[i] >= 0 && step->writes[i] < program->buffer_count,
              "step '%s' writes an unknown buffer", step->name);
    return CNN_OK;
}

static CnnStatus verify_phases(const CnnImage *image, const CnnProgram *program, CnnError *error)
{
    int next = 0; /* phases follow each other without gaps, so that every step runs once */
    for (int i = 0; i < program->phase_count; i++) {
        const CnnPhase *phase = &program->phases[i];
        CHECK(phase->kind <= PHASE_WHOLE && phase->when <= WHEN_CHANGED, "phase %d has an unknown kind", i);
        CHECK(phase->first_step == next && phase->step_count >= 0 &&
                  phase->step_count <= program->step_count - next,
              "phase %d has other steps than its own", i);
        next += phase->step_count;
        if (phase->kind == PHASE_WHOLE)
            continue;
        CHECK(phase->chunk >= 1 && phase->chunk <= EXTENT_LIMIT, "phase %d has no chunk", i);
        int64_t chunk = image->gpu                      ? program->batch
                        : phase->chunk < program->slice ? phase->chunk
                                                        : program->slice;
        for (int s = phase->first_step; s < next; s++)
            for (int b = 0; b < program->steps[s].buffer_count; b++) {
                const CnnBuffer *buffer = &program->buffers[program->steps[s].buffers[b]];
                uint64_t bytes;
                CHECK(
                    buffer->segment != SEGMENT_WORKER || buffer->lead != LEAD_BATCH ||
                        (cnn_multiply((uint64_t)chunk, buffer->lead_bytes, &bytes) && bytes <= buffer->bytes),
                    "buffer '%s' is smaller than a chunk", buffer->name);
            }
    }
    CHECK(next == program->step_count, "there are steps in no phase");
    return CNN_OK;
}

/* A buffer whose one element the runtime reads after a step. */
static bool is_readable(const CnnProgram *program, int index)
{
    if (index < 0 || index >= program->buffer_count)
        return false;
    const CnnBuffer *buffer = &program->buffers[index];
    return (buffer->segment == SEGMENT_BATCH || buffer->segment == SEGMENT_STATE) &&
           buffer->dtype == DTYPE_F32 && buffer->bytes >= sizeof(float);
}

static CnnStatus verify_program(const CnnImage *image, const CnnProgram *program, CnnError *error)
{
    CHECK(program->batch >= 1 && program->batch <= EXTENT_LIMIT && program->slice >= 1 &&
              program->slice <= EXTENT_LIMIT,
          "a batch of no samples");
    CHECK(program->buffer_count >= 0 && program->step_count >= 0 && program->phase_count >= 0 &&
              program->metric_count >= 0 && program->metric_count <= METRICS_MAX,
          "a table of a length that cannot be");
    for (int i = 0; i < program->buffer_count; i++)
        TRY(verify_buffer(image, program, &program->buffers[i], error));
    for (int i = 0; i < program->step_count; i++)
        TRY(verify_step(image, program, &program->steps[i], error));
    TRY(verify_phases(image, program, error));
    CHECK(is_readable(program, program->loss), "the loss is not kept");
    for (int i = 0; i < program->metric_count; i++) {
        const CnnMetric *metric = &program->metrics[i];
        bool of_answers = program == &image->eval && metric->buffer == -1;
        CHECK(metric->name && (of_answers ? scores_know(metric->name) : is_readable(program, metric->buffer)),
              "a metric is not kept");
    }
    CHECK((program->finite == -1 && !program->scaled) || is_readable(program, program->finite),
          "what tells a good step is not kept");
    CHECK(program->logits == -1 || (is_readable(program, program->logits) &&
                                    program->buffers[program->logits].lead == LEAD_BATCH &&
                                    program->buffers[program->logits].segment == SEGMENT_BATCH),
          "the outputs are not kept for the whole batch");
    return CNN_OK;
}

static CnnStatus verify_gpu(const CnnImage *image, CnnError *error)
{
    enum { BLOCK_THREADS = 1024 };
    CHECK(image->gpu->architecture && !image->code, "code of a CPU and of a GPU");
    for (int i = 0; i < image->code_count; i++) {
        const CnnGpuKernel *kernel = &image->gpu->kernels[i];
        CHECK(kernel->symbol && kernel->module && kernel->module_bytes > 0, "kernel %d has no code", i);
        CHECK(kernel->threads >= 1 && kernel->threads <= BLOCK_THREADS,
              "kernel '%s' has a block of %d threads", kernel->symbol, kernel->threads);
        for (int a = 0; a < 3; a++) {
            const CnnGpuExtent *extent = &kernel->grid[a];
            CHECK(extent->points >= 0 && extent->points <= EXTENT_LIMIT && extent->tile >= 1 &&
                      extent->tile <= EXTENT_LIMIT,
                  "kernel '%s' has a grid that cannot be", kernel->symbol);
        }
    }
    return CNN_OK;
}

static CnnStatus verify_tensor(const CnnImage *image, const CnnTensor *tensor, CnnError *error)
{
    CHECK(tensor->name, "a tensor without a name");
    CHECK(tensor->dtype < DTYPE_COUNT && tensor->rank >= 0 && tensor->rank <= DIMS_MAX &&
              tensor->init <= INIT_TRUNCATED_NORMAL,
          "tensor '%s' has an unknown kind", tensor->name);
    uint64_t bytes = dtype_bytes(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++)
        CHECK(tensor->dim[i] >= 0 && cnn_multiply(bytes, (uint64_t)tensor->dim[i], &bytes),
              "tensor '%s' is too large", tensor->name);
    CHECK(tensor->offset % ALIGNMENT == 0 && inside(tensor->offset, bytes, image->state_bytes),
          "tensor '%s' lies outside the state", tensor->name);
    return CNN_OK;
}

CnnStatus cnn_image_verify(const CnnImage *image, CnnError *error)
{
    CHECK(image->recipe.model_name && image->recipe.model_path && image->summary && image->recipe_text &&
              image->target && image->needs,
          "a text is missing");
    for (int i = 0; i < image->source_count; i++) {
        const CnnSource *source = &image->sources[i];
        CHECK(source->name && source->text && *source->name && *source->name != '.' &&
                  !strchr(source->name, '/'),
              "a file of the model has no name, or one that leads elsewhere");
    }
    CHECK(image->input_dtype < DTYPE_COUNT && image->label_dtype < DTYPE_COUNT, "unknown types of the batch");
    CHECK(image->output < OUTPUT_KINDS_END, "unknown outputs");
    CHECK(image->label_width >= 1 && image->label_width <= 16, "labels of an unknown form");
    CHECK(image->input_shape.count >= 0 && image->input_shape.count <= DIMS_MAX,
          "unknown shape of the input");
    CHECK(image->code_count >= 0 && image->tensor_count >= 0, "a table of negative length");
    for (int i = 0; i < image->tensor_count; i++)
        TRY(verify_tensor(image, &image->tensors[i], error));
    if (image->gpu)
        TRY(verify_gpu(image, error));
    TRY(verify_program(image, &image->train, error));
    return verify_program(image, &image->eval, error);
}
