#include "compiler/cpu/data_object.h"

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include "compiler/cpu/target.h"

static void define(LLVMModuleRef module, const char *name, LLVMValueRef value, unsigned alignment)
{
    LLVMValueRef global = LLVMAddGlobal(module, LLVMTypeOf(value), name);
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetAlignment(global, alignment);
}

static void define_all(LLVMContextRef context, LLVMModuleRef module, const void *bytes, size_t length,
                       const char *const *symbols, int count, Arena *arena)
{
    LLVMTypeRef pointer = LLVMPointerTypeInContext(context, 0);
    LLVMTypeRef function =
        LLVMFunctionType(LLVMVoidTypeInContext(context), (LLVMTypeRef[]){pointer, pointer}, 2, 0);
    LLVMValueRef *code = NEW_ARRAY(arena, LLVMValueRef, count);
    for (int i = 0; i < count; i++)
        code[i] = LLVMAddFunction(module, symbols[i], function);
    define(module, "cnn_image_bytes", LLVMConstStringInContext2(context, bytes, length, 1), 64);
    define(module, "cnn_image_length", LLVMConstInt(LLVMInt64TypeInContext(context), length, 0), 8);
    define(module, "cnn_image_code", LLVMConstArray2(pointer, code, (uint64_t)count), 8);
    define(module, "cnn_image_code_count", LLVMConstInt(LLVMInt32TypeInContext(context), (uint64_t)count, 0),
           4);
}

bool cpu_data_object(const CpuTarget *target, const void *bytes, size_t length, const char *const *symbols,
                     int count, Arena *arena, CpuObject *object, const char **complaint)
{
    LLVMTargetRef description;
    char *message = NULL;
    target_start_llvm();
    if (LLVMGetTargetFromTriple(target->triple, &description, &message)) {
        *complaint = arena_printf(arena, "LLVM has no target %s: %s", target->triple, message);
        LLVMDisposeMessage(message);
        return false;
    }
    LLVMContextRef context = LLVMContextCreate();
    LLVMTargetMachineRef machine =
        LLVMCreateTargetMachine(description, target->triple, target->cpu, target->features,
                                LLVMCodeGenLevelDefault, LLVMRelocPIC, LLVMCodeModelDefault);
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext("image", context);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetTarget(module, target->triple);
    LLVMSetModuleDataLayout(module, layout);
    define_all(context, module, bytes, length, symbols, count, arena);
    LLVMMemoryBufferRef buffer = NULL;
    bool failed = LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &buffer);
    if (failed) {
        *complaint = arena_printf(arena, "LLVM could not write the image: %s", message);
        LLVMDisposeMessage(message);
    } else {
        object->bytes = LLVMGetBufferSize(buffer);
        object->object = arena_copy(arena, LLVMGetBufferStart(buffer), object->bytes);
        LLVMDisposeMemoryBuffer(buffer);
    }
    LLVMDisposeTargetData(layout);
    LLVMDisposeModule(module);
    LLVMDisposeTargetMachine(machine);
    LLVMContextDispose(context);
    return !failed;
}
