/*
 * The RN8209C maker's own driver on our chip: rn8209c-driver PORT STEP [ARGUMENT...] [NAME=VALUE...], one JSON line.
 *
 * Built with the driver's rn8209c_u.c, which is not ours and not in this repository; its UART callbacks are here, over TCP.
 * Each run starts with the driver's init, which writes the parameters NAME=VALUE of a former run into the chip, does one
 * STEP of the maker's calibration, and prints the parameters and what the driver then reads:
 *   none | gains MILLIVOLT CURRENT_1E-4A | power_k | phase POWER | offset POWER | reactive POWER | current | energy MS
 * POWER in 1e-4 W or var. What the driver says for itself goes to stderr.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rn8209c_u.h"

/* TCP and a busy machine are slower than the 40 ms of the driver's UART. */
enum { PATIENCE_MS = 2000, SETTLE_MS = 1500, MEAN_OF = 5, WINDOW_MS = 210, POLL_MS = 5 };

uint8_t rn8209c_read_energy(uint32_t *energy);

static int chip = -1;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void delay_ms(int ms) { usleep((useconds_t)ms * 1000); }

static void transmit(uint8_t *data, int length) {
  if (send(chip, data, (size_t)length, 0) != length) fail("the chip takes no bytes");
}

/* With no time to wait it takes what has come, else it waits for all. */
static int receive(uint8_t *data, int length, int timeout) {
  int count = 0;
  while (count < length) {
    struct pollfd ready = {chip, POLLIN, 0};
    if (poll(&ready, 1, timeout == 0 ? 0 : PATIENCE_MS) <= 0) break;
    ssize_t got = recv(chip, data + count, (size_t)(length - count), 0);
    if (got <= 0) fail("the chip has hung up");
    count += (int)got;
  }
  return count;
}

/* A chip that has just been switched on needs no reset by its RX pin. */
static void reset_pin(void) {}

static void connect_to(const char *port) {
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  chip = socket(AF_INET, SOCK_STREAM, 0);
  if (chip < 0 || connect(chip, (struct sockaddr *)&where, sizeof where) != 0) fail("no chip at this port");
}

static void set_parameter(STU_8209C *p, const char *name, double value) {
  long whole = (long)value;
  if (strcmp(name, "power_start") == 0) p->power_start = (float)value;
  else if (strcmp(name, "EC") == 0) p->EC = (uint32_t)whole;
  else if (strcmp(name, "KV") == 0) p->KV = (float)value;
  else if (strcmp(name, "R") == 0) p->R = (uint32_t)whole;
  else if (strcmp(name, "GPQA") == 0) p->GPQA = (uint16_t)whole;
  else if (strcmp(name, "PhsA") == 0) p->PhsA = (uint8_t)whole;
  else if (strcmp(name, "APOSA") == 0) p->APOSA = (uint16_t)whole;
  else if (strcmp(name, "IARMSOS") == 0) p->IARMSOS = (uint16_t)whole;
  else if (strcmp(name, "Ku") == 0) p->Ku = (uint32_t)whole;
  else if (strcmp(name, "Kia") == 0) p->Kia = (uint32_t)whole;
  else fail("no such parameter");
}

static void calibrate(const char *step, char **arguments) {
  uint32_t first = arguments[0] == NULL ? 0 : (uint32_t)strtoul(arguments[0], NULL, 10);
  if (strcmp(step, "gains") == 0) {
    if (arguments[0] == NULL || arguments[1] == NULL) fail("gains needs volts and amperes");
    rn8209c_calibrate_voltage_current(phase_A, first, (uint32_t)strtoul(arguments[1], NULL, 10));
  } else if (strcmp(step, "power_k") == 0) rn8209c_calibrate_power_k_phase_a();
  else if (strcmp(step, "phase") == 0) rn8209c_calibrate_phs(phase_A, first);
  else if (strcmp(step, "offset") == 0) rn8209c_calibrate_power_offset(phase_A, first);
  else if (strcmp(step, "reactive") == 0) rn8209c_calibrate_power_Q(phase_A, first);
  else if (strcmp(step, "current") == 0) rn8209c_calibrate_current_offset(phase_A);
  else if (strcmp(step, "none") != 0 && strcmp(step, "energy") != 0) fail("no such step");
}

