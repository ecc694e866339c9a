#include "runtime/library/network.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/built.h"
#include "runtime/data/loose.h"
#include "runtime/evaluate.h"
#include "runtime/image_io.h"
#include "runtime/predict.h"
#include "runtime/state_file.h"

static const char INSIDE[] = "the weights inside";

struct CnnNetwork {
    CnnImage *image;
    WeightFile *weights;
    LooseMemory memory; /* the samples of the running call */
    LooseRequest request;
    CnnData *data;
    DataScratch *scratch;
    CnnDevice *device;
    float *input; /* of a batch */
    int32_t *labels;
    int64_t elements, columns, most; /* of a sample; of its outputs; samples of a batch */
    int64_t step;                    /* updates done */
    pthread_mutex_t lock;
    CnnError error;
};

int cnn_network_abi(void)
{
    return CNN_NETWORK_ABI;
}

static CnnStatus open_weights(CnnNetwork *network, const char *path, CnnError *error)
{
    if (path)
        return cnn_weights_open(path, &network->weights, error);
    if (cnn_built.weights)
        return cnn_weights_read(INSIDE, cnn_built.weights, cnn_built.weights_bytes, &network->weights, error);
    return cnn_fail(error, CNN_BAD_USAGE, "no weights are inside; the path of a file must be given");
}

static CnnStatus take_memory(CnnNetwork *network, CnnError *error)
{
    const CnnImage *image = network->image;
    network->elements = 1;
    for (int i = 0; i < image->input_shape.count; i++)
        network->elements *= image->input_shape.value[i];
    network->columns = cnn_output_columns(&image->eval);
    network->most = image->eval.batch > image->train.batch ? image->eval.batch : image->train.batch;
    network->input = calloc((size_t)(network->most * network->elements), sizeof *network->input);
    network->labels = calloc((size_t)(network->most * image->label_width), sizeof *network->labels);
    return network->input && network->labels
               ? CNN_OK
               : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a batch");
}

static CnnStatus network_open(CnnNetwork *network, const char *path, int threads, CnnError *error)
{
    const CnnVersion *version;
    const char *name = path ? path : INSIDE;
    TRY(cnn_built_choose(&cnn_built, &version, error));
    TRY(cnn_image_read(version->image, version->image_bytes, version->code, (int)version->code_count,
                       &network->image, error));
    TRY(open_weights(network, path, error));
    TRY(take_memory(network, error));
    network->memory.most = network->most;
    network->request =
        (LooseRequest){.weights = network->weights, .weights_path = name, .memory = &network->memory};
    TRY(cnn_data_open_loose(&network->image->recipe, &network->request, &network->data, error));
    TRY(cnn_data_fits(network->image, network->data, error));
    TRY(cnn_device_open_apart(network->image, threads, 1, &network->device, error));
    return cnn_prediction_load(network->image, network->data, network->weights, name, network->device, error);
}

CnnNetwork *cnn_network_open(const char *weights, int threads, char *error, size_t bytes)
{
    CnnError cause = {0};
    CnnNetwork *network = calloc(1, sizeof *network);
    if (!network) {
        snprintf(error, bytes, "not enough memory for a network");
        return NULL;
    }
    pthread_mutex_init(&network->lock, NULL);
    if (network_open(network, weights, threads, &cause) == CNN_OK)
        return network;
    snprintf(error, bytes, "%s", cause.text);
    cnn_network_close(network);
    return NULL;
}

void cnn_network_close(CnnNetwork *network)
{
    if (!network)
        return;
    cnn_device_close(network->device);
    cnn_data_scratch_free(network->scratch);
    cnn_data_close(network->data);
    cnn_weights_close(network->weights);
    cnn_image_free(network->image);
    free(network->input);
    free(network->labels);
    pthread_mutex_destroy(&network->lock);
    free(network);
}

const char *cnn_network_error(const CnnNetwork *network)
{
    return network->error.text;
}

const char *cnn_network_class(const CnnNetwork *network, int64_t index)
{
    return index >= 0 && index < cnn_data_classes(network->data) ? cnn_data_class_name(network->data, index)
                                                                 : NULL;
}

/* Begins a call: from here to network_end no other runs. */
static void network_begin(CnnNetwork *network)
{
    pthread_mutex_lock(&network->lock);
    network->error = (CnnError){0};
}

static int network_end(CnnNetwork *network, CnnStatus status)
{
    pthread_mutex_unlock(&network->lock);
    return (int)status;
}

/* The outputs of a batch that lies in memory as the network takes it. */
static void run_batch(CnnNetwork *network, const float *input, int64_t samples, float *outputs)
{
    const CnnProgram *program = &network->image->eval;
    Batch batch = {.input = (void *)input, .label = network->labels, .samples = samples};
    memset(network->labels, 0, (size_t)(samples * network->image->label_width) * sizeof *network->labels);
    cnn_evaluate_batch(network->device, program, &batch, 1);
    memcpy(outputs, cnn_device_buffer(network->device, program, program->logits),
           (size_t)(samples * network->columns) * sizeof *outputs);
}

