/*
 * An open loop in C: connections that each send a masked frame at its time, on one core that never sleeps, and wait for an echo.
 * Latency is counted from the time at which a message was due, as `wsimd bench --rate` does.
 * Usage: open-loop PORT CONNECTIONS RATE SIZE WARMUP SECONDS; prints p50 p99 p99.9 max in ns, and the answers.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static const char REQUEST[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct peer {
  int socket;
  uint64_t sent, answered;
  size_t partial;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_peer(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int made = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (write(made, REQUEST, sizeof REQUEST - 1) < 0) fail("write");
  char answer[4096];
  size_t length = 0;
  do {
    ssize_t got = read(made, answer + length, sizeof answer - 1 - length);
    if (got <= 0) fail("read");
    length += got;
    answer[length] = 0;
  } while (strstr(answer, "\r\n\r\n") == NULL);
  if (strncmp(answer, "HTTP/1.1 101", 12) != 0) fail("handshake");
  fcntl(made, F_SETFL, O_NONBLOCK);
  return made;
}

static size_t header(unsigned char *at, size_t size, int mask) {
  at[0] = 0x81;
  if (size < 126) {
    at[1] = mask | size;
    return 2;
  }
  at[1] = mask | 126;
  at[2] = size >> 8;
  at[3] = size;
  return 4;
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

int main(int count, char **given) {
  if (count != 7) return 2;
  int port = atoi(given[1]), connections = atoi(given[2]);
  double rate = atof(given[3]);
  size_t size = atoi(given[4]);
  double warmup = atof(given[5]) * 1e9, seconds = atof(given[6]) * 1e9;

  static unsigned char frame[65536 + 8], landing[262144], scratch[8];
  size_t at = header(frame, size, 0x80);
  const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
  memcpy(frame + at, key, 4);
  for (size_t i = 0; i < size; i++) frame[at + 4 + i] = ('a' + i % 26) ^ key[i & 3];
  size_t length = at + 4 + size, answer = header(scratch, size, 0) + size;

  struct peer *peers = calloc(connections, sizeof *peers);
  int poll = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    peers[i].socket = open_peer(port);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poll, EPOLL_CTL_ADD, peers[i].socket, &event);
  }

  double step = 1e9 / rate, interval = step * connections;
  size_t room = (size_t)(rate * seconds / 1e9 * 1.05) + 1000, latencies = 0;
  float *latency = malloc(room * sizeof *latency);
  double start = now() + 2e7, from = start + warmup, end = from + seconds, last = end + 1e9;
  uint64_t due_round = 0, sent = 0, answered = 0;
  int turn = 0;
  for (;;) {
    double time = now();
    double until = time < end ? time : end;
    while (start + turn * step + due_round * interval < until) {
      if (send(peers[turn].socket, frame, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
      peers[turn].sent++;
      sent++;
      if (++turn == connections) turn = 0, due_round++;
    }
    if (time > end && (answered == sent || time > last)) break;
    struct epoll_event events[64];
    int ready = epoll_wait(poll, events, 64, 0);
    for (int i = 0; i < ready; i++) {
      int number = events[i].data.u32;
      struct peer *peer = &peers[number];
      ssize_t got = recv(peer->socket, landing, sizeof landing, 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) fail("recv");
      if (got < 0) continue;
      double came = now();
      peer->partial += got;
      for (; peer->partial >= answer; peer->partial -= answer) {
        double due = start + number * step + peer->answered++ * interval;
        answered++;
        if (due >= from && due < end && latencies < room) latency[latencies++] = came - due;
      }
    }
  }
  if (latencies == 0) return 1;
  qsort(latency, latencies, sizeof *latency, ascending);
  const double percents[] = {50, 99, 99.9};
  for (int i = 0; i < 3; i++) printf("%.0f ", latency[(size_t)(latencies * percents[i] / 100)]);
  printf("%.0f %zu\n", latency[latencies - 1], latencies);
  return 0;
}
