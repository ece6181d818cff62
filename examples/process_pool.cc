// CPU work in child processes: the counterpart of Python's multiprocessing.Pool, for work that may crash, leak or be
// killed. A supervisor starts a child again that has died; no job is lost, and none is counted twice.
//
//   producer --jobs--> child1..childN --results--> main        killer
//
// Usage: process_pool [--jobs N] [--children N] [--kill-random N]
//
// Each child is this program again, with a pipe to either side: a line with a job, a line with its result. An actor
// holds the child, and puts a job into its slot before it gives it away; when the child dies, the actor fails, and its
// next life finds the job still there.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "weir/net/process/process.h"
#include "weir/weir.h"

using namespace std::chrono_literals;
namespace net = weir::net;

namespace {

struct settings {
  int jobs = 400, children = 4, kills = 0;
};

struct result {
  int job;
  long value;
};

// The work: how many steps all numbers of a block take to come to 1, by Collatz' rule.
long crunch(long job) {
  long steps = 0;
  for (long n = job * 200 + 1; n <= (job + 1) * 200; ++n)
    for (long at = n; at != 1; ++steps) at = at % 2 == 0 ? at / 2 : 3 * at + 1;
  return steps;
}

// What a child does: no actor, no runtime.
int serve_parent() {
  int job;
  while (std::scanf("%d", &job) == 1) {
    std::printf("%ld\n", crunch(job));
    std::fflush(stdout);
  }
  return 0;
}

// The children that live, for the killer.
class herd {
 public:
  // One of them, as long as it is in scope.
  class member {
   public:
    member(herd& of, net::process& child) : of_(of), child_(&child) {
      std::lock_guard guard(of_.mutex_);
      of_.all_.push_back(child_);
    }
    member(const member&) = delete;
    ~member() {
      std::lock_guard guard(of_.mutex_);
      std::erase(of_.all_, child_);
    }

   private:
    herd& of_;
    net::process* child_;
  };

  // False: there is none at this moment.
  bool kill_one(std::minstd_rand& dice) {
    std::lock_guard guard(mutex_);
    return !all_.empty() && all_[dice() % all_.size()]->kill(SIGKILL);
  }

 private:
  std::mutex mutex_;  // not held over a park
  std::vector<net::process*> all_;
};

// One life of an actor with its child. `slot`: the job in hand, kept from one life to the next.
void tend_child(const weir::receiver<int>& jobs, const weir::sender<result>& results, std::optional<int>& slot,
                herd& all) {
  net::process child({.program = "/proc/self/exe",
                      .arguments = {"--child"},
                      .input = net::stdio::pipe(),
                      .output = net::stdio::pipe()});
  const herd::member listed(all, child);
  std::string line;
  for (;;) {
    if (!slot) {
      slot = jobs.recv();
      if (!slot) return;  // no more; the child goes with its handle
    }
    if (!child.input().write_all(std::to_string(*slot) + "\n") || !child.output().read_until(line, "\n"))
      throw std::runtime_error(child.name() + ": " + child.wait()->text());
    if (!results.send(result{*slot, std::atol(line.c_str())})) return;
    slot.reset();
  }
}

int work(const settings& wanted) {
  return weir::run([&] {
    long total = 0;
    int doubled = 0;
    std::map<int, long> done;
    herd all;
    weir::supervisor pool({.restarts = wanted.kills + 100, .within = 3600s, .name = "pool"});
    weir::with_scope([&](weir::scope& s) {
      auto [jobs, inbox] = weir::channel<int>(16);
      auto [results, report] = weir::channel<result>(16);
      for (int n = 1; n <= wanted.children; ++n)
        pool.add({.name = "child" + std::to_string(n),
                  .run = [inbox, results, slot = std::make_shared<std::optional<int>>(),
                          &all] { tend_child(inbox, results, *slot, all); },
                  .kind = weir::child_kind::transient});
      inbox.reset();
      s.spawn("pool", [&] { pool.run(); });
      s.spawn("producer", [&wanted, jobs = std::move(jobs)] {
        for (int n = 0; n < wanted.jobs; ++n)
          if (!jobs.send(n)) return;
      });
      s.spawn("killer", [&] {
        std::minstd_rand dice(std::random_device{}());
        for (int killed = 0; killed < wanted.kills;) {
          weir::this_actor::sleep(std::chrono::milliseconds(dice() % 20));
          if (all.kill_one(dice)) ++killed;
        }
      });
      while (done.size() < static_cast<std::size_t>(wanted.jobs)) {
        const std::optional<result> r = report.recv();
        if (!r) break;
        if (done.emplace(r->job, r->value).second)
          total += r->value;
        else
          ++doubled;
      }
      s.cancel();  // the killer, if it is not through
    });
    std::printf("%zu of %d jobs done, %d twice, %llu restarts, sum %ld\n", done.size(), wanted.jobs, doubled,
                static_cast<unsigned long long>(pool.restarts()), total);
    return done.size() == static_cast<std::size_t>(wanted.jobs) && doubled == 0 ? 0 : 1;
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--child") == 0) return serve_parent();
  settings wanted;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    int* const value = name == "--jobs"          ? &wanted.jobs
                       : name == "--children"    ? &wanted.children
                       : name == "--kill-random" ? &wanted.kills
                                                 : nullptr;
    if (value == nullptr || i + 1 == argc || (*value = std::atoi(argv[i + 1])) < (value == &wanted.kills ? 0 : 1)) {
      std::fprintf(stderr, "usage: process_pool [--jobs N] [--children N] [--kill-random N]\n");
      return 2;
    }
  }
  return work(wanted);
}
