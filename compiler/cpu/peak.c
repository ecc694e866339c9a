/* The arithmetic units' limit: independent chains of multiply-adds, as many as the registers hold, in a loop
 * that touches no memory. The caches' and the memory's: loads that nothing waits for. */
#include "compiler/cpu/peak.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/cpu/target.h"
#include "runtime/clock.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

/* Registers left beside the chains: for the factor, the summand, and one to spare. */
enum { CHAINS_MOST = 24, REGISTERS_BESIDE = 3, LANES_MOST = 16, TURNS = 1 << 14, READS = 8, ROUNDS = 10 };
static const double ROUND_SECONDS = 0.01;
static const char SYMBOL[] = "cnn_peak";

typedef struct {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef function;
    LLVMTypeRef vector, index, pointer;
    bool fma;
    int chains;
} Maker;

static int chain_count(const CpuTarget *target)
{
    int count = target->registers - REGISTERS_BESIDE;
    return count < CHAINS_MOST ? count : CHAINS_MOST;
}

/* ---- The code ---- */

static LLVMValueRef multiply_add(const Maker *maker, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    if (!maker->fma)
        return LLVMBuildFAdd(maker->builder, LLVMBuildFMul(maker->builder, a, b, ""), c, "");
    LLVMTypeRef type = maker->vector;
    LLVMValueRef fma =
        LLVMGetIntrinsicDeclaration(maker->module, LLVMLookupIntrinsicID("llvm.fma", 8), &type, 1);
    return LLVMBuildCall2(maker->builder, LLVMGlobalGetValueType(fma), fma, (LLVMValueRef[]){a, b, c}, 3, "");
}

static LLVMValueRef place_of(const Maker *maker, LLVMValueRef memory, int number)
{
    LLVMValueRef at = LLVMConstInt(maker->index, (unsigned)number, false);
    return LLVMBuildGEP2(maker->builder, maker->vector, memory, &at, 1, "");
}

static LLVMValueRef load_vector(const Maker *maker, LLVMValueRef memory, int number)
{
    return LLVMBuildLoad2(maker->builder, maker->vector, place_of(maker, memory, number), "");
}

/* chain = chain * factor + summand, TURNS times for each; all are read from memory and the chains written
 * back, so that none can be left out. */
static void emit_chains(Maker *maker)
{
    LLVMBuilderRef builder = maker->builder;
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(maker->context, maker->function, ""),
                      loop = LLVMAppendBasicBlockInContext(maker->context, maker->function, ""),
                      end = LLVMAppendBasicBlockInContext(maker->context, maker->function, "");
    LLVMValueRef chain[CHAINS_MOST], start[CHAINS_MOST];
    LLVMPositionBuilderAtEnd(builder, entry);
    LLVMValueRef memory = LLVMBuildLoad2(builder, maker->pointer, LLVMGetParam(maker->function, 0), "");
    LLVMValueRef factor = load_vector(maker, memory, maker->chains),
                 summand = load_vector(maker, memory, maker->chains + 1);
    for (int i = 0; i < maker->chains; i++)
        start[i] = load_vector(maker, memory, i);
    LLVMBuildBr(builder, loop);

    LLVMPositionBuilderAtEnd(builder, loop);
    LLVMValueRef turn = LLVMBuildPhi(builder, maker->index, ""), zero = LLVMConstInt(maker->index, 0, false);
    LLVMAddIncoming(turn, &zero, &entry, 1);
    for (int i = 0; i < maker->chains; i++) {
        chain[i] = LLVMBuildPhi(builder, maker->vector, "");
        LLVMAddIncoming(chain[i], &start[i], &entry, 1);
    }
    for (int i = 0; i < maker->chains; i++) {
        LLVMValueRef next = multiply_add(maker, chain[i], factor, summand);
        LLVMAddIncoming(chain[i], &next, &loop, 1);
        chain[i] = next;
    }
    LLVMValueRef next = LLVMBuildAdd(builder, turn, LLVMConstInt(maker->index, 1, false), "");
    LLVMAddIncoming(turn, &next, &loop, 1);
    LLVMValueRef done = LLVMBuildICmp(builder, LLVMIntEQ, next, LLVMConstInt(maker->index, TURNS, false), "");
    LLVMBuildCondBr(builder, done, end, loop);

    LLVMPositionBuilderAtEnd(builder, end);
    for (int i = 0; i < maker->chains; i++)
        LLVMBuildStore(builder, chain[i], place_of(maker, memory, i));
    LLVMBuildRetVoid(builder);
}

