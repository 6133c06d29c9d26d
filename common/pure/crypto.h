/* crypto.h - the few primitives that venues sign with, over OpenSSL, with key schedules reused.
 *
 * No I/O. Keys are wiped by fini. */
#ifndef TICKPIPE_COMMON_PURE_CRYPTO_H
#define TICKPIPE_COMMON_PURE_CRYPTO_H

#include "common/leaf/base.h"

struct hmac_key {
    void *
        sha256; /* Prepared EVP_MAC contexts: set back, not keyed again, per message. One thread. */
    void *sha512;
};
/* hmac_key_init prepares both hashes for a key. 0 or ERR_SYS. */
int hmac_key_init(struct hmac_key *key, const void *secret, size_t len);
void hmac_key_fini(struct hmac_key *key);
int hmac_sha256(struct hmac_key *key, const void *data, size_t len, uint8_t out[32]);
int hmac_sha512(struct hmac_key *key, const void *data, size_t len, uint8_t out[64]);

struct ed25519_key {
    void *key, *ctx; /* One thread. */
};
/* ed25519_key_init_pem takes a private key as PKCS#8 PEM, its lines ended by newlines, by the two
 * characters \\n, or not at all (as it comes out of an environment). 0, ERR_PROTO (not one, or of
 * another kind) or ERR_SYS; *key is then unchanged. fini also of a zeroed one. */
int ed25519_key_init_pem(struct ed25519_key *key, const char *pem, size_t len);
void ed25519_key_fini(struct ed25519_key *key);
int ed25519_sign(struct ed25519_key *key, const void *data, size_t len, uint8_t out[64]);

void sha256(const void *data, size_t len, uint8_t out[32]);
void sha256_two(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t out[32]);
uint32_t crc32_ieee(const void *data, size_t len);

void hex_encode(const uint8_t *data, size_t len, char *out); /* 2 * len + NUL, lower case */
size_t base64_encode(const uint8_t *data, size_t len, char *out,
                     size_t cap); /* Text and NUL; 0: does not fit */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap,
                  size_t *out_len); /* ERR_PROTO, ERR_FULL */

void secret_wipe(void *memory, size_t len);

#endif
