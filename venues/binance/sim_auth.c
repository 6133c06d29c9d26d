/* sim_auth.c - HMAC-SHA256 as the venue checks it. */
#include "venues/binance/sim_binance.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool bsim_signature_is_right(const char *secret, const char *text, size_t len,
                             const char *signature)
{
    unsigned char want[EVP_MAX_MD_SIZE], have[32];
    unsigned want_len = 0;

    if (strlen(signature) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = nibble(signature[2 * i]), low = nibble(signature[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        have[i] = (unsigned char)(high << 4 | low);
    }
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, len, want,
              &want_len))
        return false;
    return want_len == 32 && CRYPTO_memcmp(have, want, 32) == 0;
}
