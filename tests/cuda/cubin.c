/* The sections .nv.info and .nv.shared.NAME of an ELF file for a GPU. There is no document of them: what is
 * read here was compared with what ptxas says of kernels that do and do not spill. */
#include "cubin.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

enum { EM_GPU = 190, FORM_SIZED = 4, INFO_FRAME = 0x11, INFO_REGISTERS = 0x2F };

/* A record: form, attribute, then two bytes, which for FORM_SIZED count those that follow: the number of a
 * symbol, and a value. */
static void read_info(const unsigned char *at, size_t count, CubinUse *use)
{
    const unsigned char *end = at + count;
    while (end - at >= 4) {
        uint16_t size;
        memcpy(&size, at + 2, sizeof size);
        const unsigned char *value = at + 4;
        uint32_t words[2];
        if (at[0] == FORM_SIZED && size >= sizeof words && (size_t)(end - value) >= sizeof words) {
            memcpy(words, value, sizeof words);
            if (at[1] == INFO_REGISTERS && (int)words[1] > use->registers)
                use->registers = (int)words[1];
            if (at[1] == INFO_FRAME && (int)words[1] > use->frame)
                use->frame = (int)words[1];
        }
        at = value + (at[0] == FORM_SIZED ? size : 0);
    }
}

bool cubin_read(const void *bytes, size_t count, CubinUse *use)
{
    *use = (CubinUse){0};
    Elf64_Ehdr header;
    if (count < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_machine != EM_GPU ||
        header.e_shoff > count || (size_t)header.e_shnum * sizeof(Elf64_Shdr) > count - header.e_shoff ||
        header.e_shstrndx >= header.e_shnum)
        return false;
    const char *base = bytes;
    const Elf64_Shdr *sections = (const void *)(base + header.e_shoff); /* 8 bytes are their alignment */
    const char *names = base + sections[header.e_shstrndx].sh_offset;
    for (int i = 0; i < header.e_shnum; i++) {
        const char *name = names + sections[i].sh_name;
        if (strcmp(name, ".nv.info") == 0)
            read_info((const unsigned char *)base + sections[i].sh_offset, sections[i].sh_size, use);
        if (strncmp(name, ".nv.shared.", 11) == 0 && (int)sections[i].sh_size > use->shared)
            use->shared = (int)sections[i].sh_size;
    }
    return use->registers > 0;
}
