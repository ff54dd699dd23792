#ifndef NO_OS_DELAY_H
#define NO_OS_DELAY_H

#include <stdint.h>

void no_os_mdelay(uint32_t milliseconds);

#endif