/* Adds up the vectors of an array: call->end of them, a multiple of READS, whose first get the sums. */
static void emit_reads(Maker *maker)
{
    LLVMBuilderRef builder = maker->builder;
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(maker->context, maker->function, ""),
                      loop = LLVMAppendBasicBlockInContext(maker->context, maker->function, ""),
                      end = LLVMAppendBasicBlockInContext(maker->context, maker->function, "");
    LLVMValueRef sum[READS], zero = LLVMConstInt(maker->index, 0, false),
                             nothing = LLVMConstNull(maker->vector);
    LLVMPositionBuilderAtEnd(builder, entry);
    LLVMValueRef memory = LLVMBuildLoad2(builder, maker->pointer, LLVMGetParam(maker->function, 0), "");
    LLVMValueRef at = LLVMConstInt(maker->index, offsetof(CnnCall, end) / sizeof(int64_t), false);
    at = LLVMBuildGEP2(builder, maker->index, LLVMGetParam(maker->function, 1), &at, 1, "");
    LLVMValueRef count = LLVMBuildLoad2(builder, maker->index, at, "");
    LLVMBuildBr(builder, loop);

    LLVMPositionBuilderAtEnd(builder, loop);
    LLVMValueRef first = LLVMBuildPhi(builder, maker->index, "");
    LLVMAddIncoming(first, &zero, &entry, 1);
    for (int i = 0; i < READS; i++) {
        sum[i] = LLVMBuildPhi(builder, maker->vector, "");
        LLVMAddIncoming(sum[i], &nothing, &entry, 1);
    }
    LLVMValueRef group = LLVMBuildGEP2(builder, maker->vector, memory, &first, 1, "");
    for (int i = 0; i < READS; i++) {
        LLVMValueRef next = LLVMBuildFAdd(builder, sum[i], load_vector(maker, group, i), "");
        LLVMAddIncoming(sum[i], &next, &loop, 1);
        sum[i] = next;
    }
    LLVMValueRef next = LLVMBuildAdd(builder, first, LLVMConstInt(maker->index, READS, false), "");
    LLVMAddIncoming(first, &next, &loop, 1);
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSGE, next, count, ""), end, loop);

    LLVMPositionBuilderAtEnd(builder, end);
    for (int i = 0; i < READS; i++)
        LLVMBuildStore(builder, sum[i], place_of(maker, memory, i));
    LLVMBuildRetVoid(builder);
}

typedef void Emit(Maker *maker);

static LLVMModuleRef emit_module(LLVMContextRef context, const CpuTarget *target, Emit *emit)
{
    Maker maker = {.context = context,
                   .module = LLVMModuleCreateWithNameInContext("peak", context),
                   .builder = LLVMCreateBuilderInContext(context),
                   .vector = LLVMVectorType(LLVMFloatTypeInContext(context), (unsigned)target->lanes),
                   .index = LLVMInt64TypeInContext(context),
                   .pointer = LLVMPointerTypeInContext(context, 0),
                   .fma = target->fma,
                   .chains = chain_count(target)};
    LLVMTypeRef parameters[2] = {maker.pointer, maker.pointer}; /* a CnnCode */
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(context), parameters, 2, false);
    static const char name[] = "prefer-vector-width", width[] = "512"; /* as for kernels */
    maker.function = LLVMAddFunction(maker.module, SYMBOL, type);
    LLVMAddAttributeAtIndex(
        maker.function, LLVMAttributeFunctionIndex,
        LLVMCreateStringAttribute(context, name, sizeof name - 1, width, sizeof width - 1));
    emit(&maker);
    LLVMDisposeBuilder(maker.builder);
    return maker.module;
}

/* The object file; NULL where LLVM makes none. */
static LLVMMemoryBufferRef compile(const CpuTarget *target, Emit *emit)
{
    char *message = NULL;
    LLVMTargetRef description;
    LLVMMemoryBufferRef buffer = NULL;
    if (LLVMGetTargetFromTriple(target->triple, &description, &message)) {
        LLVMDisposeMessage(message);
        return NULL;
    }
    LLVMContextRef context = LLVMContextCreate();
    LLVMTargetMachineRef machine =
        LLVMCreateTargetMachine(description, target->triple, target->cpu, target->features,
                                LLVMCodeGenLevelDefault, LLVMRelocPIC, LLVMCodeModelDefault);
    LLVMModuleRef module = emit_module(context, target, emit);
    LLVMSetTarget(module, target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &buffer)) {
        LLVMDisposeMessage(message);
        buffer = NULL;
    }
    LLVMDisposeModule(module);
    LLVMDisposeTargetMachine(machine);
    LLVMContextDispose(context);
    return buffer;
}

/* ---- The measurement ---- */

typedef struct {
    CnnCode *code;
    size_t floats; /* of a worker's memory */
    float *memory;
    CnnCall call;
    int64_t calls;
    double *seconds; /* that each worker has run */
} Run;

