/*
 * Runs the maker's ADE9000 driver, unchanged, against a chip on TCP: ade9000-driver PORT OPERATION...
 *
 * One line is printed for each operation:
 *   init, setup, remove    the driver's functions      ok
 *   wait:MS                lets the chip run           ok
 *   phase:0..2             ade9000_read_data_ph        mV mA mW
 *   temp                   ade9000_read_temp           degrees
 *   energy:MODEL:VALUE     ade9000_set_egy_model       ok
 *   ready:BIT              ade9000_get_int_status0     0 or 1
 *   NAME                   a register by its name      its value
 *   NAME=VALUE             writes it                   ok
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ade9000.h"
#include "no_os_alloc.h"
#include "no_os_delay.h"

struct no_os_spi_desc {
    int socket;
};

int32_t no_os_spi_init(struct no_os_spi_desc **bus, const struct no_os_spi_init_param *param)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(param->port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *bus = calloc(1, sizeof **bus);
    if (!*bus)
        return -ENOMEM;
    (*bus)->socket = socket(AF_INET, SOCK_STREAM, 0);
    if ((*bus)->socket < 0 || connect((*bus)->socket, (struct sockaddr *)&where, sizeof where) != 0) {
        free(*bus);
        return -EIO;
    }
    return 0;
}

int32_t no_os_spi_remove(struct no_os_spi_desc *bus)
{
    close(bus->socket);
    free(bus);
    return 0;
}

int32_t no_os_spi_write_and_read(struct no_os_spi_desc *bus, uint8_t *data, uint16_t count)
{
    uint8_t message[2 + 64];
    if (count > sizeof message - 2)
        return -EINVAL;
    no_os_put_unaligned_be16(count, message);
    memcpy(message + 2, data, count);
    if (write(bus->socket, message, count + 2U) != count + 2)
        return -EIO;
    for (int got = 0; got < count;) {
        ssize_t more = read(bus->socket, data + got, (size_t)(count - got));
        if (more <= 0)
            return -EIO;
        got += (int)more;
    }
    return 0;
}

void no_os_mdelay(uint32_t milliseconds)
{
    usleep(milliseconds * 1000);
}

#define REGISTER(name) {#name, ADE9000_REG_##name}
static const struct {
    const char *name;
    uint16_t address;
} REGISTERS[] = {
    REGISTER(AVAR),       REGISTER(AVA),        REGISTER(AFWATT),     REGISTER(AFVAR),      REGISTER(AFVA),
    REGISTER(APF),        REGISTER(AVTHD),      REGISTER(AITHD),      REGISTER(AIRMSONE),   REGISTER(AVRMSONE),
    REGISTER(AIRMS1012),  REGISTER(AVRMS1012),  REGISTER(AIFRMS),     REGISTER(AVFRMS),     REGISTER(NIRMS),
    REGISTER(ISUMRMS),    REGISTER(AWATTHR_LO), REGISTER(AWATTHR_HI), REGISTER(APERIOD),    REGISTER(COM_PERIOD),
    REGISTER(ANGL_VA_VB), REGISTER(ANGL_VB_VC), REGISTER(ANGL_VA_VC), REGISTER(ANGL_VB_IB), REGISTER(ANGL_VC_IC),
    REGISTER(ANGL_IA_IB), REGISTER(PHSIGN),     REGISTER(STATUS0),    REGISTER(CONFIG1),    REGISTER(CONFIG2),
    REGISTER(ZX_LP_SEL),  REGISTER(EP_CFG),     REGISTER(EGY_TIME),   REGISTER(WFB_CFG),    REGISTER(VLEVEL),
    REGISTER(MASK0),      REGISTER(CFMODE),     REGISTER(CF1DEN),     REGISTER(VERSION),
};

static int address_of(const char *name, size_t length)
{
    for (size_t k = 0; k < sizeof REGISTERS / sizeof *REGISTERS; k++)
        if (strlen(REGISTERS[k].name) == length && strncmp(REGISTERS[k].name, name, length) == 0)
            return REGISTERS[k].address;
    return -1;
}

static struct ade9000_dev *dev;

static int is(const char *operation, const char *word)
{
    return strncmp(operation, word, strlen(word)) == 0;
}

/* Gives the driver's result; what an operation shows is printed here. */
static int work(const char *operation, uint16_t port)
{
    const char *argument = strchr(operation, ':');
    unsigned long first = argument ? strtoul(argument + 1, NULL, 0) : 0;
    int result;
    if (is(operation, "init")) {
        struct no_os_spi_init_param spi = {.port = port};
        struct ade9000_init_param param = {.spi_init = &spi, .temp_en = true};
        result = ade9000_init(&dev, param);
    } else if (is(operation, "setup"))
        result = ade9000_setup(dev);
    else if (is(operation, "remove"))
        result = ade9000_remove(dev);
    else if (is(operation, "wait:")) {
        no_os_mdelay((uint32_t)first);
        result = 0;
    } else if (is(operation, "energy:")) {
        const char *value = strrchr(operation, ':');
        result = ade9000_set_egy_model(dev, (enum ade9000_egy_model)first, (uint16_t)strtoul(value + 1, NULL, 0));
    } else if (is(operation, "phase:")) {
        result = ade9000_read_data_ph(dev, (enum ade9000_phase)first);
        if (!result)
            return printf("%u %u %u\n", dev->vrms_val, dev->irms_val, dev->watt_val) < 0;
    } else if (is(operation, "temp")) {
        result = ade9000_read_temp(dev);
        if (!result)
            return printf("%d\n", dev->temp_deg) < 0;
    } else if (is(operation, "ready:")) {
        uint8_t ready;
        result = ade9000_get_int_status0(dev, NO_OS_BIT(first), &ready);
        if (!result)
            return printf("%u\n", ready) < 0;
    } else {
        size_t length = strcspn(operation, "=");
        int address = address_of(operation, length);
        uint32_t value;
        if (address < 0)
            return -EINVAL;
        if (operation[length] == '=')
            result = ade9000_write(dev, (uint16_t)address, (uint32_t)strtoul(operation + length + 1, NULL, 0));
        else {
            result = ade9000_read(dev, (uint16_t)address, &value);
            if (!result)
                return printf("%u\n", value) < 0;
        }
    }
    if (!result)
        puts("ok");
    return result;
}

int main(int count, char **words)
{
    if (count < 3) {
        fputs("usage: ade9000-driver PORT OPERATION...\n", stderr);
        return 2;
    }
    for (int k = 2; k < count; k++) {
        int result = work(words[k], (uint16_t)atoi(words[1]));
        if (result) {
            fprintf(stderr, "%s: error %d\n", words[k], result);
            return 1;
        }
    }
    return 0;
}
