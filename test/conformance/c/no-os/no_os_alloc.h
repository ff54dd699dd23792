#ifndef NO_OS_ALLOC_H
#define NO_OS_ALLOC_H

#include <stdlib.h>

static inline void *no_os_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

static inline void no_os_free(void *memory)
{
    free(memory);
}

#endif
