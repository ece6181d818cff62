#include "weir/net/error.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <type_traits>

using namespace weir;

TEST_CASE("an error says the operation, the endpoint, what happened and the code's name") {
  const net::error refused(ECONNREFUSED, "connect", "tcp://127.0.0.1:1");
  CHECK(std::string(refused.what()) == "connect tcp://127.0.0.1:1: connection refused (ECONNREFUSED)");
  CHECK(refused.operation() == "connect");
  CHECK(refused.subject() == "tcp://127.0.0.1:1");
  CHECK(refused.code() == std::errc::connection_refused);

  CHECK(std::string(net::error(net::errc::timeout, "connect", "tcp://10.0.0.1:80").what()) ==
        "connect tcp://10.0.0.1:80: the deadline came first");
  CHECK(std::string(net::error(EMFILE, "socket", "").what()) == "socket: too many open files (EMFILE)");
  CHECK(std::string(net::error(EIO, "read", "/x").what()) == "read /x: input/output error (EIO)");
  CHECK(std::string(net::error(99999, "read", "/x").what()).find("(errno 99999)") != std::string::npos);
}

TEST_CASE("the usual kinds of error are told apart") {
  const auto kinds = [](const net::error& e) {
    return std::string(e.timeout() ? "timeout " : "") + (e.closed() ? "closed " : "") + (e.reset() ? "reset " : "") +
           (e.refused() ? "refused " : "");
  };
  CHECK(kinds({net::errc::timeout, "read", ""}) == "timeout ");
  CHECK(kinds({net::errc::closed, "read", ""}) == "closed ");
  CHECK(kinds({net::errc::end, "read", ""}) == "");
  CHECK(kinds({ECONNRESET, "read", ""}) == "reset ");
  CHECK(kinds({EPIPE, "write", ""}) == "reset ");
  CHECK(kinds({ECONNREFUSED, "connect", ""}) == "refused ");
  CHECK(kinds({ETIMEDOUT, "read", ""}) == "timeout reset ");  // the kernel gave up: both
  CHECK(kinds({ENOMEM, "read", ""}) == "");
  // A code of another category with the same number is something else.
  CHECK(kinds({std::error_code(ECONNRESET, std::iostream_category()), "read", ""}) == "");
}

TEST_CASE("a caller who knows std::errc only finds what a code of ours means") {
  const auto caught = [](net::errc e) {
    try {
      throw net::error(e, "read", "x");
    } catch (const std::system_error& s) {
      return s.code();
    }
  };
  CHECK(caught(net::errc::timeout) == std::errc::timed_out);
  CHECK(caught(net::errc::closed) == std::errc::operation_canceled);
  CHECK(caught(net::errc::timeout) != net::errc::closed);
  CHECK(caught(net::errc::end).category().name() == std::string("weir.net"));
}

TEST_CASE("throw_errno throws what errno says") {
  errno = EADDRINUSE;
  CHECK_THROWS_WITH(net::throw_errno("bind", "tcp://*:80"), "bind tcp://*:80: address already in use (EADDRINUSE)");
}

TEST_CASE("copying an error cannot throw") { STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<net::error>); }
