/*
 * A serial line in real time: two pseudo terminals, and between them bytes that take as long as on a wire.
 *
 * line-pacer --baud N --bits N --a LINK --b LINK [--seed N] [--lose P] [--flip P] [--double P] [--noise P] [--echo] [--log FILE]
 *
 * A byte handed over at one end arrives at the other when its stop bit would have ended: start of sending (at once, or when
 * the byte before it is through) plus BITS / BAUD. LINK are symbolic links to the terminals. Faults are drawn from the seed,
 * each for every byte with probability P: lost, one bit flipped, sent twice, a byte of noise before it. With --echo the
 * sender hears its own bytes when they end, as on a two-wire line. FILE gets a line for each byte that was heard: the end
 * it came from, when it began on the wire and when it was handed over, in ns since the program began, the byte in hex.
 * The second is what really happened, which on a busy machine is later than the stop bit's end.
 *
 * Prints "ready" and works until its standard input ends or a signal comes; then it removes the links. Node.js cannot do
 * this: its timers are a millisecond apart, a byte at 115200 baud is 87 microseconds long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE = 4096, SPIN_NS = 60000 };
#define SECOND 1000000000LL

struct byte {
  uint8_t value;
  int64_t end;
};

/* What one end has said and the other not yet heard. */
struct direction {
  struct byte queue[QUEUE];
  int head, count;
  int64_t free_at; /* when the last byte handed over will be through */
  uint64_t state;  /* each direction draws for itself: what the other one says changes nothing */
};

struct end {
  const char *link;
  int master, slave;
};

static struct end ends[2];
static struct direction directions[2]; /* by the end that speaks */
static double lose, flip, twice, noise;
static int echo;
static int64_t bit_ns_thousand; /* one bit in 1/1000 ns */
static int bits = 11;
static FILE *log_file;
static int64_t began;
static uint64_t seed = 1;
static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

/* xorshift64*: the same seed, the same faults. */
static double draw(struct direction *d) {
  d->state ^= d->state >> 12;
  d->state ^= d->state << 25;
  d->state ^= d->state >> 27;
  return (double)((d->state * 2685821657736338717ULL) >> 11) / 9007199254740992.0;
}

static int happens(struct direction *d, double probability) { return probability > 0 && draw(d) < probability; }

static int64_t character_ns(void) { return bits * bit_ns_thousand / 1000; }

static void put(struct direction *d, uint8_t value, int64_t at) {
  if (d->count == QUEUE) return; /* never with faults off: no more is read than fits */
  d->free_at = (d->free_at > at ? d->free_at : at) + character_ns();
  d->queue[(d->head + d->count++) % QUEUE] = (struct byte){value, d->free_at};
}

static void take(int from) {
  struct direction *d = &directions[from];
  uint8_t bytes[QUEUE];
  /* Faults may make three of one. */
  int room = (QUEUE - d->count) / 3;
  ssize_t got = room > 0 ? read(ends[from].master, bytes, (size_t)room) : 0;
  int64_t at = now();
  for (ssize_t i = 0; i < got; i++) {
    if (happens(d, noise)) put(d, (uint8_t)(draw(d) * 256), at);
    if (happens(d, lose)) {
      d->free_at = (d->free_at > at ? d->free_at : at) + character_ns();
      continue;
    }
    uint8_t value = happens(d, flip) ? (uint8_t)(bytes[i] ^ (1 << (int)(draw(d) * 8))) : bytes[i];
    put(d, value, at);
    if (happens(d, twice)) put(d, value, at);
  }
}

/* A terminal nobody reads is full at some kilobytes: what comes then is lost, as on a wire nobody listens to. */
static void hear(int at, uint8_t value) {
  if (write(ends[at].master, &value, 1) < 0 && errno != EAGAIN) stopping = 1;
}

static void deliver(int from, int64_t until) {
  struct direction *d = &directions[from];
  while (d->count > 0 && d->queue[d->head].end <= until) {
    struct byte b = d->queue[d->head];
    d->head = (d->head + 1) % QUEUE;
    d->count--;
    hear(1 - from, b.value);
    int64_t heard_at = now();
    if (echo) hear(from, b.value);
    if (log_file != NULL)
      fprintf(log_file, "%c %lld %lld %02x\n", "ab"[from], (long long)(b.end - character_ns() - began),
              (long long)(heard_at - began), b.value);
  }
}

static int64_t next_end(void) {
  int64_t next = INT64_MAX;
  for (int i = 0; i < 2; i++)
    if (directions[i].count > 0 && directions[i].queue[directions[i].head].end < next)
      next = directions[i].queue[directions[i].head].end;
  return next;
}

