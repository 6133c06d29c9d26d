/* Keys, signatures, time windows (5) and the token buckets (9). One-shot OpenSSL calls of its own.
 */
#include "venues/coinbase/sim_coinbase.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double WINDOW_S = 30;

static bool is_signed(const char *secret, const struct sim_text *text, const char *given)
{
    unsigned char key[256], mac[EVP_MAX_MD_SIZE], want[96];
    unsigned mac_len = 0;
    size_t secret_len = strlen(secret);
    int key_len = secret_len <= 320
                      ? EVP_DecodeBlock(key, (const unsigned char *)secret, (int)secret_len)
                      : -1;

    for (size_t i = secret_len; i > 0 && secret[i - 1] == '='; i--)
        key_len--;
    if (key_len <= 0 || !HMAC(EVP_sha256(), key, key_len, (const unsigned char *)text->at,
                              text->len, mac, &mac_len))
        return false;
    EVP_EncodeBlock(want, mac, (int)mac_len);
    return strcmp((const char *)want, given) == 0;
}

/* What is wrong with four given texts over a message, or NULL. */
static const char *verdict(struct coinbase_sim *cb, const struct sim_account *account,
                           const char *passphrase, const char *timestamp, const char *signature,
                           const struct sim_text *text, int *status)
{
    char *end;

    *status = 401;
    if (!account)
        return "Invalid API Key";
    if (!passphrase || strcmp(passphrase, account->passphrase) != 0)
        return "Invalid Passphrase";
    double at = timestamp && *timestamp ? strtod(timestamp, &end) : -1;
    *status = 400;
    if (at < 0 || *end != '\0')
        return "request timestamp invalid";
    double age = (double)cb->sim->now_ns / 1e9 - at;
    if (age > WINDOW_S || age < -WINDOW_S)
        return "request timestamp expired";
    *status = 401;
    return signature && is_signed(account->secret, text, signature) ? NULL : "invalid signature";
}

const struct sim_account *cbsim_authenticate(struct coinbase_sim *cb, struct sim_http *request,
                                             int *status, const char **error)
{
    const char *key = sim_http_header(request, "CB-ACCESS-KEY");
    const char *timestamp = sim_http_header(request, "CB-ACCESS-TIMESTAMP");
    const struct sim_account *account = key ? sim_account_by_key(cb->sim, key) : NULL;
    struct sim_text text = { 0 };

    sim_textf(&text, "%s%s%s%s%s", timestamp ? timestamp : "", request->method, request->path,
              request->query[0] ? "?" : "", request->query);
    sim_text_add(&text, request->body ? request->body : "", request->body_len);
    *error = verdict(cb, account, sim_http_header(request, "CB-ACCESS-PASSPHRASE"), timestamp,
                     sim_http_header(request, "CB-ACCESS-SIGN"), &text, status);
    sim_text_free(&text);
    return *error ? NULL : account;
}

const struct sim_account *cbsim_authenticate_ws(struct coinbase_sim *cb, const cJSON *message,
                                                const char **error)
{
    const char *texts[4];
    static const char *const names[] = { "key", "passphrase", "timestamp", "signature" };
    struct sim_text text = { 0 };
    char number[40];
    int status;

    for (size_t i = 0; i < COUNT(names); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(message, names[i]);
        texts[i] = cJSON_GetStringValue(item);
        if (i == 2 && cJSON_IsNumber(item)) { /* Some clients send it as a number. */
            snprintf(number, sizeof number, "%.15g", item->valuedouble);
            texts[i] = number;
        }
    }
    const struct sim_account *account = texts[0] ? sim_account_by_key(cb->sim, texts[0]) : NULL;
    sim_textf(&text, "%sGET/users/self/verify", texts[2] ? texts[2] : "");
    *error = verdict(cb, account, texts[1], texts[2], texts[3], &text, &status);
    sim_text_free(&text);
    return *error ? NULL : account;
}

bool cbsim_bucket_take(const struct sim *sim, struct cbsim_bucket *bucket, int rate, int burst)
{
    if (sim->are_limits_off)
        return true;
    double earned = bucket->is_begun ? (double)(sim->now_ns - bucket->at_ns) / 1e9 * rate : burst;

    bucket->is_begun = true;
    bucket->at_ns = sim->now_ns;
    bucket->tokens = MIN(bucket->tokens + earned, (double)burst);
    if (bucket->tokens < 1)
        return false;
    bucket->tokens -= 1;
    return true;
}
