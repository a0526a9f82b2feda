/* SPDX-License-Identifier: Apache-2.0 */
/* [impl->dsn~bhctl-dump~1] */
#include "dump.h"

#include <string.h>

#define PAGE      UINT64_C(4096)
#define HEADER    0x10000u /* bytes before the memory */
#define NOTES     0x1000u  /* where notes stand */
#define RUNS      40u      /* of frames; what comes after the last one is part of it, with holes */
#define FIRST     0x38000u /* frame: below it are no pages of a domain */
#define NT_STATUS 1u
#define MODE_SP   0xfu /* of pstate: which stack pointer */
#define MODE_EL1H 0x5u

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t header_bytes, segment_bytes, segments, section_bytes, sections, names;
};
_Static_assert(sizeof(struct elf_header) == 64, "ELF");

struct elf_segment {
    uint32_t type, flags;
    uint64_t at, virtual_address, address, bytes_of_file, bytes, align;
};
_Static_assert(sizeof(struct elf_segment) == 56, "ELF");
#define ELF_CORE           4u
#define ELF_AARCH64        183u
#define PT_LOAD            1u
#define PT_NOTE            4u
#define READ_WRITE_EXECUTE 7u

/* A note with what Linux calls struct elf_prstatus. */
struct status_note {
    uint32_t name_bytes, bytes, type;
    char name[8]; /* "CORE", padded to a multiple of 4 */
    uint32_t signal[3];
    uint16_t current_signal, pad;
    uint64_t pending, held;
    uint32_t pid, parent, group, session;
    uint64_t times[8];
    uint64_t x[31], sp, pc, pstate;
    uint32_t has_fp, pad_end;
} __attribute__((packed));
_Static_assert(sizeof(struct status_note) == 12 + 8 + 392, "what debuggers expect");

struct dump {
    struct bhctl_port *port;
    uint16_t domid;
    uint64_t found; /* frames */
    uint64_t size;  /* of the file so far, what was not written included */
    uint64_t written;
    uint32_t runs;
    struct {
        uint64_t first, count; /* frames */
        uint64_t at;           /* in the file */
    } run[RUNS];
};

/* ---- registers ---- */

static void fill_note(struct status_note *note, uint32_t vcpu, const struct vcpu_guest_context *context)
{
    const struct vcpu_guest_core_regs *regs = &context->user_regs;

    *note = (struct status_note){
        .name_bytes = 5,
        .bytes = 392,
        .type = NT_STATUS,
        .name = "CORE",
        .pid = vcpu + 1,
        .sp = ((regs->cpsr & MODE_SP) == MODE_EL1H) ? regs->sp_el1 : regs->sp_el0,
        .pc = regs->pc64,
        .pstate = regs->cpsr,
    };
    memcpy(note->x, &regs->x0, sizeof(note->x));
}

/* Returns bytes of notes.  A vCPU that is off has none; without the right to pause, or where a vCPU was never made, none either. */
static int64_t write_notes(struct dump *dump, uint32_t vcpus)
{
    uint64_t at = NOTES;

    for (uint32_t i = 0; i < vcpus; i++) {
        struct vcpu_guest_context context;
        struct status_note note;
        if (call_context(dump->port, dump->domid, i, &context) != 0 || (context.flags & VGCF_online) == 0) {
            continue;
        }
        fill_note(&note, i, &context);
        int64_t result = dump->port->host->file_write(at, &note, sizeof(note));
        if (result < 0) {
            return result;
        }
        at += sizeof(note);
    }
    return (int64_t)(at - NOTES);
}

/* ---- memory ---- */

/* Where frame gfn stands in the file. */
static uint64_t place(struct dump *dump, uint64_t gfn)
{
    uint32_t last = dump->runs - 1; /* used where there is one */

    if (dump->runs == 0 || (dump->run[last].first + dump->run[last].count != gfn && dump->runs < RUNS)) {
        last = dump->runs;
        dump->runs++;
        dump->run[last].first = gfn;
        dump->run[last].count = 0;
        dump->run[last].at = dump->size;
    }
    dump->run[last].count = gfn - dump->run[last].first + 1;
    dump->size = dump->run[last].at + dump->run[last].count * PAGE;
    return dump->size - PAGE;
}

static bool is_zero(const uint8_t *page)
{
    const uint64_t *words = (const uint64_t *)(const void *)page;
    uint64_t all = 0;

    for (uint32_t i = 0; i < PAGE / sizeof(*words); i++) {
        all |= words[i];
    }
    return all == 0;
}

