/* ws_upgrade.h - the HTTP/1.1 handshake that turns a connection into a WebSocket (RFC 6455 4). No
 * I/O. */
#ifndef TICKPIPE_COMMON_EDGE_NET_WS_UPGRADE_H
#define TICKPIPE_COMMON_EDGE_NET_WS_UPGRADE_H

#include "common/leaf/base.h"

enum {
    WS_KEY_TEXT = 25,      /* Base64 of 16 bytes, NUL. */
    WS_ACCEPT_TEXT = 29,   /* Base64 of 20 bytes, NUL. */
    WS_ANSWER_MAX = 16384, /* Most bytes that an answer's head may have. */
};

/* ws_upgrade_key writes Sec-WebSocket-Key from 16 random bytes. */
void ws_upgrade_key(const uint8_t random[16], char key[WS_KEY_TEXT]);

/* ws_upgrade_accept writes what the server must answer to key. */
void ws_upgrade_accept(const char *key, char accept[WS_ACCEPT_TEXT]);

/* ws_upgrade_request writes the whole request. headers: extra lines, each ended by CRLF, or "".
 * Returns its length, or ERR_RANGE when it does not fit. */
int ws_upgrade_request(char *out, size_t cap, const char *authority, const char *target,
                       const char *key, const char *headers);

struct ws_answer {
    int status;      /* 101, or what the server said instead; 0: not HTTP. */
    size_t len;      /* Of the head: frames begin there. */
    const char *why; /* Why it was refused, a literal. */
};

/* ws_upgrade_parse reads the server's answer at data. 0: the WebSocket is open, out->len bytes of
 * head; ERR_AGAIN: not all here; ERR_PROTO: refused, out->why and out->status say why. */
int ws_upgrade_parse(const char *data, size_t len, const char *accept, struct ws_answer *out);

#endif
