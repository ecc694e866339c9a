/* Object files into this process. A kernel refers to nothing but its own constants and a few functions of the
 * C library, so all of an object lies in one piece of memory that is never written again, and relocation.c
 * knows all kinds of reference. The objects of a call share one mapping. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/relocation.h"

enum { PAGE = 4096, ALIGNMENT_MOST = PAGE };

typedef struct Mapping {
    struct Mapping *before;
    char *memory;
    size_t bytes;
} Mapping;

struct CpuCode {
    Mapping *last;
};

/* An object file, of which every section's bytes and names were found to lie inside it. */
typedef struct {
    const char *bytes;
    size_t length;
    const Elf64_Shdr *sections;
    int section_count;
    const Elf64_Sym *symbols;
    int symbol_count;
    const char *names; /* ends with a NUL */
    size_t names_length;
    uint64_t *place; /* by section: its offset in the mapping */
} Object;

static const char BROKEN[] = "an object file of a kernel does not hold together";

static bool inside(const Object *object, uint64_t offset, uint64_t bytes)
{
    return offset <= object->length && bytes <= object->length - offset;
}

/* Tables can be read where they lie. */
static bool is_aligned(uint64_t offset)
{
    return offset % 8 == 0;
}

/* Code or constants. */
static bool is_kept(const Elf64_Shdr *section)
{
    return (section->sh_flags & SHF_ALLOC) && section->sh_type == SHT_PROGBITS;
}

static bool read_section(const Object *object, const Elf64_Shdr *section)
{
    bool table = section->sh_type == SHT_SYMTAB || section->sh_type == SHT_RELA;
    if (section->sh_type != SHT_NOBITS && !inside(object, section->sh_offset, section->sh_size))
        return false;
    if (is_kept(section) && ((section->sh_flags & SHF_WRITE) || section->sh_addralign > ALIGNMENT_MOST))
        return false;
    return !table || is_aligned(section->sh_offset);
}

static bool read_symbols(Object *object, const Elf64_Shdr *table)
{
    if (table->sh_link >= (unsigned)object->section_count)
        return false;
    const Elf64_Shdr *names = &object->sections[table->sh_link];
    object->symbols = (const Elf64_Sym *)(object->bytes + table->sh_offset);
    object->symbol_count = (int)(table->sh_size / sizeof(Elf64_Sym));
    object->names = object->bytes + names->sh_offset;
    object->names_length = names->sh_size;
    return names->sh_type == SHT_STRTAB && names->sh_size > 0 && object->names[names->sh_size - 1] == '\0';
}

