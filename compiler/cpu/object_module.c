#include "compiler/cpu/object_module.h"

#include <llvm-c/Target.h>
#include <string.h>

#include "compiler/cpu/target.h"

enum { LINE = 64 };

bool object_module_open(ObjectModule *module, const CpuTarget *target, Arena *arena, const char **complaint)
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
    *module = (ObjectModule){.arena = arena,
                             .context = context,
                             .module = LLVMModuleCreateWithNameInContext("built", context),
                             .machine = LLVMCreateTargetMachine(description, target->triple, target->cpu,
                                                                target->features, LLVMCodeGenLevelDefault,
                                                                LLVMRelocPIC, LLVMCodeModelDefault),
                             .pointer = LLVMPointerTypeInContext(context, 0),
                             .number = LLVMInt64TypeInContext(context)};
    module->layout = LLVMCreateTargetDataLayout(module->machine);
    LLVMSetTarget(module->module, target->triple);
    LLVMSetModuleDataLayout(module->module, module->layout);
    return true;
}

bool object_module_close(ObjectModule *module, CpuObject *object, const char **complaint)
{
    LLVMMemoryBufferRef buffer = NULL;
    char *message = NULL;
    bool failed = LLVMTargetMachineEmitToMemoryBuffer(module->machine, module->module, LLVMObjectFile,
                                                      &message, &buffer);
    if (failed) {
        *complaint = arena_printf(module->arena, "LLVM could not write the image: %s", message);
        LLVMDisposeMessage(message);
    } else {
        object->bytes = LLVMGetBufferSize(buffer);
        object->object = arena_copy(module->arena, LLVMGetBufferStart(buffer), object->bytes);
        LLVMDisposeMemoryBuffer(buffer);
    }
    LLVMDisposeTargetData(module->layout);
    LLVMDisposeModule(module->module);
    LLVMDisposeTargetMachine(module->machine);
    LLVMContextDispose(module->context);
    return !failed;
}

LLVMValueRef object_module_constant(ObjectModule *module, const char *name, LLVMValueRef value,
                                    unsigned alignment)
{
    LLVMValueRef global = LLVMAddGlobal(module->module, LLVMTypeOf(value), name ? name : "");
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetAlignment(global, alignment);
    if (!name)
        LLVMSetLinkage(global, LLVMPrivateLinkage);
    return global;
}

LLVMValueRef object_module_bytes(ObjectModule *module, const void *bytes, size_t length)
{
    if (!bytes)
        return LLVMConstNull(module->pointer);
    return object_module_constant(module, NULL, LLVMConstStringInContext2(module->context, bytes, length, 1),
                                  LINE);
}

LLVMValueRef object_module_text(ObjectModule *module, const char *text)
{
    return object_module_bytes(module, text, text ? strlen(text) + 1 : 0);
}

LLVMValueRef object_module_number(ObjectModule *module, uint64_t number)
{
    return LLVMConstInt(module->number, number, 0);
}

LLVMValueRef object_module_code(ObjectModule *module, const char *symbol)
{
    LLVMValueRef known = LLVMGetNamedFunction(module->module, symbol);
    LLVMTypeRef function = LLVMFunctionType(LLVMVoidTypeInContext(module->context),
                                            (LLVMTypeRef[]){module->pointer, module->pointer}, 2, 0);
    return known ? known : LLVMAddFunction(module->module, symbol, function);
}
