// weir::net::resolve: the addresses of a host's name, without keeping a worker from others.
//   for (const weir::net::address& a : weir::net::resolve("example.org", 443, 2s)) ...
//
// Thread-safety: all of it. On a plain thread the calls block it.
//
// A number is not looked up. Then the hosts file is asked, then what is known from before, then the name servers, for
// IPv4 and IPv6 at once. Several who ask for one name at once ask one question.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "weir/net/address.h"
#include "weir/net/dns/dns_error.h"
#include "weir/runtime/base/deadline.h"

namespace weir::net {

struct resolver_options {
  // Whom to ask. Empty: the system's (resolv.conf(5), with its search list), which is read again after it has changed.
  std::vector<address> servers = {};
  std::filesystem::path hosts = "/etc/hosts";
  // How long one attempt waits for an answer; each round of attempts waits twice as long. So three rounds of 2 s end
  // after 14 s for one silent server, unless the caller's deadline is sooner.
  std::chrono::milliseconds timeout = std::chrono::seconds(2);
  int tries = 3;
  // How long, once one family of addresses is there, the other one is waited for: some name servers never answer one
  // of the two questions.
  std::chrono::milliseconds other_family = std::chrono::milliseconds(250);
  // The most names that are kept, and the longest time: an answer is good for as long as its name servers say, but for
  // no more than this. That a name does not exist is kept for a short while, as they do not say how long.
  std::size_t most_names = 1024;
  std::chrono::seconds longest = std::chrono::hours(1);
  std::chrono::seconds longest_failure = std::chrono::seconds(5);
};

class resolver {
 public:
  explicit resolver(resolver_options options = {});
  resolver(const resolver&) = delete;
  ~resolver();  // REQUIRES: no call is in progress

  // The addresses of `host`, at least one, with `port`, in the order in which a caller should try them (Happy Eyeballs,
  // RFC 8305: the families take turns, IPv6 first, a family without a route last).
  //
  // Parks until there is an answer: the network wakes. The deadline throws net::error (errc::timeout), a cancel
  // weir::cancelled (while the caller unwinds: net::error, ECANCELED). Nothing to close. A number, a name of the hosts
  // file and one known from before do not park; but once a second one caller does, while a thread of the blocking pool
  // looks at the files. If there is none for 100 ms, it goes on with what they said before, as all others do meanwhile.
  // A look that has begun is waited for. Throws net::error with a code of dns_errc: "resolve nosuch.invalid: name does
  // not exist". Allocates.
  std::vector<address> resolve(std::string_view host, std::uint16_t port = 0, deadline limit = {});

  // Forgets what is known from before.
  void forget();

  struct statistics {
    std::uint64_t questions = 0;  // to the name servers
    std::uint64_t known = 0;      // answered from what was known, or by the hosts file
    std::size_t names = 0;        // known
  };
  statistics stats() const;

 private:
  class state;
  std::unique_ptr<state> state_;
};

// By the resolver of the calling actor's runtime, or of the process for plain threads, with resolver_options{}.
std::vector<address> resolve(std::string_view host, std::uint16_t port = 0, deadline limit = {});

}  // namespace weir::net
