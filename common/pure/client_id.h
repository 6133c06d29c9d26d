/* client_id.h - the venue's client order id: a reversible rendering of (environment tag, order_id,
 * revision).
 *
 * As text: one letter of environment, 13 letters of base32 (Crockford, upper case, most significant
 * first), 3 of revision: 17 characters of [0-9A-Z], which most venues' charset and length take
 * (Kraken: 18). As a UUID, for venues that take nothing else: version 4, variant 1, lower case; the
 * same three in 84 of its 122 free bits, and a mark made of them in the other 38, by which ours are
 * told from those of others. */
#ifndef TICKPIPE_COMMON_PURE_CLIENT_ID_H
#define TICKPIPE_COMMON_PURE_CLIENT_ID_H

#include "common/leaf/base.h"

enum {
    CLIENT_ID_LEN = 17,
    CLIENT_ID_UUID_LEN = 36,
    CLIENT_ID_MAX = CLIENT_ID_UUID_LEN, /* Of any form. */
    CLIENT_ID_REVISION_MAX = 32767
};

enum client_id_form { CLIENT_ID_TEXT, CLIENT_ID_UUID };

/* client_id_write: 0 or ERR_RANGE (environment not a letter A-Z, revision too large). */
int client_id_write(char environment, uint64_t order_id, unsigned revision,
                    char out[CLIENT_ID_LEN + 1]);

/* client_id_write_as writes either form; the same errors. */
int client_id_write_as(enum client_id_form form, char environment, uint64_t order_id,
                       unsigned revision, char out[CLIENT_ID_MAX + 1]);

/* client_id_read reads either form: 0, or ERR_NOT_FOUND: not ours (foreign). */
int client_id_read(const char *text, char *environment, uint64_t *order_id, unsigned *revision);

/* order_id: strategy 12 bits | session 20 | counter 32. */
#define ORDER_ID(strategy, session, counter)                             \
    ((uint64_t)(strategy) << 52 | (uint64_t)((session)&0xfffffu) << 32 | \
     (uint64_t)(uint32_t)(counter))
#define ORDER_ID_STRATEGY(order_id) ((uint16_t)((order_id) >> 52))
#define ORDER_ID_SESSION(order_id)  ((uint32_t)((order_id) >> 32 & 0xfffffu))

#endif
