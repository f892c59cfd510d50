#include "base/build_id.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ALIGNED(bytes) (((size_t)(bytes) + 3) & ~(size_t)3)

static void take_note(const ElfW(Nhdr) * note, char *id)
{
	const unsigned char *bytes =
		(const unsigned char *)note + sizeof(*note) + ALIGNED(note->n_namesz);
	size_t len =
		note->n_descsz < (BUILD_ID_SIZE - 1) / 2 ? note->n_descsz : (BUILD_ID_SIZE - 1) / 2;

	for (size_t i = 0; i < len; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static void look_at_notes(uintptr_t at, size_t size, char *id)
{
	const uintptr_t end = at + size;

	while (at + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;

		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(note + 1, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0) {
			take_note(note, id);
			return;
		}
		at += sizeof(*note) + ALIGNED(note->n_namesz) + ALIGNED(note->n_descsz);
	}
}

/* The first object is the program itself; 1 ends the walk. */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_NOTE)
			look_at_notes(info->dlpi_addr + part->p_vaddr, part->p_memsz, data);
	}
	return 1;
}

void build_id_get(char ret_id[BUILD_ID_SIZE])
{
	memset(ret_id, 0, BUILD_ID_SIZE);
	dl_iterate_phdr(look_at_program, ret_id);
}

struct span {
	uintptr_t start, end;
};

static int measure_program(struct dl_phdr_info *info, size_t size, void *data)
{
	struct span *span = data;

	(void)size;
	span->start = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t end = info->dlpi_addr + part->p_vaddr + part->p_memsz;

		if (part->p_type == PT_LOAD && end > span->end)
			span->end = end;
	}
	return 1;
}

void build_id_span(uintptr_t *ret_start, uintptr_t *ret_end)
{
	struct span span = {0};

	dl_iterate_phdr(measure_program, &span);
	*ret_start = span.start;
	*ret_end = span.end;
}
