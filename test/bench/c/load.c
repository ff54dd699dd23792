/*
 * Load generator for Modbus TCP servers: N connections, on each one outstanding request FC 03, 60 registers from 0.
 * Every reply is checked: transaction and protocol id, length, unit, function and byte count; with "pattern" every
 * register too (register i holds i * 263 + 7, as the peers of this bench serve).
 *
 * load HOST PORT UNIT CONNECTIONS WARM_MS MEASURE_MS header|pattern
 * Prints one JSON object. Exit 0 good, 1 a wrong reply or a lost connection, 2 wrong usage.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { REGISTERS = 60, REQUEST = 12, REPLY = 9 + 2 * REGISTERS, MAX_CONNECTIONS = 1000, MAX_SAMPLES = 8000000 };

struct connection {
  int fd;
  uint16_t transaction;
  size_t received;
  uint64_t sent_at;
  uint8_t reply[REPLY + 1]; /* one byte more than a reply, so that an overlong one is seen */
};

static struct connection connections[MAX_CONNECTIONS];
static uint32_t *samples; /* latency, ns */
static size_t sample_count;
static int check_pattern;
static uint8_t unit;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what, long detail) {
  fprintf(stderr, "load: %s (%ld)\n", what, detail);
  exit(1);
}

static void send_request(struct connection *c) {
  c->transaction++;
  c->received = 0;
  uint8_t request[REQUEST] = {c->transaction >> 8, c->transaction & 0xff, 0, 0, 0, 6, unit, 3, 0, 0, 0, REGISTERS};
  c->sent_at = now_ns();
  if (send(c->fd, request, REQUEST, MSG_NOSIGNAL) != REQUEST) fail("request not sent", errno);
}

static void check_reply(const struct connection *c) {
  const uint8_t *r = c->reply;
  if (((r[0] << 8) | r[1]) != c->transaction) fail("wrong transaction id", (r[0] << 8) | r[1]);
  if (r[2] != 0 || r[3] != 0) fail("wrong protocol id", (r[2] << 8) | r[3]);
  if (((r[4] << 8) | r[5]) != REPLY - 6) fail("wrong length", (r[4] << 8) | r[5]);
  if (r[6] != unit) fail("wrong unit", r[6]);
  if (r[7] != 3) fail("wrong function", r[7]);
  if (r[8] != 2 * REGISTERS) fail("wrong byte count", r[8]);
  if (!check_pattern) return;
  for (int i = 0; i < REGISTERS; i++)
    if (((r[9 + 2 * i] << 8) | r[10 + 2 * i]) != ((i * 263 + 7) & 0xffff)) fail("wrong value of register", i);
}

/* True when a whole reply has come. */
static int receive(struct connection *c) {
  ssize_t n = recv(c->fd, c->reply + c->received, sizeof c->reply - c->received, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (n <= 0) fail("connection lost", n < 0 ? errno : 0);
  c->received += (size_t)n;
  /* An exception is 9 bytes and would otherwise be waited for until the run ends. */
  if (c->received >= 9 && (c->reply[7] & 0x80)) fail("exception", c->reply[8]);
  if (c->received > REPLY) fail("reply too long", (long)c->received);
  return c->received == REPLY;
}

static int connect_to(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("not an IPv4 address", 0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("cannot connect", errno);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* Serves all connections until `until`; the number of replies. */
static uint64_t pump(int epoll, uint64_t until, int record) {
  struct epoll_event events[64];
  uint64_t replies = 0;
  uint64_t last_reply = now_ns();
  for (;;) {
    int ready = epoll_wait(epoll, events, 64, 100);
    uint64_t now = now_ns();
    if (ready == 0 && now - last_reply > 5000000000u) fail("no reply for 5 s", 0);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (!receive(c)) continue;
      check_reply(c);
      last_reply = now_ns();
      if (record && sample_count < MAX_SAMPLES) samples[sample_count++] = (uint32_t)(last_reply - c->sent_at);
      replies++;
      send_request(c);
    }
    if (now >= until) return replies;
  }
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double percentile_us(double p) {
  if (sample_count == 0) return 0;
  return samples[(size_t)(p * (double)(sample_count - 1))] / 1000.0;
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: load HOST PORT UNIT CONNECTIONS WARM_MS MEASURE_MS header|pattern\n");
    return 2;
  }
  unit = (uint8_t)atoi(argv[3]);
  int count = atoi(argv[4]);
  if (count < 1 || count > MAX_CONNECTIONS) fail("connections out of range", count);
  check_pattern = strcmp(argv[7], "pattern") == 0;
  samples = malloc(sizeof *samples * MAX_SAMPLES);
  int epoll = epoll_create1(0);
  if (samples == NULL || epoll < 0) fail("no memory or epoll", errno);
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    c->fd = connect_to(argv[1], atoi(argv[2]));
    c->transaction = (uint16_t)(i * 577); /* neighbours start far apart, so that a mixed-up reply is seen */
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll", errno);
    send_request(c);
  }
  pump(epoll, now_ns() + (uint64_t)atoll(argv[5]) * 1000000u, 0);
  uint64_t cpu = cpu_ns(), started = now_ns();
  printf("measuring\n"); /* the bench reads the server's CPU time now */
  fflush(stdout);
  uint64_t replies = pump(epoll, started + (uint64_t)atoll(argv[6]) * 1000000u, 1);
  double seconds = (double)(now_ns() - started) / 1e9;
  double cpu_us = (double)(cpu_ns() - cpu) / 1e3;
  printf("measured\n");
  fflush(stdout);
  qsort(samples, sample_count, sizeof *samples, by_value);
  printf("{\"requests\":%llu,\"seconds\":%.6f,\"cpuMicros\":%.1f,\"p50\":%.1f,\"p95\":%.1f,\"p99\":%.1f}\n",
         (unsigned long long)replies, seconds, cpu_us, percentile_us(0.50), percentile_us(0.95), percentile_us(0.99));
  return 0;
}
