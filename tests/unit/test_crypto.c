/* Published vectors of the primitives: FIPS 180-2, RFC 4231, RFC 4648, the CRC catalogue. */
#include "common/leaf/err.h"
#include "common/pure/crypto.h"
#include "tests/unit/check.h"

#include <stdlib.h>

static const char *hex(const uint8_t *data, size_t len)
{
    static char text[129];

    hex_encode(data, len, text);
    return text;
}

static const char *sha256_hex(const void *data, size_t len)
{
    uint8_t hash[32];

    sha256(data, len, hash);
    return hex(hash, sizeof(hash));
}

static void sha256_of_fips_180_2(void)
{
    static char million[1000000];

    memset(million, 'a', sizeof(million));
    CHECK_STR(sha256_hex("", 0),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR(sha256_hex("abc", 3),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK_STR(sha256_hex(million, sizeof(million)),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void sha256_of_two_parts_is_that_of_the_whole(void)
{
    uint8_t hash[32];

    for (size_t cut = 0; cut <= 3; cut++) {
        sha256_two("abc", cut, &"abc"[cut], 3 - cut, hash);
        CHECK_STR(hex(hash, 32),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

struct hmac_case {
    char key_byte;
    size_t key_len;
    const char *key, *data;
    char data_byte;
    size_t data_len;
    const char *sha256, *sha512;
};

/* Cases 1, 2, 3, 6 and 7 (4 differs from 3 in its key only, 5 truncates). */
static const struct hmac_case rfc_4231[] = {
    { 0x0b, 20, NULL, "Hi There", 0, 8,
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
    { 0, 4, "Jefe", "what do ya want for nothing?", 0, 28,
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    { (char)0xaa, 20, NULL, NULL, (char)0xdd, 50,
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
      "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
    { (char)0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0, 54,
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
      "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
    { (char)0xaa, 131, NULL,
      "This is a test using a larger than block-size key and a larger than block-size data. "
      "The key needs to be hashed before being used by the HMAC algorithm.",
      0, 152, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
      "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" },
};

/* Twice each: the key schedule is used again, and must not have changed. */
static void hmac_of_rfc_4231(void)
{
    for (size_t i = 0; i < COUNT(rfc_4231); i++) {
        const struct hmac_case *c = &rfc_4231[i];
        struct hmac_key key;
        char secret[131], data[152];
        uint8_t mac[64];

        memset(secret, c->key_byte, sizeof(secret));
        memset(data, c->data_byte, sizeof(data));
        if (c->key)
            memcpy(secret, c->key, c->key_len);
        if (c->data)
            memcpy(data, c->data, c->data_len);
        CHECK_INT(hmac_key_init(&key, secret, c->key_len), 0);
        for (int again = 0; again < 2; again++) {
            CHECK_INT(hmac_sha256(&key, data, c->data_len, mac), 0);
            CHECK_STR(hex(mac, 32), c->sha256);
            CHECK_INT(hmac_sha512(&key, data, c->data_len, mac), 0);
            CHECK_STR(hex(mac, 64), c->sha512);
        }
        hmac_key_fini(&key);
    }
}

static void keys_do_not_disturb_each_other(void)
{
    struct hmac_key a, b;
    uint8_t mac[32];

    CHECK_INT(hmac_key_init(&a, "Jefe", 4), 0);
    CHECK_INT(hmac_key_init(&b, "", 0), 0);
    CHECK_INT(hmac_sha256(&b, "", 0, mac), 0);
    CHECK_STR(hex(mac, 32), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    CHECK_INT(hmac_sha256(&a, "what do ya want for nothing?", 28, mac), 0);
    CHECK_STR(hex(mac, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_key_fini(&a);
    hmac_key_fini(&b);
}

static void finished_key_signs_nothing(void)
{
    struct hmac_key key;
    uint8_t mac[64] = "untouched";

    CHECK_INT(hmac_key_init(&key, "k", 1), 0);
    hmac_key_fini(&key);
    hmac_key_fini(&key);
    CHECK_INT(hmac_sha256(&key, "m", 1, mac), ERR_SYS);
    CHECK_INT(hmac_sha512(&key, "m", 1, mac), ERR_SYS);
    CHECK_STR((const char *)mac, "untouched");
}

static void crc32_check_values(void)
{
    CHECK(crc32_ieee("", 0) == 0);
    CHECK(crc32_ieee("a", 1) == 0xe8b7be43u);
    CHECK(crc32_ieee("123456789", 9) == 0xcbf43926u);
    CHECK(crc32_ieee("The quick brown fox jumps over the lazy dog", 43) == 0x414fa339u);
}

static const struct {
    const char *plain, *coded;
} rfc_4648[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
};

static void base64_of_rfc_4648(void)
{
    for (size_t i = 0; i < COUNT(rfc_4648); i++) {
        const char *plain = rfc_4648[i].plain, *coded = rfc_4648[i].coded;
        char text[16] = "";
        uint8_t bytes[8];
        size_t len = 99;

        CHECK_INT(base64_encode((const uint8_t *)plain, strlen(plain), text, sizeof(text)),
                  strlen(coded));
        CHECK_STR(text, coded);
        CHECK_INT(base64_decode(coded, strlen(coded), bytes, sizeof(bytes), &len), 0);
        CHECK_INT(len, strlen(plain));
        CHECK(memcmp(bytes, plain, MIN(len, sizeof(bytes))) == 0);
    }
}

static void base64_takes_every_byte_and_length(void)
{
    uint8_t bytes[256], back[256];
    char text[400];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        size_t back_len = 0, text_len = base64_encode(bytes, len, text, sizeof(text));
        CHECK_INT(base64_decode(text, text_len, back, sizeof(back), &back_len), 0);
        CHECK_INT(back_len, len);
        CHECK(memcmp(back, bytes, len) == 0);
    }
}

static void base64_has_one_spelling(void)
{
    static const char *const wrong[] = {
        "Z",    "Zg",   "Zg=",  "Zg===", "=",     "==",       "====", "Z===", "Zh==",
        "Zm9=", "Zm8-", "Zm_v", "Zm 8",  "Zm8\n", "Zg==Zg==", "=g==", "Z=g=", "Zm9vZ",
    };
    uint8_t bytes[16] = "untouched";
    size_t len = 99;

    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK_INT(base64_decode(wrong[i], strlen(wrong[i]), bytes, sizeof(bytes), &len), ERR_PROTO);
    CHECK_INT(base64_decode("Zm\0v", 4, bytes, sizeof(bytes), &len), ERR_PROTO);
    CHECK_STR((const char *)bytes, "untouched");
    CHECK_INT(len, 99);
}

static void base64_says_when_it_does_not_fit(void)
{
    uint8_t bytes[4];
    char text[9];
    size_t len = 99;

    CHECK_INT(base64_encode((const uint8_t *)"foobar", 6, text, 8), 0);
    CHECK_INT(base64_encode((const uint8_t *)"foobar", 6, text, 9), 8);
    CHECK_INT(base64_decode("Zm9vYmFy", 8, bytes, 4, &len), ERR_FULL);
    CHECK_INT(base64_decode("Zm9vYg==", 8, bytes, 4, &len), 0);
    CHECK_INT(len, 4);
}

static void wiped_memory_is_zero(void)
{
    char secret[32];
    int sum = 0;

    memset(secret, 'x', sizeof(secret));
    secret_wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++)
        sum += secret[i];
    CHECK_INT(sum, 0);
}

int main(void)
{
    CASE(sha256_of_fips_180_2);
    CASE(sha256_of_two_parts_is_that_of_the_whole);
    CASE(hmac_of_rfc_4231);
    CASE(keys_do_not_disturb_each_other);
    CASE(finished_key_signs_nothing);
    CASE(crc32_check_values);
    CASE(base64_of_rfc_4648);
    CASE(base64_takes_every_byte_and_length);
    CASE(base64_has_one_spelling);
    CASE(base64_says_when_it_does_not_fit);
    CASE(wiped_memory_is_zero);
    DONE();
}