static int64_t write_frames(struct dump *dump, uint64_t gfn, const uint8_t *pages, const int32_t *error)
{
    int64_t result = 0;

    for (uint32_t i = 0; i < BHCTL_FRAMES && result >= 0; i++) {
        if (error[i] == 0) {
            uint64_t at = place(dump, gfn + i);
            dump->found++;
            if (!is_zero(&pages[i * PAGE])) {
                result = dump->port->host->file_write(at, &pages[i * PAGE], PAGE);
                dump->written = dump->size;
            }
        }
    }
    return result;
}

/* Bound: frames up to the highest in use, or as many as the domain has. */
static int64_t write_memory(struct dump *dump, uint64_t frames)
{
    const struct bhctl_host *host = dump->port->host;
    int64_t last = call_last_frame(dump->port, dump->domid);
    int64_t result = (last < 0) ? last : 0;

    for (uint64_t gfn = FIRST; result >= 0 && (int64_t)gfn <= last && dump->found < frames; gfn += BHCTL_FRAMES) {
        int32_t error[BHCTL_FRAMES];
        const uint8_t *pages = host->map(dump->domid, gfn, error);
        result = (pages == NULL) ? -XEN_ENOMEM : write_frames(dump, gfn, pages, error);
        if (pages != NULL) {
            host->unmap(pages);
        }
    }
    if (result >= 0 && dump->written < dump->size) {
        result = host->file_write(dump->size - 1, "", 1);
    }
    return result;
}

/* ---- header ---- */

static int64_t write_header(struct dump *dump, uint64_t notes)
{
    struct elf_header header = {
        .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1}, /* 64 bits, little-endian */
        .type = ELF_CORE,
        .machine = ELF_AARCH64,
        .version = 1,
        .segments_at = sizeof(header),
        .header_bytes = sizeof(header),
        .segment_bytes = sizeof(struct elf_segment),
        .segments = (uint16_t)(dump->runs + 1),
    };
    struct elf_segment segments[RUNS + 1] = {
        {.type = PT_NOTE, .at = NOTES, .bytes_of_file = notes, .bytes = notes, .align = 4}};

    for (uint32_t i = 0; i < dump->runs; i++) {
        segments[i + 1] = (struct elf_segment){
            .type = PT_LOAD,
            .flags = READ_WRITE_EXECUTE,
            .at = dump->run[i].at,
            .virtual_address = dump->run[i].first * PAGE,
            .address = dump->run[i].first * PAGE,
            .bytes_of_file = dump->run[i].count * PAGE,
            .bytes = dump->run[i].count * PAGE,
            .align = PAGE,
        };
    }
    int64_t result = dump->port->host->file_write(0, &header, sizeof(header));
    return (result < 0)
               ? result
               : dump->port->host->file_write(sizeof(header), segments, (dump->runs + 1) * sizeof(segments[0]));
}

static int64_t write_all(struct dump *dump, const struct bhctl_domain *domain, const char *path)
{
    int64_t result = dump->port->host->file_open(path);
    int64_t notes = (result < 0) ? result : write_notes(dump, domain->info.max_vcpu_id + 1);

    result = (notes < 0) ? notes : write_memory(dump, domain->info.tot_pages);
    return (result < 0) ? result : write_header(dump, (uint64_t)notes);
}

int64_t dump_domain(struct bhctl_port *port, const struct bhctl_domain *domain, const char *path)
{
    struct dump dump = {.port = port, .domid = (uint16_t)domain->info.domain, .size = HEADER};
    bool runs = (domain->info.flags & (XEN_DOMINF_paused | XEN_DOMINF_shutdown | XEN_DOMINF_dying)) == 0;
    int64_t result = call_holds(port, dump.domid, BULKHEAD_RIGHT_MAP_FOREIGN);

    if (result == 0 && (port->host == NULL || port->host->file_open == NULL)) {
        result = -XEN_ENODEV;
    }
    if (result == 0 && runs) {
        runs = call_domctl(port, XEN_DOMCTL_pausedomain, dump.domid) ==
               0; /* else it is dumped as it runs, without registers */
    }
    if (result == 0) {
        result = write_all(&dump, domain, path);
        if (runs) {
            (void)call_domctl(port, XEN_DOMCTL_unpausedomain, dump.domid);
        }
    }
    return (result < 0) ? result : 0;
}
