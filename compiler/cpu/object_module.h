/* A module of LLVM that becomes an object file of data and small functions, beside those of the kernels. */
#ifndef OBJECT_MODULE_H
#define OBJECT_MODULE_H

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include "compiler/cpu/cpu.h"

typedef struct {
    Arena *arena;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetMachineRef machine;
    LLVMTargetDataRef layout;
    LLVMTypeRef pointer, number; /* of any kind; of 64 bits */
} ObjectModule;

/** Begins one. false with a sentence in *complaint: LLVM does not know the target. */
bool object_module_open(ObjectModule *module, const CpuTarget *target, Arena *arena, const char **complaint);

/** Ends it, and makes the object, in the arena. false with a sentence in *complaint. */
bool object_module_close(ObjectModule *module, CpuObject *object, const char **complaint);

/** Data, `alignment` bytes aligned, that other objects see by `name`, or only this module where it is NULL.
 */
LLVMValueRef object_module_constant(ObjectModule *module, const char *name, LLVMValueRef value,
                                    unsigned alignment);
/** A pointer to a copy of bytes; NULL of the target's where `bytes` is. */
LLVMValueRef object_module_bytes(ObjectModule *module, const void *bytes, size_t length);
/** The same of a text with its NUL. */
LLVMValueRef object_module_text(ObjectModule *module, const char *text);
/** A number of 64 bits. */
LLVMValueRef object_module_number(ObjectModule *module, uint64_t number);
/** A function of type CnnCode that another object defines. */
LLVMValueRef object_module_code(ObjectModule *module, const char *symbol);

#endif
