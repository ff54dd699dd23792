/*
 * Modbus TCP server on libmodbus for many connections: one select loop, as in the library's own example of that kind.
 * Holding register i holds i * 263 + 7, for 0..124.
 *
 * libmodbus-server PORT: prints "ready" and serves until it is killed.
 */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REGISTERS = 125, BACKLOG = 128 };

static int accept_connection(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return -1;
  if (fd >= FD_SETSIZE) {
    close(fd);
    return -1;
  }
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* False when the peer has gone. */
static int serve(modbus_t *context, modbus_mapping_t *mapping, int fd) {
  uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
  modbus_set_socket(context, fd);
  int length = modbus_receive(context, request);
  if (length < 0) return 0;
  return length == 0 || modbus_reply(context, request, length, mapping) >= 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: libmodbus-server PORT\n");
    return 2;
  }
  modbus_t *context = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
  modbus_mapping_t *mapping = modbus_mapping_new(0, 0, REGISTERS, 0);
  if (context == NULL || mapping == NULL) return 1;
  for (int i = 0; i < REGISTERS; i++) mapping->tab_registers[i] = (uint16_t)(i * 263 + 7);
  int listener = modbus_tcp_listen(context, BACKLOG);
  if (listener < 0) {
    fprintf(stderr, "libmodbus-server: %s\n", modbus_strerror(errno));
    return 1;
  }
  printf("ready\n");
  fflush(stdout);
  fd_set all;
  FD_ZERO(&all);
  FD_SET(listener, &all);
  int highest = listener;
  for (;;) {
    fd_set readable = all;
    if (select(highest + 1, &readable, NULL, NULL, NULL) < 0) return 1;
    for (int fd = 0; fd <= highest; fd++) {
      if (!FD_ISSET(fd, &readable)) continue;
      if (fd == listener) {
        int accepted = accept_connection(listener);
        if (accepted < 0) continue;
        FD_SET(accepted, &all);
        if (accepted > highest) highest = accepted;
      } else if (!serve(context, mapping, fd)) {
        close(fd);
        FD_CLR(fd, &all);
      }
    }
  }
}
