/* Keys, passphrases, signatures and times (5, 11), and how often (9). One-shot OpenSSL calls of its
 * own. */
#include "venues/okx/sim_okx.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

static const int64_t CLOCK_NS = 30 * NS_PER_S;

static bool is_signed(const char *secret, const struct sim_text *text, const char *given)
{
    unsigned char mac[EVP_MAX_MD_SIZE], want[64];
    unsigned len = 0;

    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text->at, text->len,
              mac, &len))
        return false;
    EVP_EncodeBlock(want, mac, (int)len);
    return strcmp((const char *)want, given) == 0;
}

/* "2020-12-08T09:08:57.715Z": milliseconds, always. */
static bool read_iso(const char *text, int64_t *out_ns)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    static const int days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t n[7] = { 0 };
    size_t part = 0;

    if (strlen(text) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; form[i]; i++) {
        if (form[i] != 'd') {
            if (text[i] != form[i])
                return false;
            part++;
        } else if (text[i] < '0' || text[i] > '9') {
            return false;
        } else {
            n[part] = n[part] * 10 + (text[i] - '0');
        }
    }
    if (n[1] < 1 || n[1] > 12 || n[0] < 1970)
        return false;
    int64_t years = n[0] - 1970, leaps = (n[0] - 1) / 4 - (n[0] - 1) / 100 + (n[0] - 1) / 400 - 477;
    bool is_leap = (n[0] % 4 == 0 && n[0] % 100 != 0) || n[0] % 400 == 0;
    int64_t day = years * 365 + leaps + days[n[1] - 1] + (is_leap && n[1] > 2) + n[2] - 1;
    *out_ns = ((day * 24 + n[3]) * 3600 + n[4] * 60 + n[5]) * NS_PER_S + n[6] * NS_PER_MS;
    return true;
}

static bool is_in_time(const struct osim *osim, int64_t at_ns)
{
    return llabs(osim->sim->now_ns - at_ns) <= CLOCK_NS;
}

const struct sim_account *osim_authenticate(struct osim *osim, struct sim_http *request, int *code,
                                            const char **message)
{
    const char *key = sim_http_header(request, "OK-ACCESS-KEY");
    const char *sign = sim_http_header(request, "OK-ACCESS-SIGN");
    const char *time = sim_http_header(request, "OK-ACCESS-TIMESTAMP");
    const char *passphrase = sim_http_header(request, "OK-ACCESS-PASSPHRASE");
    const struct sim_account *account = key ? sim_account_by_key(osim->sim, key) : NULL;
    struct sim_text text = { 0 };
    int64_t at_ns;
    const struct {
        bool is_wrong;
        int code;
        const char *message;
    } checks[] = {
        { !key, 50103, "Request header \\\"OK-ACCESS-KEY\\\" cannot be empty." },
        { !passphrase, 50104, "Request header \\\"OK-ACCESS-PASSPHRASE\\\" cannot be empty." },
        { !sign, 50106, "Request header \\\"OK-ACCESS-SIGN\\\" cannot be empty." },
        { !time, 50107, "Request header \\\"OK-ACCESS-TIMESTAMP\\\" cannot be empty." },
        { time && !read_iso(time, &at_ns), 50112, "Invalid OK-ACCESS-TIMESTAMP" },
        { !account, 50111, "Invalid OK-ACCESS-KEY" },
    };

    for (size_t i = 0; i < COUNT(checks); i++)
        if (checks[i].is_wrong) {
            *code = checks[i].code;
            *message = checks[i].message;
            return NULL;
        }
    (void)read_iso(time, &at_ns);
    *code = 50102;
    *message = "Timestamp request expired";
    if (!is_in_time(osim, at_ns))
        return NULL;
    *code = 50105;
    *message = "OK-ACCESS-PASSPHRASE incorrect";
    if (strcmp(account->passphrase, passphrase) != 0)
        return NULL;
    sim_textf(&text, "%s%s%s%s%s", time, request->method, request->path,
              request->query[0] ? "?" : "", request->query);
    sim_text_add(&text, request->body, request->body_len);
    bool is_right = is_signed(account->secret, &text, sign);
    sim_text_free(&text);
    *code = 50113;
    *message = "Invalid Sign";
    return is_right ? account : NULL;
}

/* Seconds since 1970, a fraction is let pass; signed exactly as sent. */
const struct sim_account *osim_login(struct osim *osim, const cJSON *arg, int *code,
                                     const char **message)
{
    const char *key = osim_string(arg, "apiKey"), *sign = osim_string(arg, "sign");
    const char *time = osim_string(arg, "timestamp"), *passphrase = osim_string(arg, "passphrase");
    const struct sim_account *account = key ? sim_account_by_key(osim->sim, key) : NULL;
    struct sim_text text = { 0 };
    char *end = NULL;

    *code = 60004;
    *message = "Invalid timestamp";
    long long seconds = time ? strtoll(time, &end, 10) : 0;
    if (!time || (*end != '\0' && *end != '.') || seconds > 100000000000)
        return NULL;
    *code = 60006;
    *message = "Timestamp request expired";
    if (!is_in_time(osim, seconds * NS_PER_S))
        return NULL;
    *code = 60005;
    *message = "Invalid apiKey";
    if (!account)
        return NULL;
    *code = 60024;
    *message = "Wrong passphrase";
    if (!passphrase || strcmp(account->passphrase, passphrase) != 0)
        return NULL;
    sim_textf(&text, "%sGET/users/self/verify", time);
    bool is_right = sign && is_signed(account->secret, &text, sign);
    sim_text_free(&text);
    *code = 60007;
    *message = "Invalid sign";
    return is_right ? account : NULL;
}

bool osim_window_take(const struct osim *osim, struct osim_window *window, uint32_t limit,
                      int64_t length_ns)
{
    if (osim->sim->are_limits_off)
        return true;
    if (osim->sim->now_ns - window->began_ns >= length_ns) {
        window->began_ns = osim->sim->now_ns;
        window->count = 0;
    }
    return ++window->count <= limit;
}
