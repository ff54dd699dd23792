/*
 * A Modbus RTU slave that keeps the standard's silence: it answers FC 03 from unit 1, t3.5 after the request's last byte.
 * Holding register i holds i * 263 + 7.
 *
 * rtu-slave PATH T35_MICROSECONDS: prints "ready" and serves until it is killed.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 8, MAX_REGISTERS = 125 };

static uint16_t crc(const uint8_t *bytes, int length) {
  uint16_t sum = 0xffff;
  for (int i = 0; i < length; i++) {
    sum ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) sum = (uint16_t)(sum & 1 ? (sum >> 1) ^ 0xa001 : sum >> 1);
  }
  return sum;
}

static int reply_to(const uint8_t *request, uint8_t *reply) {
  int first = request[2] << 8 | request[3], count = request[4] << 8 | request[5];
  if (request[0] != 1 || request[1] != 3 || count < 1 || count > MAX_REGISTERS) return 0;
  reply[0] = 1;
  reply[1] = 3;
  reply[2] = (uint8_t)(2 * count);
  for (int i = 0; i < count; i++) {
    int value = (first + i) * 263 + 7;
    reply[3 + 2 * i] = (uint8_t)(value >> 8);
    reply[4 + 2 * i] = (uint8_t)value;
  }
  int length = 3 + 2 * count;
  uint16_t sum = crc(reply, length);
  reply[length] = (uint8_t)sum;
  reply[length + 1] = (uint8_t)(sum >> 8);
  return length + 2;
}

static void wait_until(struct timespec *when, long micros) {
  when->tv_nsec += micros * 1000;
  when->tv_sec += when->tv_nsec / 1000000000;
  when->tv_nsec %= 1000000000;
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: rtu-slave PATH T35_MICROSECONDS\n");
    return 2;
  }
  int fd = open(argv[1], O_RDWR | O_NOCTTY);
  struct termios raw;
  if (fd < 0 || tcgetattr(fd, &raw) != 0) {
    perror(argv[1]);
    return 1;
  }
  cfmakeraw(&raw);
  tcsetattr(fd, TCSANOW, &raw);
  printf("ready\n");
  fflush(stdout);
  uint8_t request[REQUEST], reply[256];
  int have = 0;
  while (read(fd, request + have, 1) == 1) {
    if (++have < REQUEST) continue;
    struct timespec heard;
    clock_gettime(CLOCK_MONOTONIC, &heard);
    /* Out of step after a disturbance: one byte on, until eight of them are a frame. */
    if (crc(request, REQUEST) != 0) {
      for (int i = 1; i < REQUEST; i++) request[i - 1] = request[i];
      have = REQUEST - 1;
      continue;
    }
    have = 0;
    int length = reply_to(request, reply);
    wait_until(&heard, atol(argv[2]));
    if (length > 0 && write(fd, reply, (size_t)length) != length) return 1;
  }
  return 0;
}
