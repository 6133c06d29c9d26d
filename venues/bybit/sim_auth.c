/* Keys, signatures, freshness and limits (5, 9, 11). One-shot OpenSSL calls of its own. */
#include "venues/bybit/sim_bybit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t AHEAD_MS = 1000;

static void sign(const char *secret, const struct sim_text *text, char out[65])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    out[0] = '\0';
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text->at, text->len,
              mac, &len))
        return;
    for (unsigned i = 0; i < len && i < 32; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", mac[i]);
}

static bool is_number(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len < 18 && strspn(text, "0123456789") == len;
}

bool ysim_is_fresh(const struct sim *sim, const char *timestamp, const char *window)
{
    int64_t now_ms = ysim_ms(sim->now_ns);

    if (!is_number(timestamp) || !is_number(window))
        return false;
    int64_t at_ms = atoll(timestamp);
    return now_ms - atoll(window) <= at_ms && at_ms < now_ms + AHEAD_MS;
}

const struct sim_account *ysim_authenticate(struct bybit_sim *state, struct sim_http *request,
                                            int *code, char *message, size_t cap)
{
    struct sim *sim = state->sim;
    const char *key = sim_http_header(request, "X-BAPI-API-KEY");
    const char *time = sim_http_header(request, "X-BAPI-TIMESTAMP");
    const char *window = sim_http_header(request, "X-BAPI-RECV-WINDOW");
    const char *given = sim_http_header(request, "X-BAPI-SIGN");
    const struct sim_account *account = key ? sim_account_by_key(sim, key) : NULL;
    struct sim_text text = { 0 };
    char want[65];

    *code = 10003;
    snprintf(message, cap, "API key is invalid.");
    if (!account)
        return NULL;
    if (!time || !given || !ysim_is_fresh(sim, time, window ? window : "5000")) {
        *code = time && given ? 10002 : 10001;
        snprintf(message, cap,
                 "invalid request, please check your server timestamp or recv_window param. "
                 "req_timestamp[%.20s],server_timestamp[%lld],recv_window[%.10s]",
                 time ? time : "", (long long)ysim_ms(sim->now_ns), window ? window : "5000");
        return NULL;
    }
    sim_textf(&text, "%s%s%s", time, key, window ? window : "");
    if (strcmp(request->method, "GET") == 0)
        sim_textf(&text, "%s", request->query);
    else
        sim_text_add(&text, request->body, request->body_len);
    sign(account->secret, &text, want);
    bool is_right = strcmp(want, given) == 0;
    if (!is_right) {
        *code = 10004;
        snprintf(message, cap, "error sign! origin_string[%.200s]", text.at);
    }
    sim_text_free(&text);
    return is_right ? account : NULL;
}

int ysim_login(struct bybit_sim *state, const cJSON *args, uint32_t *account)
{
    const cJSON *key = cJSON_GetArrayItem(args, 0), *expires = cJSON_GetArrayItem(args, 1),
                *given = cJSON_GetArrayItem(args, 2);
    struct sim_text text = { 0 };
    char number[32], want[65];

    if (!cJSON_IsString(key) || !cJSON_IsString(given) ||
        (!cJSON_IsNumber(expires) && !cJSON_IsString(expires)))
        return 10001;
    if (cJSON_IsString(expires))
        snprintf(number, sizeof(number), "%.31s", expires->valuestring);
    else
        snprintf(number, sizeof(number), "%.0f", expires->valuedouble);
    const struct sim_account *found = sim_account_by_key(state->sim, key->valuestring);
    if (!found)
        return 10003;
    if (!is_number(number) || atoll(number) <= ysim_ms(state->sim->now_ns))
        return 10001;
    sim_textf(&text, "GET/realtime%s", number);
    sign(found->secret, &text, want);
    sim_text_free(&text);
    if (strcmp(want, given->valuestring) != 0)
        return 10004;
    *account = found->account;
    return 0;
}

/* ---- limits: calls within the last second (9) ---- */

static int limit_of(enum ysim_endpoint endpoint, enum ysim_category category)
{
    bool is_spot = category == YSIM_SPOT;

    switch (endpoint) {
    case LIMIT_CREATE:
    case LIMIT_CANCEL:
    case LIMIT_CANCEL_ALL:
    case LIMIT_CREATE_BATCH:
    case LIMIT_AMEND_BATCH:
    case LIMIT_CANCEL_BATCH:
        return is_spot ? 20 : 10;
    case LIMIT_AMEND:
    case LIMIT_SETTINGS:
        return 10;
    case LIMIT_FEES:
    case LIMIT_DCP:
        return 5;
    case LIMIT_LOG:
        return 25;
    default:
        return 50;
    }
}

bool ysim_spend(struct bybit_sim *state, uint32_t account, enum ysim_endpoint endpoint,
                enum ysim_category category, struct ysim_usage *usage)
{
    struct ysim_limit *limit =
        &state->members[account].limits[endpoint][category == YSIM_LINEAR ? 1 : 0];
    int64_t now = state->sim->now_ns, oldest = now;
    int max = limit_of(endpoint, category), used = 0;

    for (int i = 0; i < YSIM_WINDOW_MAX; i++)
        if (limit->at_ns[i] > now - NS_PER_S) {
            used++;
            oldest = MIN(oldest, limit->at_ns[i]);
        }
    *usage = (struct ysim_usage){ max, MAX(0, max - used - 1), ysim_ms(now) };
    if (used >= max && !state->sim->are_limits_off) {
        usage->left = 0;
        usage->reset_ms = ysim_ms(oldest + NS_PER_S) + 1;
        return false;
    }
    limit->at_ns[limit->next++ % YSIM_WINDOW_MAX] = now;
    return true;
}
