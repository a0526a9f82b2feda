// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLE 65536u

static int read_all(int fd, uint8_t *data, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, data + *got, size - *got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return 0;
}

int file_read(struct arena *arena, const char *path, struct bytes *out)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us */

    *out = (struct bytes){0};
    if (fd < 0) {
        return errno;
    }
    int error = fstat(fd, &status) != 0 ? errno : 0;
    if (error == 0 && S_ISDIR(status.st_mode)) {
        error = EISDIR;
    } else if (error == 0 && !S_ISREG(status.st_mode)) {
        error = EINVAL;
    } else if (error == 0 && (uint64_t)status.st_size > FILE_MAX_BYTES) {
        error = EFBIG;
    }
    if (error == 0) {
        uint8_t *data = arena_alloc(arena, (size_t)status.st_size + 1, 1);
        error = read_all(fd, data, (size_t)status.st_size, &out->size);
        out->data = data;
    }
    close(fd);
    return error;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

static int write_piece(int fd, const uint8_t *data, size_t size, off_t offset)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, data, size, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        data += n;
        size -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int write_sparse(int fd, struct bytes data)
{
    int error = ftruncate(fd, (off_t)data.size) != 0 ? errno : 0;

    for (size_t at = 0; error == 0 && at < data.size; at += HOLE) {
        size_t size = data.size - at < HOLE ? data.size - at : HOLE;
        if (!is_zero(data.data + at, size)) {
            error = write_piece(fd, data.data + at, size, (off_t)at);
        }
    }
    return error;
}

int file_write(const char *path, struct bytes data)
{
    struct arena arena = {0};
    const char *part = arena_printf(&arena, "%s.part.%ld", path, (long)getpid());
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int error = fd < 0 ? errno : write_sparse(fd, data);

    if (fd >= 0) {
        if (close(fd) != 0 && error == 0) {
            error = errno;
        }
        if (error == 0 && rename(part, path) != 0) {
            error = errno;
        }
        if (error != 0) {
            unlink(part);
        }
    }
    arena_release(&arena);
    return error;
}

const char *file_beside(struct arena *arena, const char *from, const char *path)
{
    const char *slash = strrchr(from, '/');

    if (path[0] == '/' || slash == NULL) {
        return arena_printf(arena, "%s", path);
    }
    return arena_printf(arena, "%.*s/%s", (int)(slash - from), from, path);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static const char *find_root(struct arena *arena)
{
    char path[PATH_MAX];
    const char *chosen = getenv("BULKHEAD_ROOT");
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (chosen != NULL && chosen[0] != '\0') {
        return chosen;
    }
    path[length < 0 ? 0 : length] = '\0';
    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (file_exists(arena_printf(arena, "%s/boards", path))) {
            return arena_printf(arena, "%s", path);
        }
    }
    return ".";
}

/* Shorter where the tree is the working directory: messages then name build/..., not /home/.../build/... */
const char *file_in_root(struct arena *arena, const char *relative)
{
    char here[PATH_MAX];
    const char *root = find_root(arena);

    if (getcwd(here, sizeof(here)) != NULL && strcmp(here, root) == 0) {
        return arena_printf(arena, "%s", relative);
    }
    return arena_printf(arena, "%s/%s", root, relative);
}

void file_make_folder(const char *path)
{
    struct arena arena = {0};
    char *copy = arena_printf(&arena, "%s", path);

    for (char *p = strchr(copy + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(copy, 0755);
        *p = '/';
    }
    mkdir(copy, 0755);
    arena_release(&arena);
}
