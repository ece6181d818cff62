// What a stream says once it is closed, whatever carries it.
#include <fcntl.h>

#include <string>

#include "tests/net/folder.h"
#include "tests/net/tcp_pair.h"
#include "tests/testing.h"
#include "weir/channels/select.h"
#include "weir/net/memory_stream.h"
#include "weir/net/on_stream.h"
#include "weir/net/pipe.h"
#include "weir/net/tcp.h"

using namespace weir;
using net::io_status;
using testing::in_actor;

namespace {

constexpr const char* lines = "one\ntwo\nthree\n";

// Closes `s`, of which somebody has read a line.
void check_closed(const net::stream& s) {
  std::string line = "old";
  char part[4];
  s.close();
  CHECK(s.read_some(part).status == io_status::closed);
  CHECK(s.read_exactly(part).status == io_status::closed);
  const auto r = s.read_until(line, "\n");
  CHECK(r.status == io_status::closed);
  CHECK(r.bytes == 0);
  CHECK(line.empty());
  CHECK(s.take_unread().empty());
  CHECK(select(net::on_readable(s, [] { return true; })));
  CHECK(s.write_all("x").status == io_status::closed);
  for (int i = 0; i < 2; ++i) CHECK(s.shutdown().status == io_status::closed);
}

void check_closed_with_lines_left(const net::stream& s) {
  std::string line;
  CHECK(s.read_until(line, "\n"));
  CHECK(line == "one\n");
  CHECK(s.bytes_read() == std::string(lines).size());
  check_closed(s);
}

}  // namespace

TEST_CASE("after a close every call is closed, though read_until had left something over") {
  in_actor([] {
    const auto memory = net::memory_pair();
    CHECK(memory.a.write_all(lines));
    check_closed_with_lines_left(memory.b);
    check_closed(memory.a);

    const net::tcp_listener listener("127.0.0.1:0");
    const auto tcp = testing::connected(listener);
    CHECK(tcp.client.write_all(lines));
    check_closed_with_lines_left(tcp.server);
    check_closed(tcp.client);

    const auto pipe = net::make_pipe();
    CHECK(pipe.writer.write_all(lines));
    check_closed_with_lines_left(pipe.reader);
    check_closed(pipe.writer);

    const testing::folder here;
    check_closed_with_lines_left(net::adopt(open(here.file("lines", lines).c_str(), O_RDONLY | O_CLOEXEC), "lines"));
  });
}

TEST_CASE("a shutdown after a close is closed, though the half had been ended in order before") {
  in_actor([] {
    const net::tcp_listener listener("127.0.0.1:0");
    const auto memory = net::memory_pair();
    const auto tcp = testing::connected(listener);
    for (const net::stream* s : {&memory.a, static_cast<const net::stream*>(&tcp.client)}) {
      for (int i = 0; i < 2; ++i) CHECK(s->shutdown());
      check_closed(*s);
    }
  });
}
