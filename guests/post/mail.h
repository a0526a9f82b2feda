/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox in shared memory, as the example guests `post` (freestanding) and guests/linux/mailman.c (Linux) use it:
 * each direction has a slot; who fills it counts its number up last and then sends an event.
 * Everything is read and written in 32-bit words, so that uncached memory does as well. */
#ifndef POST_MAIL_H
#define POST_MAIL_H

#include <stdint.h>

#define MAIL_WORDS 32u /* of text */

struct mail_slot {
    volatile uint32_t number; /* of the message that is in it; 0 = none yet */
    volatile uint32_t sum;    /* of the text's words, and the number */
    volatile uint32_t text[MAIL_WORDS];
};

struct mailbox {
    struct mail_slot question; /* to the freestanding guest */
    struct mail_slot answer;   /* from it */
};

static inline uint32_t mail_sum(const struct mail_slot *slot, uint32_t number)
{
    uint32_t sum = number;

    for (uint32_t i = 0; i < MAIL_WORDS; i++) {
        sum = sum * 31u + slot->text[i];
    }
    return sum;
}

/* text: at most 4 * MAIL_WORDS - 1 characters; what is longer is cut. */
static inline void mail_put(struct mail_slot *slot, uint32_t number, const char *text)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < MAIL_WORDS; i++) {
        uint32_t word = 0;
        for (uint32_t b = 0; b < 4; b++) {
            uint32_t c = (at < 4 * MAIL_WORDS - 1) ? (uint8_t)text[at] : 0;
            word |= c << (8 * b);
            at += (c != 0) ? 1 : 0;
        }
        slot->text[i] = word;
    }
    slot->sum = mail_sum(slot, number);
    __asm__ volatile("dmb sy" ::: "memory");
    slot->number = number;
    __asm__ volatile("dmb sy" ::: "memory");
}

/* The message `number` is there and whole; its text goes to `text`, 4 * MAIL_WORDS bytes. */
static inline int mail_get(const struct mail_slot *slot, uint32_t number, char *text)
{
    if (slot->number != number) {
        return 0;
    }
    __asm__ volatile("dmb sy" ::: "memory");
    for (uint32_t i = 0; i < MAIL_WORDS; i++) {
        uint32_t word = slot->text[i];
        for (uint32_t b = 0; b < 4; b++) {
            text[4 * i + b] = (char)(word >> (8 * b));
        }
    }
    text[4 * MAIL_WORDS - 1] = '\0';
    return mail_sum(slot, number) == slot->sum;
}

#endif
