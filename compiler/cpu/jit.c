/* Object files into this process. */
#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/target.h"

struct CpuCode {
    LLVMOrcLLJITRef jit;
};

/* The text of a failure, kept for the life of the thread; NULL when there is none. */
static const char *reason_of(LLVMErrorRef error)
{
    static _Thread_local char kept[512];
    if (!error)
        return NULL;
    char *message = LLVMGetErrorMessage(error);
    strncpy(kept, message, sizeof kept - 1);
    LLVMDisposeErrorMessage(message);
    return kept;
}

static const char *load_object(LLVMOrcLLJITRef jit, const CpuObject *object, const char *symbol,
                               CnnCode **code)
{
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(object->object, object->bytes, symbol);
    const char *reason = reason_of(LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer));
    if (reason)
        return reason;
    LLVMOrcExecutorAddress address;
    reason = reason_of(LLVMOrcLLJITLookup(jit, &address, symbol));
    if (!reason) {
        uintptr_t place = (uintptr_t)address;
        memcpy(code, &place, sizeof *code); /* ISO C has no cast from an integer to a function */
    }
    return reason;
}

CpuCode *cpu_load(const CpuObject *objects, const char *const *symbols, int count, CnnCode **code,
                  const char **complaint)
{
    target_start_llvm();
    CpuCode *loaded = calloc(1, sizeof *loaded);
    if (!loaded)
        out_of_memory(sizeof *loaded);
    *complaint = reason_of(LLVMOrcCreateLLJIT(&loaded->jit, NULL));
    for (int i = 0; i < count && !*complaint; i++)
        *complaint = load_object(loaded->jit, &objects[i], symbols[i], &code[i]);
    if (!*complaint)
        return loaded;
    cpu_unload(loaded);
    return NULL;
}

void cpu_unload(CpuCode *code)
{
    if (code->jit)
        reason_of(LLVMOrcDisposeLLJIT(code->jit));
    free(code);
}
