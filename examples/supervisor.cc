// Workers that are killed at random, again and again, while they process messages: a supervisor restarts them, and no
// message that was acknowledged is lost.
//
//   clients --ask--> worker1..worker4 --> ledger        killer --> supervisor
//
// A worker writes a message to the ledger and then acknowledges it. One that is killed in between has not acknowledged,
// so its client asks another worker, and the ledger has that message twice: at least once, never not at all.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "weir/weir.h"

using namespace std::chrono_literals;

namespace {

constexpr int workers = 4, clients = 4, most_kills = 1'000'000;

struct written {};
struct work {
  int message;
  weir::reply_to<written> acknowledge;
};

std::string worker_name(unsigned n) { return "worker" + std::to_string(n % workers + 1); }

// One life of a worker. Its mailbox and its name go with it: whoever has asked it learns at once that it is gone.
void serve(const std::string& name, const weir::sender<int>& ledger) {
  weir::mailbox<work> box({.capacity = 16, .name = name});
  weir::registry().register_name(name, box.address());
  while (box.receive([&](work& w) {
    if (!ledger.send(w.message)) return false;
    weir::this_actor::yield();  // the worst moment to be killed
    std::move(w.acknowledge).send(written{});
    return true;
  })) {
  }
}

// What a client knows in the end.
struct account {
  std::vector<int> acknowledged;
  int asked_again = 0;
};

// Has one message after the other written, by whichever worker is there, until it is told to stop.
account send_messages(unsigned turn, std::atomic<int>& next, std::atomic<int>& total, const std::atomic<bool>& over) {
  const weir::registry names;
  account mine;
  while (!over) {
    const int message = next++;
    for (bool done = false; !done; ++turn) {
      const auto worker = names.lookup<work>(worker_name(turn));
      if (!worker) {
        weir::this_actor::yield();  // it is being restarted
        continue;
      }
      const auto answer = weir::ask<written>(
          *worker,
          [&](weir::reply_to<written> reply) {
            return work{message, std::move(reply)};
          },
          10s);
      done = static_cast<bool>(answer);
      if (!done) ++mine.asked_again;
    }
    mine.acknowledged.push_back(message);
    ++total;
  }
  return mine;
}

// Kills random workers, one after the other, each while messages go through.
void kill_random(int kills, weir::supervisor& supervisor, const std::atomic<int>& total) {
  std::mt19937 random(std::random_device{}());
  for (int killed = 0; killed < kills;) {
    const int before = total;
    while (total == before) weir::this_actor::yield();
    if (supervisor.kill(worker_name(random()))) ++killed;
    while (supervisor.restarts() < static_cast<std::uint64_t>(killed)) weir::this_actor::yield();
  }
}

int run(int kills) {
  std::vector<int> times_written;  // by message
  std::vector<account> accounts;
  std::uint64_t restarts = 0;

  weir::with_scope([&](weir::scope& s) {
    auto [ledger, entries] = weir::channel<int>(64, "ledger");
    s.spawn("ledger", [&, entries = std::move(entries)] {
      for (int message : entries) {
        const auto at = static_cast<std::size_t>(message);
        if (times_written.size() <= at) times_written.resize(at + 1);
        ++times_written[at];
      }
    });

    weir::supervisor supervisor({.restarts = kills, .within = 24h, .name = "workers"});
    for (unsigned w = 0; w < workers; ++w)
      supervisor.add({.name = worker_name(w), .run = [name = worker_name(w), to = ledger] { serve(name, to); }});
    ledger.reset();  // the supervisor and its children hold the only copies now

    weir::with_scope([&](weir::scope& inner) {
      inner.spawn("workers", [&] { supervisor.run(); });
      std::atomic<int> next{0}, total{0};
      std::atomic<bool> over{false};
      std::vector<weir::actor<account>> senders;
      for (unsigned c = 0; c < clients; ++c)
        senders.push_back(weir::spawn("client", [&, c] { return send_messages(c, next, total, over); }));
      kill_random(kills, supervisor, total);
      over = true;
      accounts = weir::join_all(senders);
      restarts = supervisor.restarts();
      supervisor.shutdown();
    });
  });

  std::size_t acknowledged = 0, lost = 0;
  int asked_again = 0;
  for (const account& a : accounts) {
    acknowledged += a.acknowledged.size();
    asked_again += a.asked_again;
    for (const int message : a.acknowledged)
      lost += static_cast<std::size_t>(message) >= times_written.size() ||
              times_written[static_cast<std::size_t>(message)] == 0;
  }
  const auto twice = std::count_if(times_written.begin(), times_written.end(), [](int n) { return n > 1; });
  std::printf(
      "%d kills, %ju restarts; %zu messages acknowledged, %d asked again, %td written more than once, %zu lost\n",
      kills, static_cast<std::uintmax_t>(restarts), acknowledged, asked_again, twice, lost);
  return lost == 0 ? 0 : 1;
}

// The argument as a number from 1 to most_kills; 0 if it is none.
int parse_count(const char* text) {
  const char* const end = text + std::strlen(text);
  int count = 0;
  const auto [stopped, error] = std::from_chars(text, end, count);
  return error == std::errc() && stopped == end && count >= 1 && count <= most_kills ? count : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool asked = argc == 3 && std::strcmp(argv[1], "--kill-random") == 0;
  const int kills = argc == 1 ? 100 : asked ? parse_count(argv[2]) : 0;
  if (kills == 0) {
    std::fprintf(stderr, "supervisor: takes --kill-random and a whole number from 1 to %d; got", most_kills);
    for (int i = 1; i < argc; ++i) std::fprintf(stderr, " \"%s\"", argv[i]);
    std::fprintf(stderr, ". For a thousand kills write: supervisor --kill-random 1000\n");
    return 2;
  }
  return weir::run([kills] { return run(kills); });
}
