/*
 * A libmodbus client: modbus-client tcp:PORT|rtu:PATH UNIT OPERATION..., one line of output per operation.
 *
 * OPERATION: FUNCTION:ADDRESS:QUANTITY to read (1-4), FUNCTION:ADDRESS:VALUE[,VALUE...] to write (5, 6, 15, 16),
 * 17:0:0 for the server id as text, 22:ADDRESS:AND,OR, 23:ADDRESS:QUANTITY,TARGET,VALUE[,VALUE...] to write TARGET, or
 * raw:HEX, a PDU the library itself would refuse to send; the reply's PDU is printed as it came.
 * Output: "ok VALUE...", "raw HEX" or "error TEXT" with the library's name of the exception.
 */
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 2000 };

static void print_error(void) { printf("error %s\n", modbus_strerror(errno)); }

static int parse_values(const char *text, uint16_t *values) {
  int count = 0;
  for (char *end = NULL; count < MAX_VALUES; text = end + 1) {
    values[count++] = (uint16_t)strtol(text, &end, 10);
    if (*end != ',') break;
  }
  return count;
}

static void read_values(modbus_t *context, int function, int address, int quantity) {
  uint8_t bits[MAX_VALUES];
  uint16_t words[MAX_VALUES];
  int got = -1;
  if (function == 1) got = modbus_read_bits(context, address, quantity, bits);
  if (function == 2) got = modbus_read_input_bits(context, address, quantity, bits);
  if (function == 3) got = modbus_read_registers(context, address, quantity, words);
  if (function == 4) got = modbus_read_input_registers(context, address, quantity, words);
  if (got < 0) {
    print_error();
    return;
  }
  printf("ok");
  for (int i = 0; i < got; i++) printf(" %d", function <= 2 ? bits[i] : words[i]);
  printf("\n");
}

static void write_values(modbus_t *context, int function, int address, const char *text) {
  uint16_t words[MAX_VALUES];
  uint8_t bits[MAX_VALUES];
  int count = parse_values(text, words);
  for (int i = 0; i < count; i++) bits[i] = words[i] != 0;
  int done = -1;
  if (function == 5) done = modbus_write_bit(context, address, words[0]);
  if (function == 6) done = modbus_write_register(context, address, words[0]);
  if (function == 15) done = modbus_write_bits(context, address, count, bits);
  if (function == 16) done = modbus_write_registers(context, address, count, words);
  if (done < 0) print_error();
  else printf("ok\n");
}

static void report_id(modbus_t *context) {
  uint8_t id[MODBUS_MAX_PDU_LENGTH];
  int got = modbus_report_slave_id(context, sizeof id, id);
  if (got < 2) print_error();
  else printf("ok %d %d %.*s\n", id[0], id[1], got - 2, (char *)id + 2);
}

static void mask_write(modbus_t *context, int address, const char *text) {
  uint16_t masks[MAX_VALUES];
  if (parse_values(text, masks) != 2 || modbus_mask_write_register(context, address, masks[0], masks[1]) < 0) print_error();
  else printf("ok\n");
}

static void write_and_read(modbus_t *context, int address, const char *text) {
  uint16_t values[MAX_VALUES], words[MAX_VALUES];
  int count = parse_values(text, values);
  int got = count < 3 ? -1 : modbus_write_and_read_registers(context, values[1], count - 2, values + 2, address, values[0], words);
  if (got < 0) {
    print_error();
    return;
  }
  printf("ok");
  for (int i = 0; i < got; i++) printf(" %d", words[i]);
  printf("\n");
}

static void send_raw(modbus_t *context, int unit, const char *hex) {
  uint8_t request[MODBUS_MAX_PDU_LENGTH + 1] = {(uint8_t)unit};
  uint8_t reply[MODBUS_TCP_MAX_ADU_LENGTH];
  int length = 1;
  unsigned byte;
  for (; length <= MODBUS_MAX_PDU_LENGTH && sscanf(hex, "%2x", &byte) == 1; hex += 2) request[length++] = (uint8_t)byte;
  if (modbus_send_raw_request(context, request, length) < 0) {
    print_error();
    return;
  }
  int got = modbus_receive_confirmation(context, reply);
  if (got < 0) {
    print_error();
    return;
  }
  int header = modbus_get_header_length(context);
  int trailer = header == 1 ? 2 : 0; /* RTU: address before, CRC after */
  printf("raw ");
  for (int i = header; i < got - trailer; i++) printf("%02x", reply[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: modbus-client tcp:PORT|rtu:PATH UNIT OPERATION...\n");
    return 2;
  }
  modbus_t *context = strncmp(argv[1], "tcp:", 4) == 0 ? modbus_new_tcp("127.0.0.1", atoi(argv[1] + 4))
                                                       : modbus_new_rtu(argv[1] + 4, 9600, 'N', 8, 1);
  int unit = atoi(argv[2]);
  if (context == NULL || modbus_set_slave(context, unit) < 0) return 1;
  modbus_set_response_timeout(context, 2, 0);
  if (modbus_connect(context) < 0) {
    print_error();
    return 1;
  }
  for (int i = 3; i < argc; i++) {
    int function, address, at;
    if (strncmp(argv[i], "raw:", 4) == 0) send_raw(context, unit, argv[i] + 4);
    else if (sscanf(argv[i], "%d:%d:%n", &function, &address, &at) != 2) return 2;
    else if (function == 17) report_id(context);
    else if (function == 22) mask_write(context, address, argv[i] + at);
    else if (function == 23) write_and_read(context, address, argv[i] + at);
    else if (function <= 4) read_values(context, function, address, atoi(argv[i] + at));
    else write_values(context, function, address, argv[i] + at);
  }
  modbus_close(context);
  modbus_free(context);
  return 0;
}
