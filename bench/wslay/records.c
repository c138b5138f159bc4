/* A file of masked frames -> how long wslay takes to walk them, in nanoseconds of processor time per frame. Its frame level
   reads headers and unmasks; its event level also judges fragments, control frames and text. That hands over whole
   messages, as it does by itself, or payloads as they come, without buffering messages.
   Usage: records <frame|message|event> <file> <frames in it> <passes> */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wslay/wslay.h>

struct source {
  const uint8_t *octets;
  size_t length;
  size_t at;
};

static ssize_t receive(uint8_t *buffer, size_t length, int flags, void *user_data) {
  struct source *source = user_data;
  size_t left = source->length - source->at;
  (void)flags;
  if (left == 0) return -1;
  if (length > left) length = left;
  memcpy(buffer, source->octets + source->at, length);
  source->at += length;
  return (ssize_t)length;
}

/* What the event level's callbacks add to. */
struct audience {
  struct source *source;
  long frames;
  unsigned long sum;
};

static ssize_t receive_event(wslay_event_context_ptr context, uint8_t *buffer, size_t length, int flags, void *user_data) {
  struct audience *audience = user_data;
  ssize_t got = receive(buffer, length, flags, audience->source);
  if (got < 0) wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
  return got;
}

static void on_chunk(wslay_event_context_ptr context, const struct wslay_event_on_frame_recv_chunk_arg *chunk,
                     void *user_data) {
  (void)context;
  if (chunk->data_length > 0) ((struct audience *)user_data)->sum += chunk->data[0];
}

static void on_end(wslay_event_context_ptr context, void *user_data) {
  (void)context;
  ((struct audience *)user_data)->frames++;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *user_data) {
  struct audience *audience = user_data;
  (void)context;
  audience->frames++;
  if (message->msg_length > 0) audience->sum += message->msg[0];
}

/* Walks all frames once on the event level; returns how many there were. */
static long walk_event_level(struct source *source, unsigned long *sum, int is_buffering) {
  struct wslay_event_callbacks parts = {receive_event, NULL, NULL, NULL, on_chunk, on_end, NULL};
  struct wslay_event_callbacks messages = {receive_event, NULL, NULL, NULL, NULL, NULL, on_message};
  const struct wslay_event_callbacks *callbacks = is_buffering ? &messages : &parts;
  struct audience audience = {source, 0, 0};
  wslay_event_context_ptr context;
  source->at = 0;
  if (wslay_event_context_server_init(&context, callbacks, &audience) != 0) return -1;
  wslay_event_config_set_no_buffering(context, !is_buffering);
  if (wslay_event_recv(context) != 0) audience.frames = -1;
  wslay_event_context_free(context);
  *sum += audience.sum;
  return audience.frames;
}

static long walk_messages(struct source *source, unsigned long *sum) {
  return walk_event_level(source, sum, 1);
}

static long walk_events(struct source *source, unsigned long *sum) {
  return walk_event_level(source, sum, 0);
}

/* Walks all frames once on the frame level; returns how many there were, and adds up octets so that nothing can be left out. */
static long walk_frames(struct source *source, unsigned long *sum) {
  struct wslay_frame_callbacks callbacks = {NULL, receive, NULL};
  wslay_frame_context_ptr context;
  long frames = 0;
  uint64_t got = 0;
  source->at = 0;
  if (wslay_frame_context_init(&context, &callbacks, source) != 0) return -1;
  for (;;) {
    struct wslay_frame_iocb frame;
    ssize_t octets;
    memset(&frame, 0, sizeof frame);
    octets = wslay_frame_recv(context, &frame);
    if (octets < 0) break;
    if (frame.data_length > 0) *sum += frame.data[0];
    got += frame.data_length;
    if (got == frame.payload_length) {
      frames++;
      got = 0;
    }
  }
  wslay_frame_context_free(context);
  return frames;
}

int main(int argc, char **argv) {
  struct source source = {NULL, 0, 0};
  struct timespec before, after;
  unsigned long sum = 0;
  if (argc != 5) return 2;
  long (*walk)(struct source *, unsigned long *) = strcmp(argv[1], "event") == 0     ? walk_events
                                                   : strcmp(argv[1], "message") == 0 ? walk_messages
                                                                                     : walk_frames;
  FILE *file = fopen(argv[2], "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) return 2;
  source.length = (size_t)ftell(file);
  rewind(file);
  uint8_t *octets = malloc(source.length);
  if (octets == NULL || fread(octets, 1, source.length, file) != source.length) return 2;
  fclose(file);
  source.octets = octets;
  long expected = atol(argv[3]);
  long passes = atol(argv[4]);
  if (walk(&source, &sum) != expected) return 3;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  for (long pass = 0; pass < passes; pass++) walk(&source, &sum);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  double nanoseconds = (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec);
  printf("%f %lu\n", nanoseconds / ((double)expected * (double)passes), sum);
  free(octets);
  return 0;
}