static void work(void *context, int worker)
{
    const Run *run = context;
    void *memory = run->memory + (size_t)worker * run->floats;
    double start = cnn_thread_clock();
    for (int64_t i = 0; i < run->calls; i++)
        run->code(&memory, &run->call);
    run->seconds[worker] = cnn_thread_clock() - start;
}

/* Calls a second, of all workers. Each counts the time that it has run itself: what other programs take of
 * its core is no limit of the machine. */
static double call_rate(CnnPool *pool, Run *run, int64_t calls)
{
    run->calls = calls;
    cnn_pool_run(pool, work, run);
    double rate = 0;
    for (int w = 0; w < cnn_pool_threads(pool); w++)
        rate += (double)calls / fmax(run->seconds[w], 1e-9);
    return rate;
}

/* Calls of a round. By the clock on the wall: that of a thread may stand still for a while. */
static int64_t round_calls(CnnPool *pool, Run *run)
{
    int64_t calls = 1;
    for (;; calls *= 2) {
        double start = cnn_clock();
        call_rate(pool, run, calls);
        if (cnn_clock() - start > ROUND_SECONDS / 2)
            return calls;
    }
}

/* The best of some rounds: what else the machine does only takes away. */
static double measure(CnnPool *pool, Run *run, double work_of_call)
{
    int64_t calls = round_calls(pool, run);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++)
        best = fmax(best, work_of_call * call_rate(pool, run, calls));
    return best;
}

/* Of a worker's memory, `floats` long, filled by `fill`. 0: no memory, or no threads. */
static double measure_code(Run *run, int threads, float (*fill)(const CpuTarget *target, size_t i),
                           const CpuTarget *target, double work_of_call)
{
    CnnError error = {0};
    CnnPool *pool;
    if (cnn_pool_open(threads, &pool, &error) != CNN_OK)
        return 0;
    double rate = 0;
    size_t count = run->floats * (size_t)cnn_pool_threads(pool);
    run->memory = cnn_memory_take(count * sizeof *run->memory);
    run->seconds = cnn_memory_take((size_t)cnn_pool_threads(pool) * sizeof *run->seconds);
    for (size_t i = 0; run->memory && i < count; i++)
        run->memory[i] = fill(target, i % run->floats);
    if (run->memory && run->seconds)
        rate = measure(pool, run, work_of_call);
    free(run->memory);
    free(run->seconds);
    cnn_pool_close(pool);
    return rate;
}

/* All numbers stay between 1 and 2: ordinary ones, of ordinary speed. */
static float fill_chains(const CpuTarget *target, size_t i)
{
    return i / (size_t)target->lanes == (size_t)chain_count(target) ? 0.5f : 1;
}

static float fill_nothing(const CpuTarget *target, size_t i)
{
    (void)target, (void)i;
    return 0;
}

/* Compiles and loads; NULL where it cannot be. */
static CpuCode *load(const CpuTarget *target, Emit *emit, CnnCode **code)
{
    CnnError unused = {0};
    target_start_llvm();
    LLVMMemoryBufferRef buffer = cpu_runs_here(target, &unused) == CNN_OK ? compile(target, emit) : NULL;
    if (!buffer)
        return NULL;
    CpuObject object = {.object = LLVMGetBufferStart(buffer), .bytes = LLVMGetBufferSize(buffer)};
    const char *symbol = SYMBOL, *complaint;
    CpuCode *loaded = cpu_load(&object, &symbol, 1, code, &complaint);
    LLVMDisposeMemoryBuffer(buffer);
    return loaded;
}

double cpu_peak_flops(const CpuTarget *target, int threads)
{
    int chains = chain_count(target);
    Run run = {.floats = (size_t)(chains + 2) * LANES_MOST}; /* no cache line of two workers */
    CpuCode *loaded = load(target, emit_chains, &run.code);
    if (!loaded)
        return 0;
    double peak = measure_code(&run, threads, fill_chains, target, 2.0 * TURNS * chains * target->lanes);
    cpu_unload(loaded);
    return peak;
}

double cpu_bandwidth(const CpuTarget *target, int threads, uint64_t bytes)
{
    int64_t vectors = (int64_t)(bytes / sizeof(float)) / target->lanes / READS * READS;
    Run run = {.floats = (size_t)vectors * (size_t)target->lanes, .call = {.end = vectors}};
    CpuCode *loaded = vectors ? load(target, emit_reads, &run.code) : NULL;
    if (!loaded)
        return 0;
    double rate = measure_code(&run, threads, fill_nothing, target, (double)run.floats * sizeof(float));
    cpu_unload(loaded);
    return rate;
}
