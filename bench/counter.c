/* Many WebSocket clients in one process, which count the messages that they receive.

   A load generator in Python counts some 30,000 messages a second, less than the servers that are measured
   send: it would measure itself.

   usage: counter PORT COUNT AT-ONCE NEGOTIATE UPGRADE HANDSHAKE ACCEPTED
   NEGOTIATE, UPGRADE and HANDSHAKE are files with the bytes to send; an empty file leaves the step out. ACCEPTED
   holds bytes of the answer to the handshake. The token of a negotiate response takes the place of "TOKEN" in
   UPGRADE. Each message that counts has one '|'.

   standard input, a command a line:
     count N   count from zero, and print "counted NANOSECONDS" once N have arrived
     hold N    do not read from the first N clients from now on
     ping      send a hub protocol ping on each connection
     drop      cut all connections off and connect anew
     lost      print "lost N", the connections that the server has ended
   standard output: "ready NANOSECONDS" when all are connected, the time that connecting took; "failed REASON".
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum step { IDLE, NEGOTIATING, UPGRADING, SHAKING_HANDS, OPEN, HELD, LOST };

struct client {
  int socket;
  enum step step;
  int filled;
  char *answer;
  char token[200];
};

static char *negotiate, *upgrade, *handshake, *accepted;
static int negotiate_size, upgrade_size, handshake_size, accepted_size;
static int port, count, at_once, poller;
static struct client *clients;
static int started, opened, lost;
static long long began;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *reason) {
  printf("failed %s\n", reason);
  fflush(stdout);
  exit(1);
}

static char *content(const char *path, int *size) {
  FILE *file = fopen(path, "rb");
  char *bytes = malloc(65536);
  if (!file) fail(path);
  *size = fread(bytes, 1, 65536, file);
  fclose(file);
  return bytes;
}

static void say(struct client *client, const char *bytes, int size) {
  if (write(client->socket, bytes, size) != size) fail("write");
}

static void open_socket(struct client *client, enum step step) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client->socket = socket(AF_INET, SOCK_STREAM, 0);
  /* On loopback a connection is made at once, or waits for room in the server's backlog. */
  if (client->socket < 0 || connect(client->socket, (void *)&address, sizeof address)) fail(strerror(errno));
  setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(client->socket, F_SETFL, O_NONBLOCK);
  epoll_ctl(poller, EPOLL_CTL_ADD, client->socket, &event);
  client->step = step;
  client->filled = 0;
  if (!client->answer) client->answer = malloc(8192);
}

static void ask_for_upgrade(struct client *client) {
  char *place = memmem(upgrade, upgrade_size, "TOKEN", 5);
  open_socket(client, UPGRADING);
  if (!place || !client->token[0]) {
    say(client, upgrade, upgrade_size);
    return;
  }
  static char request[65536];
  int before = place - upgrade, token = strlen(client->token);
  memcpy(request, upgrade, before);
  memcpy(request + before, client->token, token);
  memcpy(request + before + token, place + 5, upgrade_size - before - 5);
  say(client, request, upgrade_size - 5 + token);
}

static void start_next(void) {
  if (started == count) return;
  struct client *client = &clients[started++];
  if (negotiate_size) {
    open_socket(client, NEGOTIATING);
    say(client, negotiate, negotiate_size);
  } else {
    ask_for_upgrade(client);
  }
}

static void now_open(struct client *client) {
  client->step = OPEN;
  free(client->answer);
  client->answer = NULL;
  if (++opened == count) {
    printf("ready %lld\n", now() - began);
    fflush(stdout);
  }
  start_next();
}

static void close_socket(struct client *client) {
  epoll_ctl(poller, EPOLL_CTL_DEL, client->socket, NULL);
  close(client->socket);
}

/* Take in an answer while connecting, and go on where it is complete. */
static void advance(struct client *client) {
  int size = read(client->socket, client->answer + client->filled, 8191 - client->filled);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) fail("the server hung up");
  client->filled += size;
  client->answer[client->filled] = 0;
  char *body = strstr(client->answer, "\r\n\r\n");
  if (client->step == NEGOTIATING) {
    char *token = strstr(client->answer, "\"connectionToken\""), *end;
    if (!body || !strstr(body, "]}")) return;
    if (!token) fail("no connectionToken");
    token = strchr(token + 17, '"') + 1;
    end = strchr(token, '"');
    memcpy(client->token, token, end - token);
    client->token[end - token] = 0;
    close_socket(client);
    ask_for_upgrade(client);
  } else if (client->step == UPGRADING) {
    if (!body) return;
    if (strncmp(client->answer, "HTTP/1.1 101", 12)) fail(client->answer);
    if (!handshake_size) {
      now_open(client);
      return;
    }
    client->step = SHAKING_HANDS;
    client->filled = 0;
    say(client, handshake, handshake_size);
  } else if (memmem(client->answer, client->filled, accepted, accepted_size)) {
    now_open(client);
  }
}

static void connect_all(void) {
  began = now();
  started = opened = lost = 0;
  for (int i = 0; i < at_once && i < count; i++) start_next();
}

int main(int argc, char **argv) {
  static struct epoll_event events[512];
  static char buffer[262144];
  static const char ping[] = {0x81, 0x80 | 11, 0, 0, 0, 0, '{', '"', 't', 'y', 'p', 'e', '"', ':', '6', '}', 0x1e};
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
  long long counted = 0, target = -1;
  if (argc != 8) fail("usage");
  port = atoi(argv[1]);
  count = atoi(argv[2]);
  at_once = atoi(argv[3]);
  negotiate = content(argv[4], &negotiate_size);
  upgrade = content(argv[5], &upgrade_size);
  handshake = content(argv[6], &handshake_size);
  accepted = content(argv[7], &accepted_size);
  clients = calloc(count, sizeof *clients);
  poller = epoll_create1(0);
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &input);
  connect_all();
  for (;;) {
    int ready = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (!client) {
        int size = read(0, buffer, sizeof buffer - 1);
        if (size <= 0) return 0;
        buffer[size] = 0;
        for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n")) {
          if (!strncmp(line, "count ", 6)) {
            counted = 0;
            target = atoll(line + 6);
            printf("counting\n");
          } else if (!strncmp(line, "hold ", 5)) {
            for (int j = 0; j < atoi(line + 5); j++) {
              epoll_ctl(poller, EPOLL_CTL_DEL, clients[j].socket, NULL);
              clients[j].step = HELD;
            }
            printf("held\n");
          } else if (!strcmp(line, "ping")) {
            for (int j = 0; j < count; j++) say(&clients[j], ping, sizeof ping);
          } else if (!strcmp(line, "drop")) {
            for (int j = 0; j < count; j++)
              if (clients[j].step != LOST) close_socket(&clients[j]);
            connect_all();
          } else if (!strcmp(line, "lost")) {
            printf("lost %d\n", lost);
          }
          fflush(stdout);
        }
        continue;
      }
      if (client->step < OPEN) {
        advance(client);
        continue;
      }
      int size = read(client->socket, buffer, sizeof buffer);
      if (size < 0 && errno == EAGAIN) continue;
      if (size <= 0) {
        lost++;
        client->step = LOST;
        close_socket(client);
        continue;
      }
      char *at = buffer;
      while ((at = memchr(at, '|', buffer + size - at))) {
        counted++;
        at++;
      }
      if (target >= 0 && counted >= target) {
        printf("counted %lld\n", now());
        fflush(stdout);
        target = -1;
      }
    }
  }
}
