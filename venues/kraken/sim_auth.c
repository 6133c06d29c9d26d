/* Keys, signatures, nonces, tokens and the REST counter (5, 9.1). One-shot OpenSSL calls of its
 * own. */
#include "venues/kraken/sim_kraken.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t TOKEN_LIFE_NS = 900 * NS_PER_S;
static const int64_t LOCKOUT_NS = 900 * NS_PER_S;
enum { COUNTER_MAX = 20000, LOCKOUT_AFTER = 20 };

static bool sign(const char *secret, const char *path, const char *nonce, const char *body,
                 size_t body_len, char out[96])
{
    unsigned char key[256], digest[EVP_MAX_MD_SIZE], message[512], mac[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0, mac_len = 0;
    size_t path_len = strlen(path), secret_len = strlen(secret);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool is_signed = false;
    int key_len = secret_len <= 320
                      ? EVP_DecodeBlock(key, (const unsigned char *)secret, (int)secret_len)
                      : -1;

    for (size_t i = secret_len; i > 0 && secret[i - 1] == '='; i--)
        key_len--;
    if (hash && key_len > 0 && path_len + 32 <= sizeof message &&
        EVP_DigestInit_ex(hash, EVP_sha256(), NULL) &&
        EVP_DigestUpdate(hash, nonce, strlen(nonce)) && EVP_DigestUpdate(hash, body, body_len) &&
        EVP_DigestFinal_ex(hash, digest, &digest_len)) {
        memcpy(message, path, path_len);
        memcpy(message + path_len, digest, 32);
        is_signed = HMAC(EVP_sha512(), key, key_len, message, path_len + 32, mac, &mac_len) != NULL;
    }
    if (is_signed)
        EVP_EncodeBlock((unsigned char *)out, mac, (int)mac_len);
    EVP_MD_CTX_free(hash);
    return is_signed;
}

/* The nonce of a form body or of a JSON body. */
static bool nonce_of(const struct sim_http *request, char out[40])
{
    if (request->body_len == 0 || request->body[0] != '{')
        return sim_param(request->body, request->body_len, "nonce", out, 40) == 0;

    cJSON *json = cJSON_ParseWithLength(request->body, request->body_len);
    const cJSON *nonce = cJSON_GetObjectItemCaseSensitive(json, "nonce");
    bool is_text = cJSON_IsString(nonce) && strlen(nonce->valuestring) < 40;

    if (is_text)
        snprintf(out, 40, "%s", nonce->valuestring);
    else if (cJSON_IsNumber(nonce))
        snprintf(out, 40, "%.0f", nonce->valuedouble);
    bool is_there = is_text || cJSON_IsNumber(nonce);
    cJSON_Delete(json);
    return is_there;
}

static bool is_signature_right(const struct sim_account *account, const struct sim_http *request,
                               const char *nonce, const char *given)
{
    char path[256], want[96];
    int len = snprintf(path, sizeof path, "%s%s%s", request->path, request->query[0] ? "?" : "",
                       request->query);

    return len > 0 && (size_t)len < sizeof path &&
           sign(account->secret, path, nonce, request->body, request->body_len, want) &&
           strcmp(want, given) == 0;
}

const struct sim_account *kraken_authenticate(struct kraken *kraken, struct sim_http *request,
                                              const char **error)
{
    const char *key = sim_http_header(request, "API-Key"),
               *given = sim_http_header(request, "API-Sign");
    const struct sim_account *account = key ? sim_account_by_key(kraken->sim, key) : NULL;
    char nonce[40], *end;

    *error = "EAPI:Invalid key";
    if (!account || !given)
        return NULL;
    struct kraken_member *member = &kraken->members[account->account];
    *error = "EGeneral:Temporary lockout";
    if (kraken->sim->now_ns < member->locked_out_until_ns)
        return NULL;
    *error = "EAPI:Invalid nonce";
    if (!nonce_of(request, nonce))
        return NULL;
    if (!is_signature_right(account, request, nonce, given)) {
        *error = "EAPI:Invalid signature";
        if (++member->bad_signatures >= LOCKOUT_AFTER) {
            member->bad_signatures = 0;
            member->locked_out_until_ns = kraken->sim->now_ns + LOCKOUT_NS;
        }
        return NULL;
    }
    member->bad_signatures = 0;
    unsigned long long value = strtoull(nonce, &end, 10);
    if (*end != '\0' || value <= member->last_nonce)
        return NULL;
    member->last_nonce = value;
    *error = NULL;
    return account;
}

void kraken_token_make(struct kraken *kraken, uint32_t account, char out[64])
{
    struct kraken_token *token = &kraken->tokens[kraken->token_next++ % KRAKEN_TOKENS];
    unsigned char raw[32];

    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (unsigned char)(sim_random(&kraken->random) >> 32);
    *token = (struct kraken_token){ .account = account, .made_ns = kraken->sim->now_ns };
    EVP_EncodeBlock((unsigned char *)token->text, raw, sizeof raw);
    token->text[43] = '\0'; /* The venue's have no padding, but may have '/' and '+'. */
    memcpy(out, token->text, 64);
}

uint32_t kraken_token_account(struct kraken *kraken, const char *text, bool activates)
{
    for (size_t i = 0; i < KRAKEN_TOKENS; i++) {
        struct kraken_token *token = &kraken->tokens[i];

        if (!token->text[0] || strcmp(token->text, text) != 0)
            continue;
        if (!token->is_active && kraken->sim->now_ns - token->made_ns > TOKEN_LIFE_NS)
            return EXCHANGE_NONE;
        token->is_active = token->is_active || activates;
        return token->account;
    }
    return EXCHANGE_NONE;
}

/* The Pro tier: 20 points, one back each second. */
bool kraken_rest_counter(struct kraken *kraken, uint32_t account, int points)
{
    struct kraken_member *member = &kraken->members[account];
    int64_t earned = (kraken->sim->now_ns - member->rest_at_ns) / NS_PER_MS;

    if (kraken->sim->are_limits_off)
        return true;
    member->rest_counter = MAX(0, member->rest_counter - earned);
    member->rest_at_ns = kraken->sim->now_ns;
    if (member->rest_counter + points * 1000 > COUNTER_MAX)
        return false;
    member->rest_counter += points * 1000;
    return true;
}
