#include "compiler/cpu/data_object.h"

#include "compiler/cpu/object_module.h"

static LLVMValueRef make_struct(ObjectModule *module, LLVMValueRef *members, unsigned count)
{
    return LLVMConstStructInContext(module->context, members, count, 0);
}

static LLVMValueRef make_code(ObjectModule *module, const DataVersion *version)
{
    LLVMValueRef *code = NEW_ARRAY(module->arena, LLVMValueRef, version->functions);
    for (int i = 0; i < version->functions; i++)
        code[i] = object_module_code(module, version->symbols[i]);
    LLVMValueRef table = LLVMConstArray2(module->pointer, code, (uint64_t)version->functions);
    return object_module_constant(module, NULL, table, 8);
}

static LLVMValueRef make_version(ObjectModule *module, const DataVersion *version)
{
    LLVMValueRef members[] = {object_module_text(module, version->name),
                              object_module_text(module, version->needs),
                              object_module_bytes(module, version->image, version->image_bytes),
                              object_module_number(module, version->image_bytes),
                              make_code(module, version),
                              object_module_number(module, (uint64_t)version->functions)};
    return make_struct(module, members, sizeof members / sizeof *members);
}

bool cpu_data_object(const CpuTarget *target, const DataContents *contents, Arena *arena, CpuObject *object,
                     const char **complaint)
{
    ObjectModule module;
    if (!object_module_open(&module, target, arena, complaint))
        return false;
    int count = contents->version_count;
    LLVMValueRef *versions = NEW_ARRAY(arena, LLVMValueRef, count);
    for (int i = 0; i < count; i++)
        versions[i] = make_version(&module, &contents->versions[i]);
    LLVMValueRef table = LLVMConstArray2(LLVMTypeOf(versions[0]), versions, (uint64_t)count);
    LLVMValueRef members[] = {object_module_constant(&module, NULL, table, 8),
                              object_module_number(&module, (uint64_t)count),
                              object_module_bytes(&module, contents->weights, contents->weights_bytes),
                              object_module_number(&module, contents->weights_bytes),
                              object_module_text(&module, contents->weights_name),
                              object_module_text(&module, contents->made)};
    object_module_constant(&module, "cnn_built",
                           make_struct(&module, members, sizeof members / sizeof *members), 8);
    return object_module_close(&module, object, complaint);
}