static double mean_of(uint8_t (*read)(uint32_t *)) {
  double sum = 0;
  for (int k = 0; k < MEAN_OF; k++) {
    uint32_t value = 0;
    delay_ms(WINDOW_MS);
    if (read(&value) != 0) fail("a register can't be read");
    sum += value;
  }
  return sum / MEAN_OF;
}

static uint8_t read_current(uint32_t *value) { return rn8209c_read_current(phase_A, value); }
static uint8_t read_power(uint32_t *value) { return rn8209c_read_power(phase_A, value); }
static uint8_t read_reactive(uint32_t *value) { return rn8209c_read_power_Q(phase_A, value); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Energy comes when a window of the chip ends, and reading clears it: from one such end to another. */
static uint32_t count_energy(double at_least, double *seconds) {
  uint32_t pulses = 0, sum = 0;
  while (pulses == 0) {
    delay_ms(POLL_MS);
    if (rn8209c_read_energy(&pulses) != 0) fail("the energy can't be read");
  }
  double begin = now();
  do {
    delay_ms(POLL_MS);
    if (rn8209c_read_energy(&pulses) != 0) fail("the energy can't be read");
    sum += pulses;
    *seconds = now() - begin;
  } while (pulses == 0 || *seconds < at_least);
  return sum;
}

int main(int argc, char **argv) {
  STU_8209C param = {.power_start = 4.4f, .EC = 3200};
  /* The driver's messages are printed on stdout. */
  FILE *out = fdopen(dup(STDOUT_FILENO), "w");
  dup2(STDERR_FILENO, STDOUT_FILENO);
  if (argc < 3 || out == NULL) fail("rn8209c-driver PORT STEP [ARGUMENT...] [NAME=VALUE...]");
  connect_to(argv[1]);
  char *arguments[3] = {NULL, NULL, NULL};
  int given = 0;
  for (int k = 3; k < argc; k++) {
    char *equals = strchr(argv[k], '=');
    if (equals == NULL) {
      if (given < 2) arguments[given++] = argv[k];
      continue;
    }
    *equals = '\0';
    set_parameter(&param, argv[k], strtod(equals + 1, NULL));
  }
  if (!rn8209c_init(delay_ms, transmit, receive, reset_pin, param)) fail("the driver can't initialise the chip");
  delay_ms(SETTLE_MS);
  calibrate(argv[2], arguments);
  param = read_stu8209c_calibrate_param();
  delay_ms(2 * WINDOW_MS);
  fprintf(out, "{\"parameters\":{\"GPQA\":%u,\"PhsA\":%u,\"APOSA\":%u,\"IARMSOS\":%u,\"Ku\":%u,\"Kia\":%u},\"QPHSCAL\":%u,",
          param.GPQA, param.PhsA, param.APOSA, param.IARMSOS, param.Ku, param.Kia, param.Cst_QPhsCal);
  if (param.Ku > 0 && param.Kia > 0)
    fprintf(out, "\"volts\":%.6f,\"amperes\":%.6f,", mean_of(rn8209c_read_voltage) / 1e3, mean_of(read_current) / 1e4);
  if (strcmp(argv[2], "energy") == 0) {
    double seconds = 0;
    uint32_t pulses = count_energy(arguments[0] == NULL ? 0 : strtod(arguments[0], NULL) / 1e3, &seconds);
    fprintf(out, "\"pulses\":%u,\"seconds\":%.6f,", pulses, seconds);
  }
  fprintf(out, "\"watts\":%.6f,\"vars\":%.6f}\n", mean_of(read_power) / 1e4, mean_of(read_reactive) / 1e4);
  return fclose(out) == 0 ? 0 : 1;
}
