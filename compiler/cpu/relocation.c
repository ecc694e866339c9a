#include "compiler/cpu/relocation.h"

#include <string.h>

enum { JUMP_BYTES = 16 };

/* What LLVM makes of copying and clearing. */
typedef void Function(void);
static const struct {
    const char *name;
    Function *function;
} library[] = {{"memset", (Function *)memset}, {"memcpy", (Function *)memcpy}};

static bool write_word(char *at, uint32_t word)
{
    memcpy(at, &word, sizeof word);
    return true;
}

static bool fits(int64_t value, int bits)
{
    int64_t limit = (int64_t)1 << (bits - 1);
    return value >= -limit && value < limit;
}

#if defined(__x86_64__)

/* jmp [rip + 2], past two bytes that fill up. */
static const unsigned char jump[JUMP_BYTES - sizeof(void *)] = {0xFF, 0x25, 0x02, 0x00,
                                                                0x00, 0x00, 0xCC, 0xCC};

bool relocation_apply(uint32_t type, char *at, const char *to, int64_t addend)
{
    int64_t distance = (int64_t)((uintptr_t)to - (uintptr_t)at) + addend;
    if ((type != R_X86_64_PC32 && type != R_X86_64_PLT32) || !fits(distance, 32))
        return false;
    return write_word(at, (uint32_t)distance);
}

#else

static uint32_t read_word(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* ldr x16, .+8; br x16 */
static const unsigned char jump[JUMP_BYTES - sizeof(void *)] = {0x50, 0x00, 0x00, 0x58,
                                                                0x00, 0x02, 0x1F, 0xD6};

/* Of an instruction with the low 12 bits of an address, in units of 1 << shift. */
static bool write_low(char *at, uint64_t target, int shift)
{
    return (target & ((1u << shift) - 1)) == 0 &&
           write_word(at, read_word(at) | (uint32_t)(target & 0xFFF) >> shift << 10);
}

static bool write_page(char *at, uint64_t target)
{
    int64_t pages = (int64_t)(target >> 12) - (int64_t)((uintptr_t)at >> 12);
    uint32_t low = (uint32_t)pages & 3, high = (uint32_t)(pages >> 2) & 0x7FFFF;
    return fits(pages, 21) && write_word(at, read_word(at) | low << 29 | high << 5);
}

bool relocation_apply(uint32_t type, char *at, const char *to, int64_t addend)
{
    uint64_t target = (uintptr_t)to + (uint64_t)addend;
    int64_t distance = (int64_t)(target - (uintptr_t)at);
    switch (type) {
    case R_AARCH64_ADR_PREL_PG_HI21:
        return write_page(at, target);
    case R_AARCH64_PREL32:
        return fits(distance, 32) && write_word(at, (uint32_t)distance);
    case R_AARCH64_ADD_ABS_LO12_NC:
    case R_AARCH64_LDST8_ABS_LO12_NC:
        return write_low(at, target, 0);
    case R_AARCH64_LDST16_ABS_LO12_NC:
        return write_low(at, target, 1);
    case R_AARCH64_LDST32_ABS_LO12_NC:
        return write_low(at, target, 2);
    case R_AARCH64_LDST64_ABS_LO12_NC:
        return write_low(at, target, 3);
    case R_AARCH64_LDST128_ABS_LO12_NC:
        return write_low(at, target, 4);
    case R_AARCH64_CALL26:
    case R_AARCH64_JUMP26:
        return fits(distance, 28) && write_word(at, read_word(at) | ((uint32_t)(distance >> 2) & 0x3FFFFFF));
    default:
        return false;
    }
}

#endif

void relocation_write_library(char *mapping)
{
    for (size_t i = 0; i < sizeof library / sizeof *library; i++) {
        char *at = mapping + i * JUMP_BYTES;
        memcpy(at, jump, sizeof jump);
        memcpy(at + sizeof jump, &library[i].function, sizeof(void *));
    }
}

char *relocation_library(const char *name, char *mapping)
{
    for (size_t i = 0; i < sizeof library / sizeof *library; i++)
        if (strcmp(library[i].name, name) == 0)
            return mapping + i * JUMP_BYTES;
    return NULL;
}
