#include "venue_simulator/tls_files.h"

#include "common/leaf/err.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAYS_VALID = 825, SECONDS_A_DAY = 86400 };

static int extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    int err = extension && X509_add_ext(certificate, extension, -1) ? 0 : ERR_SYS;
    X509_EXTENSION_free(extension);
    return err;
}

/* A certificate for key with this name; issuer NULL: its own. */
static X509 *certificate_make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    unsigned char serial[16];
    int err = certificate && RAND_bytes(serial, sizeof(serial)) == 1 ? 0 : ERR_SYS;

    if (err)
        return certificate;
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), (long)DAYS_VALID * SECONDS_A_DAY);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    if (!issuer) {
        err = extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
        if (!err)
            err = extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
        if (!err)
            err = extend(certificate, certificate, NID_subject_key_identifier, "hash");
    } else {
        err = extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
        if (!err)
            err = extend(certificate, issuer, NID_key_usage, "critical,digitalSignature");
        if (!err)
            err = extend(certificate, issuer, NID_ext_key_usage, "serverAuth");
        if (!err)
            err = extend(certificate, issuer, NID_subject_alt_name,
                         "DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,IP:127.0.0.4,"
                         "IP:127.0.0.5,IP:127.0.0.6,IP:127.0.0.7,IP:127.0.0.8,IP:127.0.0.9");
        if (!err)
            err = extend(certificate, issuer, NID_subject_key_identifier, "hash");
        if (!err)
            err = extend(certificate, issuer, NID_authority_key_identifier, "keyid");
    }
    if (!err && X509_sign(certificate, issuer_key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Written beside and renamed: a reader never finds half a file. */
static int write_pem(const char *path, mode_t mode, X509 *certificate, X509 *chain, EVP_PKEY *key)
{
    char temporary[640];

    snprintf(temporary, sizeof(temporary), "%s.new", path);
    (void)unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return ERR_SYS;
    }
    int is_written = 1;
    if (certificate)
        is_written = PEM_write_X509(file, certificate);
    if (is_written && chain)
        is_written = PEM_write_X509(file, chain);
    if (is_written && key)
        is_written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    if (fclose(file) != 0 || !is_written || rename(temporary, path) != 0)
        return ERR_SYS;
    return 0;
}

static int make_all(const struct tls_files *files)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca =
        ca_key && key ? certificate_make("tickpipe simulator CA", ca_key, NULL, ca_key) : NULL;
    X509 *certificate = ca ? certificate_make("localhost", key, ca, ca_key) : NULL;
    int err = certificate ? 0 : ERR_SYS;

    if (!err)
        err = write_pem(files->key, 0600, NULL, NULL, key);
    if (!err)
        err = write_pem(files->certificate, 0644, certificate, ca, NULL);
    if (!err)
        err = write_pem(files->ca, 0644, ca, NULL, NULL);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return err;
}

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (file)
        fclose(file);
    return certificate;
}

/* Complete, belonging together, and good for another day. */
static bool are_usable(const struct tls_files *files)
{
    FILE *file = fopen(files->key, "re");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    X509 *ca = read_certificate(files->ca), *certificate = read_certificate(files->certificate);
    time_t tomorrow = time(NULL) + SECONDS_A_DAY;
    bool is_usable = key && ca && certificate && X509_check_private_key(certificate, key) == 1 &&
                     X509_verify(certificate, X509_get0_pubkey(ca)) == 1 &&
                     X509_cmp_time(X509_get0_notAfter(certificate), &tomorrow) > 0;

    if (file)
        fclose(file);
    X509_free(ca);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_usable;
}

static int make_dirs(const char *dir)
{
    char path[600];

    snprintf(path, sizeof(path), "%s", dir);
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return ERR_SYS;
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : ERR_SYS;
}

int tls_files_ensure(const char *dir, struct tls_files *out)
{
    struct tls_files files;

    if (strlen(dir) > 512 || dir[0] == 0)
        return ERR_RANGE;
    snprintf(files.ca, sizeof(files.ca), "%s/ca.pem", dir);
    snprintf(files.certificate, sizeof(files.certificate), "%s/server.pem", dir);
    snprintf(files.key, sizeof(files.key), "%s/server.key", dir);
    int err = make_dirs(dir);
    if (!err && !are_usable(&files))
        err = make_all(&files);
    if (!err)
        *out = files;
    return err;
}
