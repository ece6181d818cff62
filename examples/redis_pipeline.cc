// Many actors share one connection to a Redis, on one worker. hiredis knows nothing of actors: one actor drives it,
// with a select over its descriptor and a channel of commands, so what comes meanwhile goes out in one write.
//
//   ACTORS actors --command, way back--> driver --hiredis--> Redis
//
// Usage: redis_pipeline SOCKET [ACTORS] [COMMANDS]      the path of a Unix socket; commands of each actor
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "weir/weir.h"

using namespace std::chrono_literals;

namespace {

constexpr int most = 100'000, most_under_way = 1000;

struct command {
  std::vector<std::string> words;
  weir::oneshot_sender<long long> answer;  // dropped without one: the connection has failed
};

// hiredis and the descriptor it wants watched.
class connection {
 public:
  explicit connection(const std::string& path) : context_(redisAsyncConnectUnix(path.c_str())) {
    if (context_ == nullptr) throw std::bad_alloc();
    if (context_->err != 0) {
      const std::string why = context_->errstr;
      redisAsyncFree(context_);
      throw std::runtime_error(path + ": " + why);
    }
    auto& ev = context_->ev;
    ev.data = this;
    ev.addRead = [](void* c) { static_cast<connection*>(c)->reads_ = true; };
    ev.delRead = [](void* c) { static_cast<connection*>(c)->reads_ = false; };
    ev.addWrite = [](void* c) { static_cast<connection*>(c)->writes_ = true; };
    ev.delWrite = [](void* c) { static_cast<connection*>(c)->writes_ = false; };
    ev.cleanup = [](void* c) { static_cast<connection*>(c)->context_ = nullptr; };  // hiredis ends it by itself
    context_->data = this;
    redisAsyncSetConnectCallback(context_, [](const redisAsyncContext* c, int status) {
      if (status != REDIS_OK) static_cast<connection*>(c->data)->error_ = c->errstr;
    });
    redisAsyncSetDisconnectCallback(context_, [](const redisAsyncContext* c, int status) {
      if (status != REDIS_OK) static_cast<connection*>(c->data)->error_ = c->errstr;
    });
  }
  connection(const connection&) = delete;
  ~connection() {
    if (context_ != nullptr) redisAsyncFree(context_);
  }

  // The answer goes back from a callback of hiredis, in the order of the commands.
  void send(command c) {
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& w : c.words) words.push_back(w.data()), sizes.push_back(w.size());
    ++under_way_;
    auto* const back = new pending{*this, std::move(c.answer)};
    if (redisAsyncCommandArgv(context_, on_reply, back, static_cast<int>(words.size()), words.data(), sizes.data()) !=
        REDIS_OK)
      on_reply(context_, nullptr, back);
  }

  bool is_open() const { return context_ != nullptr; }
  const std::string& error() const { return error_; }
  int under_way() const { return under_way_; }
  int fd() const { return context_->c.fd; }
  weir::fd_event wanted() const {
    return !writes_ ? weir::fd_event::readable : !reads_ ? weir::fd_event::writable : weir::fd_event::either;
  }
  // The descriptor is ready, for one or the other; hiredis finds out for which.
  void serve() {
    if (writes_) redisAsyncHandleWrite(context_);
    if (is_open() && reads_) redisAsyncHandleRead(context_);
  }

 private:
  struct pending {
    connection& of;
    weir::oneshot_sender<long long> answer;
  };

  static void on_reply(redisAsyncContext*, void* reply, void* data) {
    const std::unique_ptr<pending> p(static_cast<pending*>(data));
    --p->of.under_way_;
    const auto* const r = static_cast<const redisReply*>(reply);
    if (r != nullptr && r->type == REDIS_REPLY_INTEGER) std::move(p->answer).send(r->integer);
  }

  redisAsyncContext* context_;
  bool reads_ = false, writes_ = false;
  int under_way_ = 0;
  std::string error_;
};

// Until nobody has a command any more, and all are answered. Returns how many commands went out with another one.
long drive(connection& redis, const weir::receiver<command>& commands) {
  long together = 0;
  for (bool open = true; redis.is_open() && (open || redis.under_way() > 0);) {
    weir::select(weir::on_fd(redis.fd(), redis.wanted(), [&] { redis.serve(); }),
                 weir::on_recv(commands, [&](std::optional<command> c) {
                   open = c.has_value();
                   if (!c) return;
                   redis.send(std::move(*c));
                   while (auto more = commands.try_recv()) redis.send(std::move(*more)), ++together;
                 }).when(open && redis.under_way() < most_under_way));
  }
  if (!redis.is_open()) throw std::runtime_error(redis.error().empty() ? "the server has gone" : redis.error());
  return together;
}

int run(const std::string& path, int actors, int each) {
  long right = 0, together = 0;
  const auto start = std::chrono::steady_clock::now();
  weir::with_scope([&](weir::scope& s) {
    auto [commands, inbox] = weir::channel<command>(256, "commands");
    s.spawn("driver", [&, inbox = std::move(inbox)] {
      connection redis(path);
      together = drive(redis, inbox);
    });
    for (int a = 0; a < actors; ++a)
      s.spawn("client", [&, a, commands = commands] {
        const auto ask = [&](std::vector<std::string> words) {
          auto [tx, rx] = weir::oneshot<long long>();
          return commands.send({std::move(words), std::move(tx)}) ? rx.recv() : std::nullopt;
        };
        const std::string key = "weir:" + std::to_string(a);
        ask({"DEL", key});
        for (long long i = 1; i <= each; ++i) right += ask({"INCRBY", key, std::to_string(i)}) == i * (i + 1) / 2;
        ask({"DEL", key});
      });
  });
  const auto took = std::chrono::steady_clock::now() - start;
  const long sent = static_cast<long>(actors) * each;
  std::printf("%d actors, %ld commands over one connection, %ld answers right\n", actors, sent, right);
  std::fprintf(stderr, "in %jd ms; %ld commands went out together with others\n",
               static_cast<std::intmax_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()),
               together);
  return right == sent ? 0 : 1;
}

// 0: it is no whole number from 1 to `most`.
int parse_count(const char* text) {
  const char* const end = text + std::strlen(text);
  int count = 0;
  const auto [stopped, error] = std::from_chars(text, end, count);
  return error == std::errc() && stopped == end && count >= 1 && count <= most ? count : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int actors = argc > 2 ? parse_count(argv[2]) : 200, each = argc > 3 ? parse_count(argv[3]) : 100;
  if (argc < 2 || argc > 4 || actors == 0 || each == 0) {
    std::fprintf(stderr,
                 "redis_pipeline: takes the path of a Redis's Unix socket, and how many actors and commands, from 1 to "
                 "%d; got %d arguments. Write: redis_pipeline /run/redis/redis.sock 200 100\n",
                 most, argc - 1);
    return 2;
  }
  try {
    return weir::run({.workers = 1}, [&] { return run(argv[1], actors, each); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "redis_pipeline: %s\n", e.what());
    return 1;
  }
}
