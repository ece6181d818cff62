// telemetry: one publisher of readings, a subscriber that keeps up, and one that does not. What happens to the slow one
// is the publisher's choice; whatever it is, nothing goes missing uncounted: dropped = sent - received.
//   telemetry [READINGS]          default: 5000 under each policy, a hundred of them every millisecond
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "weir/net/message.h"
#include "weir/net/socket/pub_sub.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
namespace net = weir::net;

namespace {

const char* const help = R"(Usage: telemetry [READINGS]

Publishes READINGS (default: 5000) to a fast and a slow subscriber, once under each policy
about slow ones, and prints what each of them received and what was dropped for it.)";

struct subscriber {
  const char* name;
  std::chrono::nanoseconds pause;  // what it takes for each reading
  net::sub_socket socket;
  std::size_t received = 0;

  subscriber(const char* who, std::chrono::nanoseconds takes, const std::string& at)
      : name(who), pause(takes), socket({.connect = at, .receive_high_water = 100, .subscribe = "cpu"}) {}

  void read() {
    for (const net::message& reading : socket) {
      received += reading.front() == "cpu";
      if (pause > 0ns) weir::this_actor::sleep(pause);
    }
  }
};

void publish(const net::pub_socket& to, std::size_t readings) {
  const std::string values(1000, '7');
  for (std::size_t i = 0; i < readings; ++i) {
    to.send(net::message::of("cpu", std::to_string(i), values));
    if (i % 100 == 99) weir::this_actor::sleep(1ms);
  }
}

void show(const char* policy, net::slow_subscriber slow, std::size_t readings) {
  net::pub_socket pub({.slow = slow});
  const std::string at = pub.bind("ipc://*");
  subscriber fast("fast", 0ns, at);
  pub.wait_subscribers(1, "cpu");
  subscriber sleepy("slow", 200us, at);
  pub.wait_subscribers(2, "cpu");

  std::vector<net::peer_statistics> peers;
  std::uintmax_t cut = 0;
  weir::with_scope([&](weir::scope& s) {
    for (subscriber* each : {&fast, &sleepy}) s.spawn(each->name, [each] { each->read(); });
    const auto begin = std::chrono::steady_clock::now();
    publish(pub, readings);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%s: %zu readings published in %.2f s\n", policy, readings, took.count());
    peers = pub.peers();  // in the order in which they came
    cut = pub.statistics().disconnected;
    pub.close(1min);      // they read what is in their queues
    fast.socket.close();  // and that is the end of their loops
    sleepy.socket.close();
  });

  for (std::size_t i = 0; i < 2; ++i) {
    const subscriber& who = i == 0 ? fast : sleepy;
    std::printf("  %s: %6zu received", who.name, who.received);
    if (cut == 0) std::printf(" + %6ju dropped", std::uintmax_t{peers.at(i).dropped});
    std::printf("\n");
  }
  if (cut > 0) std::printf("  ended connections: %ju; what is sent before one is back is not for it\n", cut);
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stopped != text.data() + text.size() || value == 0)
    throw std::invalid_argument("takes the number of readings, from 1; got \"" + std::string(text) +
                                "\". Write: telemetry 5000");
  return value;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && argv[1] == std::string_view("--help")) return std::puts(help) < 0;
  const std::size_t readings = argc > 1 ? number(argv[1]) : 5000;
  return weir::run([&] {
    show("drop_newest", net::slow_subscriber::drop_newest, readings);
    show("drop_oldest", net::slow_subscriber::drop_oldest, readings);
    show("block", net::slow_subscriber::block, readings);
    show("disconnect", net::slow_subscriber::disconnect, readings);
  });
} catch (const std::invalid_argument& e) {
  std::fprintf(stderr, "telemetry: %s\n", e.what());
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "telemetry: %s\n", e.what());
  return 1;
}
