/* SPI as the maker's drivers call it; ade9000-driver.c carries it over TCP. */
#ifndef NO_OS_SPI_H
#define NO_OS_SPI_H

#include <stdint.h>

struct no_os_spi_init_param {
    /* Of the bare chip on 127.0.0.1. */
    uint16_t port;
};

struct no_os_spi_desc;

int32_t no_os_spi_init(struct no_os_spi_desc **bus, const struct no_os_spi_init_param *param);
int32_t no_os_spi_remove(struct no_os_spi_desc *bus);
int32_t no_os_spi_write_and_read(struct no_os_spi_desc *bus, uint8_t *data, uint16_t count);

#endif
