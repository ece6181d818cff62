// echo_server on bare epoll, level-triggered, one thread: the floor.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

}  // namespace

int main() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  check(bind(listener, reinterpret_cast<sockaddr*>(&at), size) == 0 && listen(listener, 4096) == 0, "listen");
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) == 0, "getsockname");
  std::printf("%d\n", ntohs(at.sin_port));
  std::fflush(stdout);

  const int set = epoll_create1(0);
  epoll_event e{EPOLLIN, {.fd = listener}};
  check(epoll_ctl(set, EPOLL_CTL_ADD, listener, &e) == 0, "epoll_ctl");
  epoll_event ready[256];
  for (;;) {
    const int count = epoll_wait(set, ready, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[i].data.fd;
      if (fd == listener) {
        const int made = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (made < 0) continue;
        const int on = 1;
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event mine{EPOLLIN, {.fd = made}};
        check(epoll_ctl(set, EPOLL_CTL_ADD, made, &mine) == 0, "epoll_ctl");
        continue;
      }
      char bytes[1024];
      const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0)
        close(fd);
      else
        check(send(fd, bytes, static_cast<std::size_t>(n), MSG_NOSIGNAL) == n, "send");  // 64 bytes always have room
    }
  }
}