static void fail(const char *what) {
  fprintf(stderr, "line-pacer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void remove_links(void) {
  for (int i = 0; i < 2; i++)
    if (ends[i].master > 0) unlink(ends[i].link);
}

static void open_end(struct end *e) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) fail("no pseudo terminal");
  const char *name = ptsname(master);
  /* Held open: without any opener the terminal would hang up between two users. */
  e->slave = name == NULL ? -1 : open(name, O_RDWR | O_NOCTTY);
  struct termios raw;
  if (e->slave < 0 || tcgetattr(e->slave, &raw) != 0) fail("no pseudo terminal");
  cfmakeraw(&raw);
  if (tcsetattr(e->slave, TCSANOW, &raw) != 0) fail("no raw terminal");
  if (symlink(name, e->link) != 0) fail(e->link);
  e->master = master;
}

static void run(void) {
  struct pollfd watched[3] = {{ends[0].master, POLLIN, 0}, {ends[1].master, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (!stopping) {
    int64_t left = next_end();
    struct timespec pause = {3600, 0};
    if (left != INT64_MAX) {
      left -= now() + SPIN_NS;
      if (left < 0) left = 0;
      pause = (struct timespec){left / SECOND, left % SECOND};
    }
    /* A full queue is not read: the terminal's own buffer holds the rest. */
    for (int i = 0; i < 2; i++) watched[i].events = QUEUE - directions[i].count >= 3 ? POLLIN : 0;
    if (ppoll(watched, 3, &pause, NULL) < 0 && errno != EINTR) fail("poll");
    for (int i = 0; i < 2; i++)
      if (watched[i].revents & POLLIN) take(i);
    if (watched[2].revents != 0) {
      char ignored[64];
      if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) stopping = 1;
    }
    int64_t next = next_end();
    if (next == INT64_MAX || next - now() > SPIN_NS) continue;
    int64_t t;
    while ((t = now()) < next) {
    }
    for (int i = 0; i < 2; i++) deliver(i, t);
  }
}

static double probability(const char *text) {
  char *end;
  double p = strtod(text, &end);
  if (*end != '\0' || !(p >= 0 && p <= 1)) {
    fprintf(stderr, "line-pacer: %s is no probability\n", text);
    exit(2);
  }
  return p;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"baud", 1, 0, 'r'}, {"bits", 1, 0, 'c'},   {"a", 1, 0, 'a'},     {"b", 1, 0, 'b'},    {"seed", 1, 0, 's'}, {"lose", 1, 0, 'l'},
      {"flip", 1, 0, 'f'}, {"double", 1, 0, 'd'}, {"noise", 1, 0, 'n'}, {"echo", 0, 0, 'e'}, {"log", 1, 0, 'o'},  {0, 0, 0, 0}};
  long baud = 0;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option == 'r') baud = atol(optarg);
    else if (option == 'c') bits = atoi(optarg);
    else if (option == 'a') ends[0].link = optarg;
    else if (option == 'b') ends[1].link = optarg;
    else if (option == 's') seed = strtoull(optarg, NULL, 10);
    else if (option == 'l') lose = probability(optarg);
    else if (option == 'f') flip = probability(optarg);
    else if (option == 'd') twice = probability(optarg);
    else if (option == 'n') noise = probability(optarg);
    else if (option == 'e') echo = 1;
    else if (option == 'o' && (log_file = fopen(optarg, "w")) == NULL) fail(optarg);
    else if (option == '?') return 2;
  }
  if (baud <= 0 || bits < 7 || bits > 13 || ends[0].link == NULL || ends[1].link == NULL) {
    fprintf(stderr, "line-pacer: --baud, --bits (7..13), --a and --b are needed\n");
    return 2;
  }
  /* Far apart, and never 0, where it would stay. */
  directions[0].state = (2 * seed + 1) * 0x9e3779b97f4a7c15ULL;
  directions[1].state = (2 * seed + 1) * 0xbf58476d1ce4e5b9ULL;
  bit_ns_thousand = 1000 * SECOND / baud;
  struct sigaction quiet = {.sa_handler = on_signal};
  sigaction(SIGTERM, &quiet, NULL);
  sigaction(SIGINT, &quiet, NULL);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000UL);
  /* Before all others where the system allows it (to root), so that a busy machine keeps the pace too. */
  struct sched_param first = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &first);
  atexit(remove_links);
  open_end(&ends[0]);
  open_end(&ends[1]);
  began = now();
  printf("ready\n");
  fflush(stdout);
  run();
  if (log_file != NULL) fclose(log_file);
  return 0;
}