/* Stages of the data section, one sample after the other. */
static CnnStatus prepare_batch(CnnNetwork *network, int64_t samples)
{
    MixedLabel label; /* of any kind: it is not used */
    for (int64_t i = 0; i < samples; i++)
        TRY(cnn_data_sample(network->data, PART_TEST, i, EPOCH_NONE, &network->scratch,
                            network->input + i * network->elements, &label, &network->error));
    return CNN_OK;
}

static int predict(CnnNetwork *network, const void *samples, Dtype dtype, int64_t height, int64_t width,
                   int64_t count, float *outputs)
{
    CnnStatus status = CNN_OK;
    int64_t most = network->image->eval.batch;
    const char *from = samples;
    network_begin(network);
    for (int64_t done = 0; status == CNN_OK && done < count; done += most) {
        int64_t left = count - done, now = left < most ? left : most;
        network->memory =
            (LooseMemory){.samples = from, .dtype = dtype, .height = height, .width = width, .most = most};
        status = prepare_batch(network, now);
        if (status == CNN_OK)
            run_batch(network, network->input, now, outputs + done * network->columns);
        from += (size_t)(now * loose_memory_bytes(network->data, &network->memory));
    }
    return network_end(network, status);
}

int cnn_network_predict(CnnNetwork *network, const uint8_t *samples, int64_t height, int64_t width,
                        int64_t count, float *outputs)
{
    return predict(network, samples, DTYPE_U8, height, width, count, outputs);
}

int cnn_network_predict_floats(CnnNetwork *network, const float *samples, int64_t height, int64_t width,
                               int64_t count, float *outputs)
{
    return predict(network, samples, DTYPE_F32, height, width, count, outputs);
}

int cnn_network_forward(CnnNetwork *network, const float *input, int64_t count, float *outputs)
{
    int64_t most = network->image->eval.batch;
    network_begin(network);
    for (int64_t done = 0; done < count; done += most) {
        int64_t left = count - done;
        run_batch(network, input + done * network->elements, left < most ? left : most,
                  outputs + done * network->columns);
    }
    return network_end(network, CNN_OK);
}

/* Labels as the program takes them: of classes that may be mixed, each is alone. */
static void take_labels(CnnNetwork *network, const void *labels, int64_t count)
{
    const int32_t *classes = labels;
    if (network->image->label_width == 1) {
        memcpy(network->labels, labels, (size_t)count * sizeof *network->labels);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        ((MixedLabel *)network->labels)[i] = (MixedLabel){.label = classes[i]};
}

static CnnStatus check_labels(CnnNetwork *network, const void *labels, int64_t count)
{
    const CnnImage *image = network->image;
    const int32_t *classes = labels;
    int64_t known = image->classes > 1 ? image->classes : 2; /* one output tells two classes apart */
    if (count < 1 || count > image->train.batch)
        return cnn_fail(&network->error, CNN_BAD_USAGE, "a step takes 1 to %" PRId64 " samples, not %" PRId64,
                        image->train.batch, count);
    for (int64_t i = 0; image->label_dtype == DTYPE_I32 && i < count; i++)
        if (classes[i] < 0 || classes[i] >= known)
            return cnn_fail(&network->error, CNN_BAD_INPUT,
                            "sample %" PRId64 " has class %" PRId32 ", of %" PRId64, i, classes[i], known);
    return CNN_OK;
}

/* An update of its own, with random numbers that no other has. */
static CnnStatus train_step(CnnNetwork *network, const float *input, int64_t count, float rate, float *loss)
{
    const CnnProgram *program = &network->image->train;
    CnnScalars scalars = {.rate = rate,
                          .step = (float)(network->step + 1),
                          .inverse_count = 1 / (float)count,
                          .count = (float)count,
                          .seed_low = 1,
                          .epoch = (int32_t)network->step,
                          .first_micro = 1,
                          .last_micro = 1};
    cnn_device_step(network->device, program, input, network->labels, &scalars, count);
    float sum = *(const float *)cnn_device_buffer(network->device, program, program->loss);
    if (!isfinite(sum))
        return cnn_fail(&network->error, CNN_DIVERGED,
                        "the loss is not finite; the weights are as they were");
    network->step++;
    if (loss)
        *loss = sum / (float)count;
    return CNN_OK;
}

int cnn_network_train(CnnNetwork *network, const float *input, const void *labels, int64_t count, float rate,
                      float *loss)
{
    network_begin(network);
    CnnStatus status = check_labels(network, labels, count);
    if (status == CNN_OK) {
        take_labels(network, labels, count);
        status = train_step(network, input, count, rate, loss);
    }
    return network_end(network, status);
}

int cnn_network_save(CnnNetwork *network, const char *path)
{
    network_begin(network);
    return network_end(network, cnn_state_save(network->device, network->image, network->data, path, 0,
                                               network->step, &network->error));
}
