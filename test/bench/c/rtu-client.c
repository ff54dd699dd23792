/*
 * A libmodbus master on a serial port: one poll of 60 holding registers after the other, each checked; of the first WARM
 * ones nothing is counted.
 *
 * rtu-client PATH BAUD WARM POLLS: prints one line of JSON, {"polls", "errors", "cpuMicros"}.
 */
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { REGISTERS = 60 };

static long cpu_micros(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static int errors_in(modbus_t *context, int polls) {
  int errors = 0;
  for (int poll = 0; poll < polls; poll++) {
    uint16_t values[REGISTERS];
    int good = modbus_read_registers(context, 0, REGISTERS, values) == REGISTERS;
    for (int i = 0; good && i < REGISTERS; i++) good = values[i] == (uint16_t)(i * 263 + 7);
    if (!good) errors++;
  }
  return errors;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: rtu-client PATH BAUD WARM POLLS\n");
    return 2;
  }
  int polls = atoi(argv[4]);
  modbus_t *context = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
  if (context == NULL || modbus_set_slave(context, 1) < 0 || modbus_connect(context) < 0) return 1;
  modbus_set_response_timeout(context, 1, 0);
  errors_in(context, atoi(argv[3]));
  long before = cpu_micros();
  int errors = errors_in(context, polls);
  printf("{\"polls\": %d, \"errors\": %d, \"cpuMicros\": %ld}\n", polls, errors, cpu_micros() - before);
  modbus_close(context);
  modbus_free(context);
  return 0;
}
