#include "common/edge/venues_ini.h"

#include "common/edge/config.h"
#include "common/leaf/err.h"
#include "common/pure/topology.h"

#include <ctype.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* One section of the file, before it is checked as a whole. */
struct section {
    int64_t id;
    char venue[CONFIG_TEXT_MAX];
    char account[CONFIG_TEXT_MAX];
    char host[CONFIG_TEXT_MAX];
    int64_t maker_fee_ppm, taker_fee_ppm;
    bool has_engine;
};

#define AT(member) offsetof(struct section, member)
static const struct config_key venue_keys[] = {
    { "", "ID", CONFIG_INT, AT(id), NULL, 1, 255, NULL, CONFIG_REQUIRED | CONFIG_REPEATED,
      "account number in every event of this instance; never reused" },
    { "", "VENUE", CONFIG_TEXT, AT(venue), NULL, 0, 0, NULL, CONFIG_REQUIRED | CONFIG_REPEATED,
      "adapter" },
    { "", "ACCOUNT", CONFIG_TEXT, AT(account), "main", 0, 0, NULL, CONFIG_REPEATED, "for people" },
    { "", "HOST", CONFIG_TEXT, AT(host), NULL, 0, 0, NULL, CONFIG_REQUIRED | CONFIG_REPEATED,
      "where its gateway and its engine bind" },
    { "", "ENGINE", CONFIG_BOOL, AT(has_engine), "yes", 0, 0, NULL, CONFIG_REPEATED,
      "no: market data only; no trading_engine is started for it or waited for" },
    { "", "MAKER_FEE_PPM", CONFIG_INT, AT(maker_fee_ppm), "0", -100000, 100000, NULL,
      CONFIG_REPEATED, "used where the venue's own metadata states none" },
    { "", "TAKER_FEE_PPM", CONFIG_INT, AT(taker_fee_ppm), "0", -100000, 100000, NULL,
      CONFIG_REPEATED, "used where the venue's own metadata states none" },
};
static const struct config_key core_keys[] = {
    { "CORE", "HOST", CONFIG_TEXT, AT(host), "127.0.0.1", 0, 0, NULL, 0,
      "where the roles that are not per venue bind" },
};

const struct config_key *venues_ini_keys(bool is_core, size_t *count)
{
    *count = is_core ? COUNT(core_keys) : COUNT(venue_keys);
    return is_core ? core_keys : venue_keys;
}

static void say(FILE *errors, const char *path, const char *section, const char *text)
{
    if (errors)
        fprintf(errors, "%s: [%s] %s\n", path, section, text);
}

static bool is_host(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(".-_:[]", *at))
            return false;
    return text[0] != '\0' && strlen(text) < sizeof(((struct venue_instance *)0)->host);
}

static bool is_word(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("_-", *at))
            return false;
    return text[0] != '\0' && strlen(text) < sizeof(((struct venue_instance *)0)->name);
}

/* Where two instances would meet on the bus; NULL: nowhere. */
static const char *clash(const struct venues *venues, const struct venue_instance *one)
{
    for (size_t i = 0; i < venues->count; i++) {
        const struct venue_instance *other = &venues->at[i];
        if (other->id == one->id)
            return "ID is taken by another instance; allowed: each its own, never reused";
        if (strcasecmp(other->host, one->host) == 0)
            return "HOST is taken by another instance: they would bind the same ports; allowed: "
                   "each its own "
                   "(127.0.0.2, 127.0.0.3, ...)";
    }
    return NULL;
}

static int add_instance(struct venues *venues, const char *path, const char *name, FILE *errors)
{
    struct section section = { 0 };
    struct venue_instance one = { 0 };
    const char *why = NULL;

    if (config_section_load(&section, venue_keys, COUNT(venue_keys), path, name, errors) != 0)
        return ERR_CONFIG;
    if (venues->count == VENUES_MAX)
        why = "too many instances";
    else if (!is_word(name))
        why = "an instance's name has 1 to 31 of A-Z a-z 0-9 _ -";
    else if (!is_word(section.venue))
        why = "VENUE is not an adapter's name";
    else if (!is_word(section.account))
        why = "ACCOUNT has 1 to 31 of A-Z a-z 0-9 _ -";
    else if (!is_host(section.host))
        why = "HOST is not a host name or address";
    if (!why) {
        one.id = (uint16_t)section.id;
        one.has_engine = section.has_engine;
        one.maker_fee_ppm = (int32_t)section.maker_fee_ppm;
        one.taker_fee_ppm = (int32_t)section.taker_fee_ppm;
        for (size_t i = 0; name[i]; i++)
            one.name[i] = (char)toupper((unsigned char)name[i]);
        for (size_t i = 0; section.venue[i]; i++)
            one.venue[i] = (char)tolower((unsigned char)section.venue[i]);
        memcpy(one.account, section.account, strlen(section.account) + 1);
        memcpy(one.host, section.host, strlen(section.host) + 1);
        why = clash(venues, &one);
    }
    if (why) {
        say(errors, path, name, why);
        return ERR_CONFIG;
    }
    venues->at[venues->count++] = one;
    return 0;
}

