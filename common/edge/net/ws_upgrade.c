#include "common/edge/net/ws_upgrade.h"

#include "common/leaf/err.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 6455 1.3: the GUID that proves that the server speaks WebSocket. */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void ws_upgrade_key(const uint8_t random[16], char key[WS_KEY_TEXT])
{
    EVP_EncodeBlock((unsigned char *)key, random, 16);
}

void ws_upgrade_accept(const char *key, char accept[WS_ACCEPT_TEXT])
{
    char text[WS_KEY_TEXT + sizeof(guid)];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    int n = snprintf(text, sizeof(text), "%.*s%s", WS_KEY_TEXT - 1, key, guid);
    if (EVP_Digest(text, (size_t)n, digest, &len, EVP_sha1(), NULL) != 1)
        memset(digest, 0, sizeof(digest)); /* No SHA-1 here: then no answer will match. */
    EVP_EncodeBlock((unsigned char *)accept, digest, 20);
}

int ws_upgrade_request(char *out, size_t cap, const char *authority, const char *target,
                       const char *key, const char *headers)
{
    int n = snprintf(out, cap,
                     "GET %s HTTP/1.1\r\n"
                     "Host: %s\r\n"
                     "Upgrade: websocket\r\n"
                     "Connection: Upgrade\r\n"
                     "Sec-WebSocket-Key: %s\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "User-Agent: tickpipe\r\n"
                     "%s\r\n",
                     target, authority, key, headers);

    return n >= 0 && (size_t)n < cap ? n : ERR_RANGE;
}

/* A slice of the head. */
struct text {
    const char *at;
    size_t len;
};

static bool text_is(struct text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

static struct text trim(struct text text)
{
    while (text.len && (*text.at == ' ' || *text.at == '\t')) {
        text.at++;
        text.len--;
    }
    while (text.len && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool has_token(struct text list, const char *word)
{
    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.at) : list.len;
        if (text_is(trim((struct text){ list.at, len }), word))
            return true;
        list.at += len + (comma != NULL);
        list.len -= len + (comma != NULL);
    }
    return false;
}

struct seen {
    bool upgrade, connection, accept;
};

/* Takes one header line; gives why it ends the handshake, or NULL. */
static const char *take_header(struct text line, const char *accept, struct seen *seen)
{
    const char *colon = memchr(line.at, ':', line.len);

    if (!colon || colon == line.at)
        return "header without a name";
    struct text name = { line.at, (size_t)(colon - line.at) };
    struct text value = trim((struct text){ colon + 1, line.len - name.len - 1 });
    if (memchr(name.at, ' ', name.len) || memchr(name.at, '\t', name.len))
        return "space in a header's name";
    if (text_is(name, "upgrade")) {
        seen->upgrade = seen->upgrade || text_is(value, "websocket");
    } else if (text_is(name, "connection")) {
        seen->connection = seen->connection || has_token(value, "upgrade");
    } else if (text_is(name, "sec-websocket-accept")) {
        if (seen->accept || value.len != strlen(accept) || memcmp(value.at, accept, value.len) != 0)
            return "Sec-WebSocket-Accept is not the answer to our key";
        seen->accept = true;
    } else if (text_is(name, "sec-websocket-extensions")) {
        return "an extension that was not offered";
    } else if (text_is(name, "sec-websocket-protocol")) {
        return "a subprotocol that was not offered";
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101 ..." gives 101, anything else 0. */
static int read_status(struct text line)
{
    if (line.len < 12 || memcmp(line.at, "HTTP/1.1 ", 9) != 0)
        return 0;
    const char *digit = line.at + 9;
    if (!is_digit(digit[0]) || !is_digit(digit[1]) || !is_digit(digit[2]))
        return 0;
    if (line.len > 12 && line.at[12] != ' ')
        return 0;
    return (digit[0] - '0') * 100 + (digit[1] - '0') * 10 + (digit[2] - '0');
}

/* The next line of the head, without CRLF. */
static struct text next_line(const char **at, const char *end)
{
    const char *stop = memmem(*at, (size_t)(end - *at), "\r\n", 2);
    struct text line = { *at, (size_t)(stop - *at) };

    *at = stop + 2;
    return line;
}

static int check_head(const char *data, const char *end, const char *accept, struct ws_answer *out)
{
    struct seen seen = { 0 };
    const char *at = data;

    out->status = read_status(next_line(&at, end));
    if (out->status != 101) {
        out->why = out->status ? "the server refused the upgrade" : "not an HTTP/1.1 answer";
        return ERR_PROTO;
    }
    while (at < end && !out->why) {
        struct text line = next_line(&at, end);
        if (memchr(line.at, '\0', line.len) || memchr(line.at, '\r', line.len) ||
            memchr(line.at, '\n', line.len))
            out->why = "stray control character in the head";
        else
            out->why = take_header(line, accept, &seen);
    }
    if (!out->why && !seen.upgrade)
        out->why = "no Upgrade: websocket";
    if (!out->why && !seen.connection)
        out->why = "no Connection: Upgrade";
    if (!out->why && !seen.accept)
        out->why = "no Sec-WebSocket-Accept";
    return out->why ? ERR_PROTO : 0;
}

int ws_upgrade_parse(const char *data, size_t len, const char *accept, struct ws_answer *out)
{
    struct ws_answer answer = { 0 };
    const char *end = memmem(data, MIN(len, WS_ANSWER_MAX), "\r\n\r\n", 4);

    /* Something that is not HTTP is refused at once, not after a timeout. */
    if (memcmp(data, "HTTP/1.1 ", MIN(len, 9)) != 0) {
        out->status = 0;
        out->len = 0;
        out->why = "not an HTTP/1.1 answer";
        return ERR_PROTO;
    }
    if (!end) {
        if (len < WS_ANSWER_MAX)
            return ERR_AGAIN;
        *out = (struct ws_answer){ .why = "head of the answer too long" };
        return ERR_PROTO;
    }
    int err = check_head(data, end + 2, accept, &answer);
    answer.len = (size_t)(end + 4 - data);
    *out = answer;
    return err;
}
