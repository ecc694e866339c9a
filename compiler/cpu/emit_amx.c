/* The instructions of AMX. Its registers are named by us: sums in 0 to 3, operand A in 4, operand B in 6; 5
 * and 7 have the shapes of the last step of a run whose pairs are no multiple of a tile's. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit_matrix.h"

enum { ROW_BYTES = 64, SUMS = 4, TILE_A = 4, TILE_B = 6 /* + 1: for the rest of a run */, SHAPES_BYTES = 64 };

static void call(Emit *emit, const char *name, LLVMValueRef *arguments, unsigned count)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    if (!id)
        BUG("LLVM has no intrinsic %s", name);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(emit->module, id, NULL, 0);
    LLVMBuildCall2(emit->builder, LLVMGlobalGetValueType(function), function, arguments, count, "");
}

static LLVMValueRef tile_number(const Emit *emit, int tile)
{
    return LLVMConstInt(emit->i8, (uint64_t)tile, false);
}

void amx_load(Emit *emit, int tile, LLVMValueRef pointer, int64_t row_bytes)
{
    LLVMValueRef arguments[3] = {tile_number(emit, tile), pointer, matrix_number(emit, row_bytes)};
    call(emit, "llvm.x86.tileloadd64", arguments, 3);
}

void amx_store(Emit *emit, int tile, LLVMValueRef pointer, int64_t row_bytes)
{
    LLVMValueRef arguments[3] = {tile_number(emit, tile), pointer, matrix_number(emit, row_bytes)};
    call(emit, "llvm.x86.tilestored64", arguments, 3);
}

void amx_zero(Emit *emit, int tile)
{
    LLVMValueRef number = tile_number(emit, tile);
    call(emit, "llvm.x86.tilezero", &number, 1);
}

void amx_multiply(Emit *emit, int sums, int a, int b)
{
    LLVMValueRef arguments[3] = {tile_number(emit, sums), tile_number(emit, a), tile_number(emit, b)};
    call(emit, "llvm.x86.tdpbf16ps", arguments, 3);
}

void amx_release(Emit *emit)
{
    call(emit, "llvm.x86.tilerelease", NULL, 0);
}

/* ---- Shapes ---- */

void amx_load_shapes(Emit *emit, LLVMValueRef shapes)
{
    call(emit, "llvm.x86.ldtilecfg", &shapes, 1);
}

/* The 64 bytes that ldtilecfg reads: palette 1; the bytes of a row of each tile; its rows. */
static void write_shapes(int rows, int64_t main_pairs, int64_t tail, unsigned char *bytes)
{
    enum { ROW_BYTES_AT = 16, ROWS_AT = 48 };
    memset(bytes, 0, SHAPES_BYTES);
    bytes[0] = 1;
    for (int tile = 0; tile < SUMS; tile++) {
        bytes[ROW_BYTES_AT + 2 * tile] = ROW_BYTES;
        bytes[ROWS_AT + tile] = (unsigned char)rows;
    }
    for (int rest = 0; rest < (tail ? 2 : 1); rest++) {
        int64_t pairs = rest ? tail : main_pairs;
        bytes[ROW_BYTES_AT + 2 * (TILE_A + rest)] = (unsigned char)(4 * pairs);
        bytes[ROWS_AT + TILE_A + rest] = (unsigned char)rows;
        bytes[ROW_BYTES_AT + 2 * (TILE_B + rest)] = ROW_BYTES;
        bytes[ROWS_AT + TILE_B + rest] = (unsigned char)pairs;
    }
}

LLVMValueRef amx_shapes(Emit *emit, int rows, int64_t pairs, int64_t tail)
{
    unsigned char bytes[SHAPES_BYTES];
    write_shapes(rows, pairs, tail, bytes);
    LLVMValueRef element[SHAPES_BYTES];
    for (int i = 0; i < SHAPES_BYTES; i++)
        element[i] = LLVMConstInt(emit->i8, bytes[i], false);
    LLVMValueRef global = LLVMAddGlobal(emit->module, LLVMArrayType2(emit->i8, SHAPES_BYTES), "shapes");
    LLVMSetInitializer(global, LLVMConstArray2(emit->i8, element, SHAPES_BYTES));
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, SHAPES_BYTES);
    amx_load_shapes(emit, global);
    return global;
}

/* ---- Memory ---- */

LLVMValueRef amx_tensor(Emit *emit, ExprId load)
{
    LLVMValueRef at = matrix_number(emit, emit_expr(emit, load)->index);
    LLVMValueRef place =
        LLVMBuildGEP2(emit->builder, emit->pointer, LLVMGetParam(emit->function, 0), &at, 1, "");
    return LLVMBuildLoad2(emit->builder, emit->pointer, place, "");
}

LLVMValueRef amx_memory(Emit *emit, LLVMTypeRef element, int64_t count)
{
    LLVMValueRef memory = LLVMBuildAlloca(emit->builder, LLVMArrayType2(element, (uint64_t)count), "");
    LLVMSetAlignment(memory, 64);
    return memory;
}
