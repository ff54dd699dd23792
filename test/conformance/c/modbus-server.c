/*
 * A libmodbus server with known input registers: modbus-server tcp PORT UNIT MAP | rtu PATH UNIT MAP. The file MAP has
 * lines of "ADDRESS WORD" (decimal); other registers are 0, and so are bits and holding registers, which can be written.
 * Prints "ready". TCP: one connection after the other.
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REGISTERS = 0x200, BITS = 0x40 };

static int load_map(const char *path, modbus_mapping_t *mapping) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  int address, word;
  while (fscanf(file, "%d %d", &address, &word) == 2)
    if (address >= 0 && address < REGISTERS) mapping->tab_input_registers[address] = (uint16_t)word;
  return fclose(file);
}

static void serve(modbus_t *context, modbus_mapping_t *mapping) {
  uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
  for (;;) {
    int length = modbus_receive(context, request);
    if (length > 0) modbus_reply(context, request, length, mapping);
    /* A line goes on after an error, a connection is over. */
    if (length < 0 && errno == ECONNRESET) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: modbus-server tcp PORT UNIT MAP | rtu PATH UNIT MAP\n");
    return 2;
  }
  int tcp = strcmp(argv[1], "tcp") == 0;
  modbus_t *context =
      tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2])) : modbus_new_rtu(argv[2], 9600, 'N', 8, 1);
  modbus_mapping_t *mapping = modbus_mapping_new(BITS, BITS, REGISTERS, REGISTERS);
  if (context == NULL || mapping == NULL || modbus_set_slave(context, atoi(argv[3])) < 0) return 1;
  if (load_map(argv[4], mapping) != 0) return 1;
  int listener = tcp ? modbus_tcp_listen(context, 1) : -1;
  if (tcp ? listener < 0 : modbus_connect(context) < 0) {
    fprintf(stderr, "modbus-server: %s\n", modbus_strerror(errno));
    return 1;
  }
  printf("ready\n");
  fflush(stdout);
  while (!tcp || modbus_tcp_accept(context, &listener) >= 0) {
    serve(context, mapping);
    if (tcp) modbus_close(context);
  }
  return 1;
}