static int load_core(struct venues *venues, const char *path, const char *name, FILE *errors)
{
    struct section section = { 0 };

    if (config_section_load(&section, core_keys, COUNT(core_keys), path, name, errors) != 0)
        return ERR_CONFIG;
    if (!is_host(section.host)) {
        say(errors, path, name, "HOST is not a host name or address");
        return ERR_CONFIG;
    }
    memcpy(venues->core_host, section.host, strlen(section.host) + 1);
    return 0;
}

int venues_load(struct venues *venues, const char *path, FILE *errors)
{
    char names[VENUES_MAX + 1][64];
    struct venues loaded = { .core_host = "127.0.0.1" };
    int count = config_sections(path, "", names, COUNT(names));
    int err = 0;

    if (count < 0) { /* Once more, for the words. */
        (void)config_section_load(&(struct section){ 0 }, core_keys, 0, path, "", errors);
        return ERR_CONFIG;
    }
    for (int i = 0; i < count; i++) {
        int one = strcasecmp(names[i], "CORE") == 0 ? load_core(&loaded, path, names[i], errors)
                                                    : add_instance(&loaded, path, names[i], errors);
        err = err ? err : one;
    }
    if (!err && loaded.count == 0) {
        if (errors)
            fprintf(errors,
                    "%s: names no venue instance; allowed: [NAME] with ID, VENUE and HOST\n", path);
        err = ERR_CONFIG;
    }
    if (!err)
        *venues = loaded;
    return err;
}

const struct venue_instance *venues_find(const struct venues *venues, const char *name)
{
    for (size_t i = 0; i < venues->count; i++)
        if (strcasecmp(venues->at[i].name, name) == 0)
            return &venues->at[i];
    return NULL;
}

const struct venue_instance *venues_by_id(const struct venues *venues, unsigned id)
{
    for (size_t i = 0; i < venues->count; i++)
        if (venues->at[i].id == id)
            return &venues->at[i];
    return NULL;
}

/* Away from loopback every stream is CURVE, and the owner's key is found by the name behind @. */
static bool needs_key_name(const struct venue_instance *owner)
{
    return owner && strncmp(owner->host, "127.", 4) != 0 && strcmp(owner->host, "localhost") != 0;
}

static int append(char *out, size_t cap, const char *host, unsigned port,
                  const struct venue_instance *owner)
{
    size_t len = strlen(out);
    bool is_tagged = needs_key_name(owner);
    int more = snprintf(out + len, cap - len, "%stcp://%s:%u%s%s", len ? " " : "", host, port,
                        is_tagged ? "@" : "", is_tagged ? owner->name : "");

    return (size_t)more < cap - len ? 0 : ERR_FULL;
}

int venues_endpoint_of(const struct venues *venues, const struct venue_instance *instance,
                       unsigned port, char *out, size_t cap)
{
    char endpoint[256] = "";
    int err = append(endpoint, sizeof(endpoint), instance ? instance->host : venues->core_host,
                     port, instance);

    if (err || strlen(endpoint) >= cap)
        return ERR_FULL;
    memcpy(out, endpoint, strlen(endpoint) + 1);
    return 0;
}

int venues_endpoints(const struct venues *venues, unsigned port, char *out, size_t cap)
{
    const struct stream *stream = stream_of(port);
    char list[8192] = "";
    int err = 0;

    if (!stream)
        return ERR_NOT_FOUND;
    if (!role_is_per_venue(stream->publisher))
        err = append(list, sizeof(list), venues->core_host, port, NULL);
    else
        for (size_t i = 0; i < venues->count && !err; i++)
            if (stream->publisher != ROLE_TRADING_ENGINE || venues->at[i].has_engine)
                err = append(list, sizeof(list), venues->at[i].host, port, &venues->at[i]);
    if (err || strlen(list) >= cap)
        return ERR_FULL;
    memcpy(out, list, strlen(list) + 1);
    return 0;
}

/* ZeroMQ connects to names but binds only numbers. The name stays where it has no address: binding
 * then says so. */
static const char *resolve(const char *host, char *out, size_t cap)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return host;
    int rc = getnameinfo(found->ai_addr, found->ai_addrlen, out, (socklen_t)cap, NULL, 0,
                         NI_NUMERICHOST);
    freeaddrinfo(found);
    return rc == 0 ? out : host;
}

int venues_bind_endpoint(const struct venues *venues, const struct venue_instance *instance,
                         unsigned port, char *out, size_t cap)
{
    char endpoint[256] = "", address[64];
    const char *host = instance ? instance->host : venues->core_host;
    int err =
        append(endpoint, sizeof(endpoint), resolve(host, address, sizeof(address)), port, NULL);

    if (err || strlen(endpoint) >= cap)
        return ERR_FULL;
    memcpy(out, endpoint, strlen(endpoint) + 1);
    return 0;
}
