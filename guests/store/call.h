/* SPDX-License-Identifier: Apache-2.0 */
/* One request under way: between request.c, node_op.c and name.c. */
#ifndef STORE_CALL_H
#define STORE_CALL_H

#include "internal.h"

#define DOMID_MAX  0x7fefu
#define PARAMS_MAX 8u

struct call {
    uint32_t client;
    uint32_t transaction;
    const uint8_t *payload;
    uint32_t size;
    struct store_reply *reply;
    const char *param[PARAMS_MAX]; /* the strings of the payload */
    uint32_t params;
    const uint8_t *rest; /* what comes behind the first string */
    uint32_t rest_size;
};

/* ---- request.c ---- */

void call_answer(struct call *call, const void *data, size_t size); /* more of the reply */
int32_t call_done(struct call *call, int32_t error);                /* "OK" where error is 0; returns error */

/* ---- name.c ---- */

void client_init(void);
bool client_add(uint16_t domid, uint32_t port); /* false: no more */

/* The absolute path that text means to the client.  EINVAL. */
int32_t call_path(const struct call *call, const char *text, struct path *path);
bool call_number(const char *text, uint32_t most, uint32_t *number); /* decimal; false: anything else */
size_t call_home(uint16_t domid, char *to, size_t room);             /* "/local/domain/DOMID"; its length */

/* ---- node_op.c ---- */

int32_t op_directory(struct call *call);
int32_t op_directory_part(struct call *call);
int32_t op_read(struct call *call);
int32_t op_write(struct call *call);
int32_t op_mkdir(struct call *call);
int32_t op_rm(struct call *call);
int32_t op_get_perms(struct call *call);
int32_t op_set_perms(struct call *call);

#endif
