#include "common/pure/crypto.h"
#include "common/leaf/err.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Fetched once: a lookup by name at each call costs more than hashing an order. */
static EVP_MD *sha256_md;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void sha256_forget(void)
{
    EVP_MD_free(sha256_md);
    sha256_md = NULL;
}

static void sha256_fetch(void)
{
    sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256_md)
        abort(); /* No OpenSSL without it: nothing could be identified or signed. */
    (void)atexit(sha256_forget);
}

static EVP_MAC_CTX *hmac_prepare(const char *digest, const void *secret, size_t len)
{
    char name[16];
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac); /* The context holds its own reference. */
    if (!ctx)
        return NULL;
    strcpy(name, digest);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    /* OpenSSL takes NULL for "the key that is there", so an empty secret needs an address. */
    if (EVP_MAC_init(ctx, len > 0 ? secret : "", len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

int hmac_key_init(struct hmac_key *key, const void *secret, size_t len)
{
    struct hmac_key made = { hmac_prepare("SHA256", secret, len),
                             hmac_prepare("SHA512", secret, len) };

    if (!made.sha256 || !made.sha512) {
        hmac_key_fini(&made);
        return ERR_SYS;
    }
    *key = made;
    return 0;
}

void hmac_key_fini(struct hmac_key *key)
{
    EVP_MAC_CTX_free(key->sha256); /* Wipes its schedule; NULL is fine. */
    EVP_MAC_CTX_free(key->sha512);
    *key = (struct hmac_key){ 0 };
}

/* init without a key goes back to the prepared schedule. */
static int hmac(EVP_MAC_CTX *ctx, const void *data, size_t len, uint8_t *out, size_t size)
{
    size_t written = 0;

    if (!ctx || EVP_MAC_init(ctx, NULL, 0, NULL) != 1 || EVP_MAC_update(ctx, data, len) != 1 ||
        EVP_MAC_final(ctx, out, &written, size) != 1 || written != size)
        return ERR_SYS;
    return 0;
}

int hmac_sha256(struct hmac_key *key, const void *data, size_t len, uint8_t out[32])
{
    return hmac(key->sha256, data, len, out, 32);
}

int hmac_sha512(struct hmac_key *key, const void *data, size_t len, uint8_t out[64])
{
    return hmac(key->sha512, data, len, out, 64);
}

/* PKCS#8 of an Ed25519 key: always these bytes, then the seed. */
static const uint8_t ed25519_prefix[16] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                            0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };

/* The base64 text between the PEM's dashes, into bytes. */
static int pem_decode(const char *pem, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    static const char head[] = "-----BEGIN PRIVATE KEY-----", foot[] = "-----END PRIVATE KEY-----";
    const char *begin = memmem(pem, len, head, sizeof(head) - 1);
    const char *at = begin ? begin + sizeof(head) - 1 : pem;
    const char *end = memmem(at, len - (size_t)(at - pem), foot, sizeof(foot) - 1);
    char text[128];
    size_t count = 0;

    if (!begin || !end)
        return ERR_PROTO;
    for (; at < end; at++) {
        if (*at == '\\' && at + 1 < end && at[1] == 'n') {
            at++;
            continue;
        }
        if (strchr(" \t\r\n", *at))
            continue;
        if (count == sizeof(text))
            return ERR_PROTO;
        text[count++] = *at;
    }
    int err = base64_decode(text, count, out, cap, out_len);
    secret_wipe(text, sizeof(text));
    return err;
}

int ed25519_key_init_pem(struct ed25519_key *key, const char *pem, size_t len)
{
    uint8_t bytes[96];
    size_t count = 0;
    struct ed25519_key made = { NULL, NULL };
    int err = pem_decode(pem, len, bytes, sizeof(bytes), &count);

    if (err || count != sizeof(ed25519_prefix) + 32 ||
        memcmp(bytes, ed25519_prefix, sizeof(ed25519_prefix)) != 0) {
        secret_wipe(bytes, sizeof(bytes));
        return ERR_PROTO;
    }
    made.key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes + sizeof(ed25519_prefix), 32);
    made.ctx = EVP_MD_CTX_new();
    secret_wipe(bytes, sizeof(bytes));
    if (!made.key || !made.ctx) {
        ed25519_key_fini(&made);
        return ERR_SYS;
    }
    *key = made;
    return 0;
}

void ed25519_key_fini(struct ed25519_key *key)
{
    EVP_MD_CTX_free(key->ctx);
    EVP_PKEY_free(key->key); /* Wipes it; NULL is fine. */
    *key = (struct ed25519_key){ NULL, NULL };
}

int ed25519_sign(struct ed25519_key *key, const void *data, size_t len, uint8_t out[64])
{
    size_t written = 64;

    if (!key->ctx || EVP_MD_CTX_reset(key->ctx) != 1 ||
        EVP_DigestSignInit(key->ctx, NULL, NULL, NULL, key->key) != 1 ||
        EVP_DigestSign(key->ctx, out, &written, data, len) != 1 || written != 64)
        return ERR_SYS;
    return 0;
}

void sha256_two(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t out[32])
{
    unsigned written = 0;

    pthread_once(&sha256_once, sha256_fetch);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex2(ctx, sha256_md, NULL) != 1 ||
        EVP_DigestUpdate(ctx, a, a_len) != 1 || EVP_DigestUpdate(ctx, b, b_len) != 1 ||
        EVP_DigestFinal_ex(ctx, out, &written) != 1 || written != 32)
        abort(); /* Only out of memory: a wrong identity would be worse than none. */
    EVP_MD_CTX_free(ctx);
}

void sha256(const void *data, size_t len, uint8_t out[32])
{
    sha256_two(data, len, "", 0, out);
}

uint32_t crc32_ieee(const void *data, size_t len)
{
    return (uint32_t)crc32_z(0, data, len);
}

void hex_encode(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    *out = '\0';
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
    size_t text_len = (len + 2) / 3 * 4;

    if (text_len >= cap)
        return 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t word = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        *out++ = base64_digits[word >> 18];
        *out++ = base64_digits[word >> 12 & 63];
        *out++ = left > 1 ? base64_digits[word >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_digits[word & 63] : '=';
    }
    *out = '\0';
    return text_len;
}

static int base64_value(char c)
{
    const char *found = c ? strchr(base64_digits, c) : NULL;

    return found ? (int)(found - base64_digits) : -1;
}

/* Strict: padded, no white space, and no bits beyond the last byte, so that every key has one
 * spelling. */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    if (len % 4 != 0)
        return ERR_PROTO;

    size_t padding = len > 0 && text[len - 1] == '=' ? 1 + (text[len - 2] == '=') : 0;
    size_t size = len / 4 * 3 - padding;

    for (size_t i = 0; i < len - padding; i++)
        if (base64_value(text[i]) < 0)
            return ERR_PROTO;
    if (padding > 0 && (base64_value(text[len - padding - 1]) & (padding == 2 ? 15 : 3)) != 0)
        return ERR_PROTO;
    if (size > cap)
        return ERR_FULL;
    for (size_t i = 0, at = 0; i < len; i += 4) {
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++)
            word = word << 6 | (i + k < len - padding ? (uint32_t)base64_value(text[i + k]) : 0);
        for (int shift = 16; shift >= 0 && at < size; shift -= 8)
            out[at++] = (uint8_t)(word >> shift);
    }
    *out_len = size;
    return 0;
}

void secret_wipe(void *memory, size_t len)
{
    OPENSSL_cleanse(memory, len);
}
