/* An echo server over Debian's libwslay, one process a connection: a WebSocket implementation in C to run the conformance suite against.
   Prints its port, serves 127.0.0.1 until it is killed. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <fcntl.h>
#include <wslay/wslay.h>

static uint32_t rotate(uint32_t word, int bits) { return (word << bits) | (word >> (32 - bits)); }

/* SHA-1 of at most 119 bytes, which is all that a handshake needs (FIPS 180-4). */
static void sha1(const char *text, uint8_t digest[20]) {
  uint8_t padded[128] = {0};
  size_t length = strlen(text), blocks = length + 9 > 64 ? 2 : 1;
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  memcpy(padded, text, length);
  padded[length] = 0x80;
  padded[blocks * 64 - 2] = (uint8_t)(length >> 5);
  padded[blocks * 64 - 1] = (uint8_t)(length << 3);
  for (size_t block = 0; block < blocks; block++) {
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++) {
      const uint8_t *at = padded + block * 64 + i * 4;
      words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int i = 16; i < 80; i++) words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (int i = 0; i < 80; i++) {
      uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
      uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      uint32_t next = rotate(a, 5) + f + e + k + words[i];
      e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
  }
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t digest[20], char text[29]) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 7; i++) {
    uint32_t group = (uint32_t)digest[i * 3] << 16 | (uint32_t)digest[i * 3 + 1] << 8 | (i < 6 ? digest[i * 3 + 2] : 0);
    for (int j = 0; j < 4; j++) text[i * 4 + j] = alphabet[group >> (18 - 6 * j) & 63];
  }
  text[27] = '=';
  text[28] = 0;
}

/* Reads the request byte by byte, so that nothing behind it is taken, and answers it. */
static int shake_hands(int fd) {
  char request[8192], key[128], accept[29], response[256];
  uint8_t digest[20];
  size_t length = 0;
  while (length < sizeof(request) - 1) {
    if (read(fd, request + length, 1) != 1) return -1;
    request[++length] = 0;
    if (length >= 4 && memcmp(request + length - 4, "\r\n\r\n", 4) == 0) break;
  }
  const char *line = strcasestr(request, "\r\nSec-WebSocket-Key:");
  if (line == NULL || sscanf(line + 20, " %60[A-Za-z0-9+/=]", key) != 1) return -1;
  strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  sha1(key, digest);
  base64(digest, accept);
  int size = snprintf(response, sizeof(response),
                      "HTTP/1.1 101 Switching Protocols\r\nServer: wslay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n\r\n",
                      accept);
  return write(fd, response, (size_t)size) == size ? 0 : -1;
}

static ssize_t receive(wslay_event_context_ptr context, uint8_t *bytes, size_t length, int flags, void *user) {
  ssize_t count = recv(*(int *)user, bytes, length, flags);
  if (count > 0) return count;
  int later = count < 0 && (errno == EAGAIN || errno == EINTR);
  wslay_event_set_error(context, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static ssize_t transmit(wslay_event_context_ptr context, const uint8_t *bytes, size_t length, int flags, void *user) {
  ssize_t count = send(*(int *)user, bytes, length, (flags & WSLAY_MSG_MORE ? MSG_MORE : 0) | MSG_NOSIGNAL);
  if (count >= 0) return count;
  int later = errno == EAGAIN || errno == EINTR;
  wslay_event_set_error(context, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static void echo(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *user) {
  (void)user;
  if (wslay_is_ctrl_frame(message->opcode)) return;
  struct wslay_event_msg answer = {message->opcode, message->msg, message->msg_length};
  wslay_event_queue_msg(context, &answer);
}

static void serve(int fd) {
  struct wslay_event_callbacks callbacks = {receive, transmit, NULL, NULL, NULL, NULL, echo};
  wslay_event_context_ptr context;
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (shake_hands(fd) != 0) return;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  wslay_event_context_server_init(&context, &callbacks, &fd);
  wslay_event_config_set_max_recv_msg_length(context, 64 << 20);
  while (wslay_event_want_read(context) || wslay_event_want_write(context)) {
    struct pollfd event = {fd, 0, 0};
    if (wslay_event_want_read(context)) event.events |= POLLIN;
    if (wslay_event_want_write(context)) event.events |= POLLOUT;
    if (poll(&event, 1, -1) < 0) break;
    if ((event.revents & (POLLIN | POLLHUP | POLLERR)) && wslay_event_recv(context) != 0) break;
    if ((event.revents & POLLOUT) && wslay_event_send(context) != 0) break;
  }
  wslay_event_context_free(context);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGCHLD, SIG_IGN);
  if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 64) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (fork() == 0) {
      close(listener);
      serve(fd);
      shutdown(fd, SHUT_WR);
      close(fd);
      _exit(0);
    }
    close(fd);
  }
}
