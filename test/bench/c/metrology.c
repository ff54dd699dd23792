/*
 * The metering chip's arithmetic and the synthesis of its waves in C, the same algorithms in the same order as
 * firmware-sim/metrology: zero crossings, end weights, products, fundamental by a one-bin DFT per cycle (Goertzel), line
 * voltages, neutral; an oscillator per order and channel, noise from a table, rounding and clipping. One meter per loop.
 *
 * metrology MILLISECONDS: prints one JSON object, three-phase samples per second of each and the active power.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHANNELS = 6, PHASES = 3, BLOCK = 128, LENGTH = 8 * BLOCK, HALF = 7, POINTS = 2 * HALF, BACK = HALF - 1, AHEAD = HALF };
enum { WINDOW = 10, TABLE = 0x8000, RUN = 128, ORDERS = 6 };
static const double TURN = 6.283185307179586, PEAK = 2000000, STEP = 50.3 / 4000, SMOOTHING = 0.075;
static const int orders[ORDERS] = {1, 3, 5, 7, 11, 13};

/* Milliseconds of processor time: what others do on the core does not count. */
static double used(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* sfc32 and the polar method. */
struct random {
  uint32_t a, b, c, counter;
};
static uint32_t draw(struct random *r) {
  uint32_t t = r->a + r->b + r->counter++;
  r->a = r->b ^ (r->b >> 9);
  r->b = r->c + (r->c << 3);
  r->c = ((r->c << 21) | (r->c >> 11)) + t;
  return t;
}
static struct random seeded(uint32_t seed) {
  struct random r = {seed, 0, 0x9e3779b9, 1};
  for (int i = 0; i < 12; i++) draw(&r);
  return r;
}
static double normal(struct random *r) {
  for (;;) {
    double u = 2 * (draw(r) / 4294967296.0) - 1, v = 2 * (draw(r) / 4294967296.0) - 1, s = u * u + v * v;
    if (s > 0 && s < 1) return u * sqrt(-2 * log(s) / s);
  }
}
static double noise_table[TABLE];

/* Synthesis */
struct start { double sine[4], cosine[4], twice; };
struct oscillator { double before[2], now[2], twice; };
struct synthesis {
  double buffers[CHANNELS][LENGTH], re[CHANNELS][ORDERS], im[CHANNELS][ORDERS], sine[ORDERS], cosine[ORDERS], angle, sigma;
  struct start starts[ORDERS];
  struct random random[CHANNELS];
  int noise_at[CHANNELS], run_left[CHANNELS];
};

static void prepare(struct synthesis *y, double sigma) {
  memset(y, 0, sizeof *y);
  y->sigma = sigma;
  for (int o = 0; o < ORDERS; o++) {
    y->sine[o] = sin(TURN * orders[o] * STEP);
    y->cosine[o] = cos(TURN * orders[o] * STEP);
  }
  for (int c = 0; c < CHANNELS; c++) {
    y->random[c] = seeded((uint32_t)c);
    for (int o = 0; o < ORDERS; o++) {
      int h = orders[o];
      double angle = -(h * (c % 3) * TURN) / 3 - (c < 3 ? 0 : 0.5) - 0.3 * (h - 1), rms = h == 1 ? PEAK : PEAK / (10 * h);
      y->re[c][o] = sqrt(2) * rms * cos(angle);
      y->im[c][o] = sqrt(2) * rms * sin(angle);
    }
  }
}

/* Where an order stands at the samples -2..1 of a block, and what carries it two samples on. */
static void set_start(struct start *b, double angle, double sine, double cosine) {
  double s = sin(angle), c = cos(angle);
  b->sine[2] = s;
  b->cosine[2] = c;
  b->sine[3] = s * cosine + c * sine;
  b->cosine[3] = c * cosine - s * sine;
  b->sine[1] = s * cosine - c * sine;
  b->cosine[1] = c * cosine + s * sine;
  b->sine[0] = b->sine[1] * cosine - b->cosine[1] * sine;
  b->cosine[0] = b->cosine[1] * cosine + b->sine[1] * sine;
  b->twice = 4 * cosine * cosine - 2;
}

static struct oscillator oscillator(const struct start *b, double re, double im) {
  struct oscillator w;
  for (int k = 0; k < 2; k++) {
    w.before[k] = re * b->sine[k] + im * b->cosine[k];
    w.now[k] = re * b->sine[k + 2] + im * b->cosine[k + 2];
  }
  w.twice = b->twice;
  return w;
}

static void add_pair(double *restrict work, struct oscillator v, struct oscillator w) {
  double a = v.before[0], b = v.before[1], c = v.now[0], d = v.now[1], t = v.twice;
  double e = w.before[0], f = w.before[1], g = w.now[0], h = w.now[1], u = w.twice;
  for (int k = 0; k < BLOCK; k += 4) {
    work[k] += c + g;
    work[k + 1] += d + h;
    a = t * c - a;
    b = t * d - b;
    e = u * g - e;
    f = u * h - f;
    work[k + 2] += a + e;
    work[k + 3] += b + f;
    c = t * a - c;
    d = t * b - d;
    g = u * e - g;
    h = u * f - h;
  }
}

static void convert(struct synthesis *y, int c, const double *restrict work, double *restrict out) {
  for (int k = 0; k < BLOCK;) {
    if (y->run_left[c] == 0) {
      y->noise_at[c] = (int)(draw(&y->random[c]) & (TABLE - 1));
      y->run_left[c] = RUN;
    }
    int stop = k + y->run_left[c] < BLOCK ? k + y->run_left[c] : BLOCK, shift = y->noise_at[c] - k;
    y->noise_at[c] += stop - k;
    y->run_left[c] -= stop - k;
    for (; k < stop; k++) {
      double counts = floor(work[k] + y->sigma * noise_table[(k + shift) & (TABLE - 1)] + 0.5);
      out[k] = counts < -8388608 ? -8388608 : counts > 8388607 ? 8388607 : counts;
    }
  }
}

static double synthesise(struct synthesis *y) {
  double work[BLOCK];
  for (int at = 0; at < LENGTH; at += BLOCK) {
    for (int o = 0; o < ORDERS; o++)
      set_start(&y->starts[o], TURN * fmod(orders[o] * y->angle, 1), y->sine[o], y->cosine[o]);
    y->angle = fmod(y->angle + BLOCK * STEP, 1);
    for (int c = 0; c < CHANNELS; c++) {
      memset(work, 0, sizeof work);
      for (int o = 0; o < ORDERS; o += 2)
        add_pair(work, oscillator(&y->starts[o], y->re[c][o], y->im[c][o]), oscillator(&y->starts[o + 1], y->re[c][o + 1], y->im[c][o + 1]));
      convert(y, c, work, y->buffers[c] + at);
    }
  }
  return LENGTH;
}

/* Arithmetic */
struct phase {
  double v, i, v2, i2, product, active, reactive, voltage2, current2;
};
struct chip {
  double weights[LENGTH], lines[3], neutral, samples, first, smooth, power;
  struct phase phases[PHASES];
  int armed, cycles;
};
static double edge[POINTS][POINTS + 1];

static void make_edges(void) {
  double over[POINTS];
  for (int j = 0; j < POINTS; j++) {
    double p[POINTS + 1] = {1};
    int degree = 0;
    for (int other = 0; other < POINTS; other++) {
      if (other == j) continue;
      double next[POINTS + 1] = {0};
      for (int k = 0; k <= degree; k++) {
        next[k] -= p[k] * (other - BACK) / (j - other);
        next[k + 1] += p[k] / (j - other);
      }
      memcpy(p, next, sizeof p);
      degree++;
    }
    over[j] = edge[j][0] = 0;
    for (int k = 0; k < POINTS; k++) over[j] += edge[j][k + 1] = p[k] / (k + 1);
  }
  double constant = 0;
  for (int j = POINTS - 1; j > 0; j--) edge[j - 1][0] = constant += over[j] - (j - BACK == 1);
}

/* The last edge stays: the next stretch begins where one has ended. */
static void add_edge(double *restrict weights, double a, double sign) {
  static double found[POINTS], part = NAN;
  if (a != part)
    for (int j = 0; j < POINTS; j++) {
      double value = 0;
      for (int k = POINTS; k >= 0; k--) value = value * a + edge[j][k];
      found[j] = value;
    }
  part = a;
  for (int j = 0; j < POINTS; j++) weights[j] += sign * found[j];
}

static int find(struct chip *c, const double *x, int from, int to, double *place) {
  double first = c->first, smooth = c->smooth;
  int armed = c->armed, found = -1;
  for (int k = from; k < to; k++) {
    double before = smooth;
    first = (1 - SMOOTHING) * first + SMOOTHING * x[k];
    smooth = (1 - SMOOTHING) * smooth + SMOOTHING * first;
    if (smooth < -PEAK / 50) armed = 1;
    else if (armed && smooth >= 0) {
      armed = 0;
      *place = k - 1 + before / (before - smooth);
      found = k;
      break;
    }
  }
  c->first = first;
  c->smooth = smooth;
  c->armed = armed;
  return found;
}

static void add_phase(struct phase *p, const double *weights, const double *voltage, const double *current, int count, double cycle, double sine,
                      double cosine) {
  double sv = 0, si = 0, squares_v = 0, squares_i = 0, product = 0, v1 = 0, v2 = 0, i1 = 0, i2 = 0;
  double twice = 2 * cosine, scale = 2 / cycle;
  for (int k = 0; k < count; k++) {
    double v = voltage[k], i = current[k], wv = weights[k] * v, wi = weights[k] * i;
    sv += wv;
    si += wi;
    squares_v += wv * v;
    squares_i += wi * i;
    product += wv * i;
    double v0 = twice * v1 + (wv - v2), i0 = twice * i1 + (wi - i2);
    v2 = v1;
    v1 = v0;
    i2 = i1;
    i1 = i0;
  }
  p->v += sv;
  p->i += si;
  p->v2 += squares_v;
  p->i2 += squares_i;
  p->product += product;
  p->active += scale * (v1 * i1 + v2 * i2 - cosine * (v1 * i2 + v2 * i1));
  p->reactive += scale * sine * (v2 * i1 - v1 * i2);
  p->voltage2 += scale * (v1 * v1 + v2 * v2 - twice * v1 * v2);
  p->current2 += scale * (i1 * i1 + i2 * i2 - twice * i1 * i2);
}

static void add(struct chip *c, double (*x)[LENGTH], double from, double to) {
  int first = (int)floor(from) - BACK, own = (int)floor(to) - (int)floor(from), count = own + POINTS;
  double *weights = c->weights;
  for (int k = 0; k < count; k++) weights[k] = k >= HALF && k < HALF + own;
  add_edge(weights, from - floor(from), -1);
  add_edge(weights + own, to - floor(to), 1);
  double length = to - from, sine = sin(TURN / length), cosine = cos(TURN / length);
  for (int p = 0; p < PHASES; p++)
    add_phase(&c->phases[p], weights, x[p] + first, x[PHASES + p] + first, count, length, sine, cosine);
  double l12 = 0, l23 = 0, l31 = 0, neutral = 0;
  for (int k = 0; k < count; k++) {
    double w = weights[k], v1 = x[0][first + k], v2 = x[1][first + k], v3 = x[2][first + k];
    double i = x[3][first + k] + x[4][first + k] + x[5][first + k];
    l12 += w * (v1 - v2) * (v1 - v2);
    l23 += w * (v2 - v3) * (v2 - v3);
    l31 += w * (v3 - v1) * (v3 - v1);
    neutral += w * i * i;
  }
  c->lines[0] += l12;
  c->lines[1] += l23;
  c->lines[2] += l31;
  c->neutral += neutral;
  c->samples += to - from;
  c->cycles++;
}

static void end_window(struct chip *c) {
  c->power = 0;
  for (int p = 0; p < PHASES; p++) c->power += c->phases[p].product / c->samples;
  memset(c->phases, 0, sizeof c->phases);
  memset(c->lines, 0, sizeof c->lines);
  c->neutral = c->samples = c->cycles = 0;
}

static double measure(struct chip *c, double (*x)[LENGTH]) {
  double from = NAN, place = 0, taken = 0;
  c->first = c->smooth = c->armed = 0;
  for (int scanned = BACK, k; (k = find(c, x[0], scanned, LENGTH - AHEAD, &place)) >= 0; scanned = k + 1) {
    if (from == from) {
      add(c, x, from, place);
      taken += place - from;
      if (c->cycles == WINDOW) end_window(c);
    }
    from = place;
  }
  return taken;
}

static struct synthesis quiet, noisy;
static struct chip chip;
static double pass_chip(void) { return measure(&chip, quiet.buffers); }
static double pass_synthesis(void) { return synthesise(&noisy); }

static double repeat(double end, double (*pass)(void)) {
  double samples = 0;
  while (used() < end)
    for (int k = 0; k < 100; k++) samples += pass();
  return samples;
}

static double speed(double milliseconds, double (*pass)(void)) {
  repeat(used() + milliseconds / 2, pass);
  double began = used(), samples = repeat(began + milliseconds, pass);
  return samples * 1e3 / (used() - began);
}

int main(int argc, char **argv) {
  double milliseconds = argc == 2 ? atof(argv[1]) : 0;
  if (!(milliseconds > 0)) {
    fprintf(stderr, "usage: metrology MILLISECONDS\n");
    return 2;
  }
  struct random r = seeded(1);
  for (int k = 0; k < TABLE; k++) noise_table[k] = normal(&r);
  make_edges();
  prepare(&quiet, 0);
  prepare(&noisy, 20);
  synthesise(&quiet);
  double chip_speed = speed(milliseconds, pass_chip), synthesis_speed = speed(milliseconds, pass_synthesis);
  printf("{\"chip\": %.0f, \"synthesis\": %.0f, \"active\": %.17g}\n", chip_speed, synthesis_speed, chip.power);
  return 0;
}
