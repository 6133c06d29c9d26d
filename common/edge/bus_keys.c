/* bus_keys.c - CURVE: this process's certificate, its peers', and the check of clients' keys. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The actor that checks clients' keys: ZeroMQ asks one per context, so one per process. */
static struct {
    zactor_t *actor;
    unsigned users;
    char keys_dir[BUS_PATH_MAX];
} zauth_shared;

int bus_keys_name(enum role role, const char *venue, char out[BUS_KEYS_NAME_MAX])
{
    char name[BUS_KEYS_NAME_MAX];
    const char *text = role_name(role);

    if (role == ROLE_NONE || !text)
        return ERR_RANGE;
    int length = snprintf(name, sizeof(name), "%s", text);
    if (role_is_per_venue(role)) {
        if (!venue || !*venue)
            return ERR_RANGE;
        length = snprintf(name, sizeof(name), "%s_%s", text, venue);
    }
    if (length < 0 || (size_t)length >= sizeof(name))
        return ERR_RANGE;
    for (char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-')
            return ERR_RANGE;
        *at = (char)tolower((unsigned char)*at);
    }
    strcpy(out, name);
    return 0;
}

static int refuse(const char *path, const char *why)
{
    log_error("bus_keys", "%s: %s", path, why);
    return ERR_CONFIG;
}

