/* Law: any bytes as an ini file are taken or refused, and a refusal says why, in lines that begin
 * with the file's name. What is taken is whole: each entry is the one that its name finds, stands
 * in a section that there is, on a line of its own, and holds text without control characters. */
#include "common/edge/ini.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void refusal_must_say_why(const char *errors, const char *path)
{
    size_t len = strlen(path);

    must(errors[0] != '\0');
    for (const char *line = errors; *line; line = strchr(line, '\n') + 1) {
        must(strchr(line, '\n') != NULL);
        must(strncmp(line, path, len) == 0 && line[len] == ':');
    }
}

static void entries_must_be_whole(const struct ini *ini, size_t lines)
{
    must(ini->count <= INI_ENTRIES_MAX && ini->section_count <= INI_SECTIONS_MAX);
    for (size_t i = 0; i < ini->count; i++) {
        const struct ini_entry *entry = &ini->entries[i];
        bool has_section = false;

        must(ini_find(ini, entry->section, entry->key) == entry);
        must(entry->line >= 1 && entry->line <= lines);
        must(i == 0 || entry->line > ini->entries[i - 1].line);
        for (const char *c = entry->value; *c; c++)
            must((unsigned char)*c >= 0x20 || *c == '\t');
        for (size_t s = 0; s < ini->section_count; s++)
            has_section |= strcmp(ini->sections[s].name, entry->section) == 0;
        must(has_section);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ini ini;
    char path[32], *errors = NULL;
    size_t errors_len = 0, lines = 1;
    int fd = memfd_create("ini", MFD_CLOEXEC);

    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    FILE *stream = open_memstream(&errors, &errors_len);
    must(stream != NULL);
    int err = ini_open(&ini, path, stream);
    fclose(stream);
    must(err == 0 || err == ERR_CONFIG);
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (err)
        refusal_must_say_why(errors, path);
    else
        entries_must_be_whole(&ini, lines);
    ini_close(&ini);
    ini_close(&ini);
    free(errors);
    close(fd);
    return 0;
}
