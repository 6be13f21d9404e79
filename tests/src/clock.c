/* Shifts the time of day. The file that SHOAL_TEST_SHIFT names has two numbers of 64 bits: by how many seconds, and how often
 * somebody asked while that was not 0. The time since boot is left alone: no clock that people set changes that one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static volatile int64_t *shared;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SHOAL_TEST_SHIFT");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(0, 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map != MAP_FAILED)
        shared = map;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && shared && shared[0] && clock == CLOCK_REALTIME) {
        now->tv_sec += shared[0];
        __atomic_fetch_add(&shared[1], 1, __ATOMIC_RELAXED);
    }
    return result;
}
