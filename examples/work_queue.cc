// work_queue: hands tasks to worker processes over PUSH and takes the results from PULL. A worker that is killed costs
// time and no task: whatever has no result yet is handed out again.
//   work_queue [WORKERS [TASKS [KILLED]]]       default: 4 workers, 10000 tasks, none of the workers killed on the way
#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "weir/net/message.h"
#include "weir/net/process/process.h"
#include "weir/net/socket/on_socket.h"
#include "weir/net/socket/peer_event.h"
#include "weir/net/socket/push_pull.h"
#include "weir/weir.h"

namespace net = weir::net;

namespace {

// The task: how many steps it takes to come down to 1 (Collatz).
std::size_t steps(std::size_t n) {
  std::size_t count = 0;
  for (; n > 1; ++count) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return count;
}

// What a worker process does, until it is told to end.
void work(const char* tasks, const char* results) {
  const net::pull_socket in({.connect = tasks, .receive_high_water = 1});  // none waits here while others are idle
  const net::push_socket out({.connect = results});
  while (const auto m = in.recv()) {
    const std::string task(m->text());
    if (!out.send(net::message::of(task, std::to_string(steps(std::stoul(task)))))) return;
  }
}

void hand_out(std::size_t workers, std::size_t tasks, std::size_t killed) {
  net::push_socket out({.send_high_water = 8, .linger = std::chrono::nanoseconds(0)});  // at the end nobody is there
  net::pull_socket in;
  const std::string tasks_at = out.bind("ipc://*"), results_at = in.bind("ipc://*");
  const auto peers = out.events();  // who is gone gets no task any more, so those that it had are known to be lost
  auto deaths = weir::channel<std::string>(workers);
  std::vector<net::process> processes;
  for (std::size_t i = 0; i < workers; ++i)
    processes.emplace_back(net::process_spec{"/proc/self/exe", {"--work", tasks_at, results_at}});

  std::deque<std::size_t> waiting;
  std::vector<std::optional<std::size_t>> results(tasks);
  for (std::size_t task = 0; task < tasks; ++task) waiting.push_back(task);
  std::size_t done = 0, kills = 0, alive = workers;

  weir::with_scope([&](weir::scope& s) {
    for (net::process& p : processes)
      s.spawn("watcher", [&] {
        if (const auto end = p.wait()) static_cast<void>(deaths.tx.send(p.name() + ": " + end->text()));
      });
    while (done < tasks)
      weir::select(weir::on_send(out, waiting.empty() ? net::message() : net::message(std::to_string(waiting.front())),
                                 [&] { waiting.pop_front(); })
                       .when(!waiting.empty()),
                   weir::on_recv(in,
                                 [&](std::optional<net::message> m) {
                                   std::optional<std::size_t>& result =
                                       results.at(std::stoul(std::string((*m)[0].text())));
                                   if (result) return;  // it was handed out twice
                                   result = std::stoul(std::string((*m)[1].text()));
                                   ++done;
                                   if (kills < killed && done * (killed + 1) > tasks * (kills + 1))
                                     processes[kills++].kill(SIGKILL);
                                 }),
                   weir::on_recv(peers,
                                 [&](std::optional<net::peer_event> e) {
                                   if (!e || e->kind != net::peer_event_kind::down) return;
                                   waiting.clear();  // nobody knows which tasks went with it
                                   for (std::size_t task = 0; task < tasks; ++task)
                                     if (!results[task]) waiting.push_back(task);
                                 }),
                   weir::on_recv(deaths.rx, [&](std::optional<std::string> how) {
                     if (how) std::fprintf(stderr, "work_queue: %s\n", how->c_str());
                     if (--alive == 0) throw std::runtime_error("no worker is left");
                   }));
    s.cancel();
  });

  std::size_t sum = 0;
  for (const auto& result : results) sum += *result;
  std::printf("%zu tasks done by %zu workers, of whom %zu were killed: %zu steps\n", tasks, workers, kills, sum);
}

std::size_t number(int argc, char** argv, int at, std::size_t otherwise) {
  return at < argc ? std::stoul(argv[at]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && argv[1] == std::string("--work")) return weir::run([&] { work(argv[2], argv[3]); });
    const std::size_t workers = number(argc, argv, 1, 4), tasks = number(argc, argv, 2, 10'000),
                      killed = number(argc, argv, 3, 0);
    if (workers == 0 || killed >= workers) throw std::invalid_argument("one worker has to be left");
    return weir::run([&] { hand_out(workers, tasks, killed); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "work_queue: %s\n", e.what());
    return 1;
  }
}
