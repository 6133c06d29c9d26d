/* Published vectors of the primitives. */
#include "common/leaf/err.h"
#include "common/pure/crypto.h"
#include "tests/unit/check.h"

static void hmac_of_rfc_4231_case_2(void)
{
    struct hmac_key key;
    uint8_t mac[64];
    char text[129];

    CHECK_INT(hmac_key_init(&key, "Jefe", 4), 0);
    for (int again = 0; again < 2; again++) {
        CHECK_INT(hmac_sha256(&key, "what do ya want for nothing?", 28, mac), 0);
        hex_encode(mac, 32, text);
        CHECK_STR(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        CHECK_INT(hmac_sha512(&key, "what do ya want for nothing?", 28, mac), 0);
        hex_encode(mac, 64, text);
        CHECK_STR(text, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    }
    hmac_key_fini(&key);
    hmac_key_fini(&key);
}

static void crc32_check_value(void)
{
    CHECK(crc32_ieee("123456789", 9) == 0xcbf43926u);
}

int main(void)
{
    CASE(hmac_of_rfc_4231_case_2);
    CASE(crc32_check_value);
    DONE();
}
