/* SPDX-License-Identifier: Apache-2.0 */
/* Base types: addresses as types, one error type, ownership attributes. */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define PAGE_SHIFT 12u
#define PAGE_SIZE  UINT64_C(4096)
#define PAGE_MASK  (PAGE_SIZE - 1u)

/* Frame numbers and addresses.  One-field structures: a mix-up does not compile. */
typedef struct {
    uint64_t v;
} mfn_t; /* machine frame number */
typedef struct {
    uint64_t v;
} gfn_t; /* guest frame number: guest-physical address >> 12 */
typedef struct {
    uint64_t v;
} maddr_t; /* machine address, bytes */
typedef struct {
    uint64_t v;
} gaddr_t; /* guest-physical address, bytes */
typedef struct {
    uint64_t v;
} gva_t; /* guest virtual address, bytes */

typedef uint64_t ticks_t; /* generic timer ticks (CNTPCT) */

#define MFN(x)   ((mfn_t){(x)})
#define GFN(x)   ((gfn_t){(x)})
#define MADDR(x) ((maddr_t){(x)})
#define GADDR(x) ((gaddr_t){(x)})
#define GVA(x)   ((gva_t){(x)})
#define MFN_NONE MFN(UINT64_MAX)
#define GFN_NONE GFN(UINT64_MAX)

static inline mfn_t maddr_to_mfn(maddr_t a)
{
    return MFN(a.v >> PAGE_SHIFT);
}
static inline maddr_t mfn_to_maddr(mfn_t m)
{
    return MADDR(m.v << PAGE_SHIFT);
}
static inline gfn_t gaddr_to_gfn(gaddr_t a)
{
    return GFN(a.v >> PAGE_SHIFT);
}

#define MUST_CHECK __attribute__((warn_unused_result))
#if defined(__clang__)
#define MUST_CHECK_TYPE MUST_CHECK
#define COLD            __attribute__((minsize)) /* small before fast, in a file whose other functions are hot */
#else
#define COLD
#define MUST_CHECK_TYPE /* GCC has it for functions only */
#endif

/* Results.  Values are the Xen ABI's errno numbers, negated as a guest sees them. */
typedef enum MUST_CHECK_TYPE err {
    OK = 0,
    ERR_PERM = -1,
    ERR_NOENT = -2,
    ERR_SRCH = -3,
    ERR_2BIG = -7,
    ERR_AGAIN = -11,
    ERR_NOMEM = -12,
    ERR_ACCES = -13,
    ERR_FAULT = -14,
    ERR_BUSY = -16,
    ERR_EXIST = -17,
    ERR_NODEV = -19,
    ERR_INVAL = -22,
    ERR_NOSPC = -28,
    ERR_RANGE = -34,
    ERR_NOSYS = -38,
    ERR_MSGSIZE = -90,
    ERR_OPNOTSUPP = -95,
    ERR_CONNREFUSED = -111,
    ERR_RESTART = -85, /* internal: the same call is to be made again; no guest sees it */
} err_t;

#if defined(__clang__)
#define ANALYSIS(...) __attribute__((__VA_ARGS__)) /* by clang -Wthread-safety */
#else
#define ANALYSIS(...)
#endif
#define CAPABILITY(x)    ANALYSIS(capability(x))
#define REQUIRES(...)    ANALYSIS(requires_capability(__VA_ARGS__))
#define ACQUIRE(...)     ANALYSIS(acquire_capability(__VA_ARGS__))
#define RELEASE(...)     ANALYSIS(release_capability(__VA_ARGS__))
#define EXCLUDES(...)    ANALYSIS(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY ANALYSIS(no_thread_safety_analysis)

#define NOINLINE                      __attribute__((noinline))
#define ALWAYS_INLINE                 inline __attribute__((always_inline))
#define UNUSED                        __attribute__((unused)) /* a parameter that the table's other functions use */
#define NORETURN                      __attribute__((noreturn))
#define PRINTF(f, a)                  __attribute__((format(printf, f, a)))
#define ALIGNED(n)                    __attribute__((aligned(n)))
#define LIKELY(x)                     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                   __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))

#define CACHE_LINE 64u

/* A broken invariant of ours stops the machine, in release builds too.  On the target that is one instruction: its address
 * finds the text, which is kept beside the names of functions. */
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif
#if defined(__aarch64__) && __STDC_HOSTED__ == 0
#define TEXT_OF(x) #x
#define NUMBER(x)  TEXT_OF(x)
#define BROKEN(text)                                                                                                   \
    ({                                                                                                                 \
        __asm__ volatile("1: brk #1\n\t.pushsection .asserts, \"a\"\n\t.quad 1b\n\t.asciz \"'" text                    \
                         "' failed at " __FILE_NAME__ ":" NUMBER(__LINE__) "\"\n\t.popsection");                       \
        __builtin_unreachable();                                                                                       \
    })
#else
NORETURN void assert_failed(const char *what, const char *file, unsigned line);
#define BROKEN(text) assert_failed(text, __FILE_NAME__, __LINE__)
#endif
#define ASSERT(x) (LIKELY(x) ? (void)0 : BROKEN(#x))

#endif