/* Anybody who can read a secret key is that role. */
static int check_keys_dir(const char *keys_dir)
{
    struct stat st;

    if (stat(keys_dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return refuse(keys_dir, "no such directory: make keys with `tickpipe keys`");
    if (st.st_uid != geteuid() || (st.st_mode & 0077))
        return refuse(keys_dir, "must be ours and closed to others (mode 0700)");
    return 0;
}

static int load_secret(struct bus *bus, zcert_t **cert)
{
    char name[BUS_KEYS_NAME_MAX];
    char path[BUS_PATH_MAX + BUS_KEYS_NAME_MAX + 32];
    struct stat st;

    if (bus_keys_name(bus->config.role, bus->config.venue, name) != 0)
        return refuse(bus->keys_dir, "this role has no certificate name");
    int err = check_keys_dir(bus->keys_dir);
    if (err)
        return err;
    snprintf(path, sizeof(path), "%s/%s.cert_secret", bus->keys_dir, name);
    if (stat(path, &st) != 0)
        return refuse(path, "no secret key: make it with `tickpipe keys`");
    if (st.st_uid != geteuid() || (st.st_mode & 0077))
        return refuse(path, "must be ours and closed to others (mode 0600)");
    *cert = zcert_load(path);
    if (!*cert)
        return refuse(path, "not a certificate");
    static const byte no_key[32];
    if (memcmp(zcert_secret_key(*cert), no_key, sizeof(no_key)) == 0) {
        zcert_destroy(cert);
        return refuse(path, "holds no secret key");
    }
    return 0;
}

static int hold_zauth(struct bus *bus)
{
    char path[BUS_PATH_MAX + 16];

    if (bus->has_zauth)
        return 0;
    if (zauth_shared.users > 0 && strcmp(zauth_shared.keys_dir, bus->keys_dir) != 0)
        return refuse(bus->keys_dir,
                      "this process already checks clients by another keys directory");
    if (zauth_shared.users == 0) {
        zauth_shared.actor = zactor_new(zauth, NULL);
        if (!zauth_shared.actor)
            return ERR_SYS;
        snprintf(path, sizeof(path), "%s/public", bus->keys_dir);
        strcpy(zauth_shared.keys_dir, bus->keys_dir);
        zstr_sendx(zauth_shared.actor, "CURVE", path, NULL);
        zsock_wait(zauth_shared.actor);
    }
    zauth_shared.users++;
    bus->has_zauth = true;
    return 0;
}

void bus_keys_release(struct bus *bus)
{
    if (!bus->has_zauth)
        return;
    bus->has_zauth = false;
    if (--zauth_shared.users == 0)
        zactor_destroy(&zauth_shared.actor);
}

int bus_keys_server(struct bus *bus, struct bus_socket *socket)
{
    zcert_t *cert = NULL;

    int err = load_secret(bus, &cert);
    if (!err)
        err = hold_zauth(bus);
    if (!err) {
        zcert_apply(cert, socket->owner);
        err = bus_socket_set(socket, ZMQ_CURVE_SERVER, 1);
    }
    if (!err && zmq_setsockopt(socket->raw, ZMQ_ZAP_DOMAIN, "tickpipe", 8) != 0)
        err = ERR_SYS;
    zcert_destroy(&cert);
    return err;
}

/* For an endpoint that does not say whose it is: the role's only public certificate, if it is one.
 */
static int find_only(const char *keys_dir, enum role role, char out[BUS_KEYS_NAME_MAX])
{
    char path[BUS_PATH_MAX + 16];
    unsigned found = 0;
    const char *prefix = role_name(role);
    size_t prefix_length = strlen(prefix);

    snprintf(path, sizeof(path), "%s/public", keys_dir);
    DIR *dir = opendir(path);
    if (!dir)
        return refuse(path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (length < prefix_length + 6 || length - 5 >= BUS_KEYS_NAME_MAX ||
            strncmp(entry->d_name, prefix, prefix_length) != 0 ||
            entry->d_name[prefix_length] != '_' || strcmp(entry->d_name + length - 5, ".cert") != 0)
            continue;
        found++;
        memcpy(out, entry->d_name, length - 5);
        out[length - 5] = '\0';
    }
    closedir(dir);
    if (found != 1)
        return refuse(path, "write the endpoint as tcp://HOST:PORT@venue: which certificate its "
                            "owner has is not clear");
    return 0;
}

int bus_keys_client(struct bus *bus, struct bus_socket *socket, enum role role, const char *venue)
{
    char name[BUS_KEYS_NAME_MAX];
    char path[BUS_PATH_MAX + BUS_KEYS_NAME_MAX + 32];
    zcert_t *own = NULL, *server = NULL;

    int err = load_secret(bus, &own);
    if (!err && bus_keys_name(role, venue, name) != 0)
        err = find_only(bus->keys_dir, role, name);
    if (!err) {
        snprintf(path, sizeof(path), "%s/public/%s.cert", bus->keys_dir, name);
        server = access(path, R_OK) == 0 ? zcert_load(path) : NULL;
        if (!server)
            err = refuse(path, "no public key of the other side: make it with `tickpipe keys`");
    }
    if (!err) {
        zcert_apply(own, socket->owner);
        if (zmq_setsockopt(socket->raw, ZMQ_CURVE_SERVERKEY, zcert_public_key(server), 32) != 0)
            err = ERR_SYS;
    }
    zcert_destroy(&own);
    zcert_destroy(&server);
    return err;
}

/* CZMQ writes NAME and NAME_secret side by side; ours live in different directories. The secret is
 * last: a pair is complete when it is there. */
static int make_pair(const char *keys_dir, const char *name)
{
    char path[BUS_PATH_MAX + BUS_KEYS_NAME_MAX + 32];
    char partial[sizeof(path) + 8];

    zcert_t *cert = zcert_new();
    if (!cert)
        return ERR_SYS;
    zcert_set_meta(cert, "name", "%s", name);

    snprintf(path, sizeof(path), "%s/public/%s.cert", keys_dir, name);
    int rc = zcert_save_public(cert, path);
    if (rc == 0)
        rc = chmod(path, 0644);
    snprintf(path, sizeof(path), "%s/%s.cert_secret", keys_dir, name);
    snprintf(partial, sizeof(partial), "%s.new", path);
    if (rc == 0)
        rc = zcert_save_secret(cert, partial);
    if (rc == 0)
        rc = chmod(partial, 0600);
    if (rc == 0)
        rc = rename(partial, path);
    zcert_destroy(&cert);
    if (rc != 0)
        log_error("bus_keys", "%s: cannot write: %s", path, strerror(errno));
    return rc == 0 ? 0 : ERR_SYS;
}

int bus_keys_make(const char *keys_dir, const char *const *names, size_t count)
{
    char path[BUS_PATH_MAX + BUS_KEYS_NAME_MAX + 32];

    zsys_handler_set(NULL);
    if (strlen(keys_dir) >= BUS_PATH_MAX)
        return ERR_CONFIG;
    if (mkdir(keys_dir, 0700) != 0 && errno != EEXIST) {
        log_error("bus_keys", "%s: cannot make it: %s", keys_dir, strerror(errno));
        return ERR_SYS;
    }
    int err = check_keys_dir(keys_dir);
    if (err)
        return err;
    snprintf(path, sizeof(path), "%s/public", keys_dir);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return ERR_SYS;
    for (size_t i = 0; i < count && !err; i++) {
        if (strlen(names[i]) >= BUS_KEYS_NAME_MAX)
            return ERR_CONFIG;
        snprintf(path, sizeof(path), "%s/%s.cert_secret", keys_dir, names[i]);
        if (access(path, F_OK) != 0)
            err = make_pair(keys_dir, names[i]);
    }
    return err;
}
