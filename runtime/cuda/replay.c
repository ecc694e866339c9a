/* Steps as graphs: the driver launches one as fast as a single kernel. Steps that differ in what a graph
 * cannot change (the samples, which phases run, where the batch lies) have graphs of their own, of which a
 * training has few: those of whole batches, and of the last of an epoch. */
#include "runtime/cuda/device_cuda.h"

static bool is_same(const CudaStep *a, const CudaStep *b)
{
    return a->ready == b->ready && a->feed == b->feed && a->samples == b->samples && a->update == b->update &&
           a->changed == b->changed;
}

static CnnStatus capture(CudaDevice *device, const CudaStep *step, CudaGraph *out, CnnError *error)
{
    CnnError unended = {0};
    *out = NULL;
    CUDA_TRY(&device->driver, error, cuStreamBeginCapture, device->stream, CUDA_CAPTURE_OF_THREAD);
    CnnStatus status = cuda_launch_all(device, step, error);
    /* Ended in any case: the stream takes no other work before. */
    int result = device->driver.cuStreamEndCapture(device->stream, out);
    return cuda_result(&device->driver, result, "cuStreamEndCapture", status == CNN_OK ? error : &unended) ==
                   CNN_OK
               ? status
               : CNN_NO_RESOURCE;
}

static CnnStatus make(CudaDevice *device, const CudaStep *step, CudaReplay *out, CnnError *error)
{
    CudaGraph graph;
    CnnStatus status = capture(device, step, &graph, error);
    if (status == CNN_OK)
        status = cuda_result(&device->driver, device->driver.cuGraphInstantiate(out, graph, 0),
                             "cuGraphInstantiate", error);
    if (graph)
        device->driver.cuGraphDestroy(graph);
    return status;
}

/* A free place, or that of the graph that has not been used for longest. */
static CudaKept *oldest(CudaDevice *device)
{
    CudaKept *found = &device->kept[0];
    for (int i = 1; i < CUDA_REPLAYS; i++)
        if (device->kept[i].used < found->used)
            found = &device->kept[i];
    return found;
}

static CnnStatus keep(CudaDevice *device, const CudaStep *step, CudaKept **out, CnnError *error)
{
    CudaKept *kept = oldest(device);
    if (kept->replay) {
        CUDA_TRY(&device->driver, error, cuStreamSynchronize, device->stream); /* it may be running */
        CUDA_TRY(&device->driver, error, cuGraphExecDestroy, kept->replay);
    }
    *kept = (CudaKept){.step = *step};
    *out = kept;
    return make(device, step, &kept->replay, error);
}

CnnStatus cuda_replay(CudaDevice *device, const CudaStep *step, CnnError *error)
{
    CudaKept *kept = NULL;
    for (int i = 0; i < CUDA_REPLAYS && !kept; i++)
        if (device->kept[i].replay && is_same(&device->kept[i].step, step))
            kept = &device->kept[i];
    if (!kept)
        TRY(keep(device, step, &kept, error));
    kept->used = device->steps;
    CUDA_TRY(&device->driver, error, cuGraphLaunch, kept->replay, device->stream);
    return CNN_OK;
}

void cuda_replays_close(CudaDevice *device)
{
    for (int i = 0; i < CUDA_REPLAYS; i++)
        if (device->kept[i].replay)
            device->driver.cuGraphExecDestroy(device->kept[i].replay);
}
