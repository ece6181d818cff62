// echo_server on libuv's streams, one loop.
#include <netinet/in.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace {

struct connection {
  uv_tcp_t handle;
  char bytes[1024];
};

void check(int result, const char* what) {
  if (result == 0) return;
  std::fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

void give_buffer(uv_handle_t* h, std::size_t, uv_buf_t* b) {
  auto* const c = reinterpret_cast<connection*>(h);
  *b = uv_buf_init(c->bytes, sizeof c->bytes);
}

void on_read(uv_stream_t* s, ssize_t n, const uv_buf_t* b) {
  if (n < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(s), [](uv_handle_t* h) { delete reinterpret_cast<connection*>(h); });
    return;
  }
  uv_buf_t part = uv_buf_init(b->base, static_cast<unsigned>(n));
  if (uv_try_write(s, &part, 1) != n) {  // 64 bytes always have room
    std::fprintf(stderr, "uv_try_write\n");
    std::exit(1);
  }
}

void on_connection(uv_stream_t* listener, int status) {
  check(status, "listen");
  auto* const c = new connection;
  check(uv_tcp_init(listener->loop, &c->handle), "uv_tcp_init");
  check(uv_accept(listener, reinterpret_cast<uv_stream_t*>(&c->handle)), "uv_accept");
  uv_tcp_nodelay(&c->handle, 1);
  check(uv_read_start(reinterpret_cast<uv_stream_t*>(&c->handle), give_buffer, on_read), "uv_read_start");
}

}  // namespace

int main() {
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  check(uv_tcp_init(loop, &listener), "uv_tcp_init");
  sockaddr_in at{};
  check(uv_ip4_addr("127.0.0.1", 0, &at), "uv_ip4_addr");
  check(uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&at), 0), "uv_tcp_bind");
  check(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection), "uv_listen");
  int size = sizeof at;
  check(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&at), &size), "uv_tcp_getsockname");
  std::printf("%d\n", ntohs(at.sin_port));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