static bool read_object(const CpuObject *from, Arena *arena, Object *object)
{
    const Elf64_Ehdr *header = from->object;
    *object = (Object){.bytes = from->object, .length = from->bytes};
    if (from->bytes < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_type != ET_REL ||
        header->e_machine != RELOCATION_MACHINE || header->e_shentsize != sizeof(Elf64_Shdr) ||
        !is_aligned(header->e_shoff) ||
        !inside(object, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
        return false;
    object->sections = (const Elf64_Shdr *)(object->bytes + header->e_shoff);
    object->section_count = header->e_shnum;
    object->place = NEW_ARRAY(arena, uint64_t, header->e_shnum);
    for (int i = 0; i < object->section_count; i++)
        if (!read_section(object, &object->sections[i]))
            return false;
    for (int i = 0; i < object->section_count; i++)
        if (object->sections[i].sh_type == SHT_SYMTAB && !read_symbols(object, &object->sections[i]))
            return false;
    return object->symbols != NULL;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return to > 1 ? (value + to - 1) / to * to : value;
}

/* Gives each section a place; the end of the last. */
static uint64_t lay_out(Object *object, uint64_t at)
{
    for (int i = 0; i < object->section_count; i++) {
        const Elf64_Shdr *section = &object->sections[i];
        if (!is_kept(section))
            continue;
        object->place[i] = at = round_up(at, section->sh_addralign);
        at += section->sh_size;
    }
    return at;
}

/* Where a symbol of the object lies; NULL: nowhere in it. */
static char *symbol_place(const Object *object, const Elf64_Sym *symbol, char *memory)
{
    int section = symbol->st_shndx;
    if (section == SHN_UNDEF || section >= object->section_count || !is_kept(&object->sections[section]) ||
        symbol->st_value > object->sections[section].sh_size)
        return NULL;
    return memory + object->place[section] + symbol->st_value;
}

static const char *symbol_name(const Object *object, const Elf64_Sym *symbol)
{
    return symbol->st_name < object->names_length ? object->names + symbol->st_name : "";
}

static bool relocate(const Object *object, char *memory, const Elf64_Shdr *table)
{
    if (table->sh_info >= (unsigned)object->section_count)
        return false;
    const Elf64_Shdr *target = &object->sections[table->sh_info];
    const Elf64_Rela *entries = (const Elf64_Rela *)(object->bytes + table->sh_offset);
    for (uint64_t i = 0; is_kept(target) && i < table->sh_size / sizeof *entries; i++) {
        const Elf64_Rela *entry = &entries[i];
        uint64_t number = ELF64_R_SYM(entry->r_info);
        if (number >= (uint64_t)object->symbol_count || entry->r_offset > target->sh_size ||
            target->sh_size - entry->r_offset < RELOCATION_BYTES)
            return false;
        const Elf64_Sym *symbol = &object->symbols[number];
        char *to = symbol_place(object, symbol, memory);
        if (!to)
            to = relocation_library(symbol_name(object, symbol), memory);
        char *at = memory + object->place[table->sh_info] + entry->r_offset;
        if (!to || !relocation_apply(ELF64_R_TYPE(entry->r_info), at, to, entry->r_addend))
            return false;
    }
    return true;
}

/* Copies the object to its place and finds its function. */
static bool settle(const Object *object, char *memory, const char *name, CnnCode **code)
{
    for (int i = 0; i < object->section_count; i++)
        if (is_kept(&object->sections[i]))
            memcpy(memory + object->place[i], object->bytes + object->sections[i].sh_offset,
                   object->sections[i].sh_size);
    for (int i = 0; i < object->section_count; i++)
        if (object->sections[i].sh_type == SHT_RELA && !relocate(object, memory, &object->sections[i]))
            return false;
    for (int i = 0; i < object->symbol_count; i++) {
        char *place = symbol_place(object, &object->symbols[i], memory);
        if (!place || strcmp(symbol_name(object, &object->symbols[i]), name) != 0)
            continue;
        memcpy(code, &place, sizeof *code); /* ISO C has no cast from an object to a function */
        return true;
    }
    return false;
}

static Mapping *map(CpuCode *loaded, uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    Mapping *mapping = malloc(sizeof *mapping);
    if (!mapping)
        out_of_memory(sizeof *mapping);
    *mapping = (Mapping){loaded->last, memory, bytes};
    loaded->last = mapping;
    return mapping;
}

static const char *load(CpuCode *loaded, const CpuObject *objects, const char *const *symbols, int count,
                        CnnCode **code, Arena *arena)
{
    Object *read = NEW_ARRAY(arena, Object, count);
    uint64_t bytes = RELOCATION_LIBRARY_BYTES;
    for (int i = 0; i < count; i++) {
        if (!read_object(&objects[i], arena, &read[i]))
            return BROKEN;
        bytes = lay_out(&read[i], bytes);
    }
    bytes = round_up(bytes, PAGE);
    const Mapping *mapping = map(loaded, bytes);
    if (!mapping)
        return "no memory for the code of the kernels";
    relocation_write_library(mapping->memory);
    for (int i = 0; i < count; i++)
        if (!settle(&read[i], mapping->memory, symbols[i], &code[i]))
            return BROKEN;
    __builtin___clear_cache(mapping->memory, mapping->memory + bytes);
    if (mprotect(mapping->memory, bytes, PROT_READ | PROT_EXEC) != 0)
        return "this system lets no new code be executed";
    return NULL;
}

bool cpu_load_more(CpuCode *loaded, const CpuObject *objects, const char *const *symbols, int count,
                   CnnCode **code, const char **complaint)
{
    Arena *arena = arena_new();
    *complaint = load(loaded, objects, symbols, count, code, arena);
    arena_free(arena);
    return !*complaint;
}

CpuCode *cpu_load(const CpuObject *objects, const char *const *symbols, int count, CnnCode **code,
                  const char **complaint)
{
    CpuCode *loaded = calloc(1, sizeof *loaded);
    if (!loaded)
        out_of_memory(sizeof *loaded);
    if (cpu_load_more(loaded, objects, symbols, count, code, complaint))
        return loaded;
    cpu_unload(loaded);
    return NULL;
}

void cpu_unload(CpuCode *code)
{
    for (Mapping *mapping = code->last; mapping;) {
        Mapping *before = mapping->before;
        munmap(mapping->memory, mapping->bytes);
        free(mapping);
        mapping = before;
    }
    free(code);
}
