// Many queries at once to a PostgreSQL, on one worker. libpq knows nothing of actors: its calls that do not block say
// when they would, and then the actor waits for libpq's descriptor with weir::wait_fd.
//
//   COUNT actors, each with a connection --query--> PostgreSQL       the gate: a lock there, which main holds
//
// Each query waits for the gate inside the server. Main opens it when the server has all of them at once.
//
// Usage: pg_query CONNINFO [COUNT]      such as: pg_query "host=/run/postgresql dbname=postgres" 200
#include <postgresql/libpq-fe.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "weir/weir.h"

using namespace std::chrono_literals;

namespace {

constexpr int most = 10'000;
constexpr auto patience = 60s;

using result = std::unique_ptr<PGresult, decltype([](PGresult* r) { PQclear(r); })>;

// A connection, for one actor at a time. What fails throws with libpq's own words.
class session {
 public:
  explicit session(const std::string& where) : connection_(PQconnectStart(where.c_str())) {
    if (connection_ == nullptr) throw std::bad_alloc();
    if (PQstatus(connection_.get()) == CONNECTION_BAD) fail();
    for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK; next = PQconnectPoll(connection_.get())) {
      if (next == PGRES_POLLING_FAILED) fail();
      wait(next == PGRES_POLLING_READING ? weir::fd_event::readable : weir::fd_event::writable);
    }
    PQsetnonblocking(connection_.get(), 1);
  }

  // The first column of the first row.
  std::string ask(const std::string& query) {
    PGconn* const c = connection_.get();
    if (PQsendQuery(c, query.c_str()) == 0) fail();
    // A server that does not read before it has written must not stop us: read what is there.
    for (int left; (left = PQflush(c)) != 0;) {
      if (left < 0) fail();
      wait(weir::fd_event::either);
      if (PQconsumeInput(c) == 0) fail();
    }
    std::string answer;
    for (;;) {
      while (PQisBusy(c)) {
        wait(weir::fd_event::readable);
        if (PQconsumeInput(c) == 0) fail();
      }
      const result r(PQgetResult(c));
      if (r == nullptr) return answer;
      if (PQresultStatus(r.get()) != PGRES_TUPLES_OK) throw std::runtime_error(PQresultErrorMessage(r.get()));
      if (PQntuples(r.get()) > 0) answer = PQgetvalue(r.get(), 0, 0);
    }
  }

 private:
  // libpq may take another socket while it connects, so it is asked each time.
  void wait(weir::fd_event event) const {
    if (!weir::wait_fd(PQsocket(connection_.get()), event, patience)) throw std::runtime_error("the server is silent");
  }
  [[noreturn]] void fail() const { throw std::runtime_error(PQerrorMessage(connection_.get())); }

  std::unique_ptr<PGconn, decltype([](PGconn* c) { PQfinish(c); })> connection_;
};

int run(const std::string& where, int count) {
  session gate(where);
  gate.ask("SELECT pg_advisory_lock(1)");
  const std::string waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";

  int right = 0;
  std::string at_once;
  const auto start = std::chrono::steady_clock::now();
  weir::with_scope([&](weir::scope& s) {
    for (int i = 0; i < count; ++i)
      s.spawn("query", [&, i] {
        const std::string n = std::to_string(i);
        const std::string square =
            session(where).ask("SELECT " + n + "::bigint * " + n + " FROM (SELECT pg_advisory_lock_shared(1)) AS gate");
        right += square == std::to_string(static_cast<long long>(i) * i);
      });
    while ((at_once = gate.ask(waiting)) != std::to_string(count)) weir::this_actor::sleep(10ms);
    gate.ask("SELECT pg_advisory_unlock(1)");
  });
  const auto took = std::chrono::steady_clock::now() - start;
  std::printf("%d queries, %d answers right; the server had %s at once\n", count, right, at_once.c_str());
  std::fprintf(stderr, "in %jd ms, connecting included\n",
               static_cast<std::intmax_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  return right == count ? 0 : 1;
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
  const int count = argc == 2 ? 200 : argc == 3 ? parse_count(argv[2]) : 0;
  if (count == 0) {
    std::fprintf(stderr,
                 "pg_query: takes a connection string, and how many queries, from 1 to %d; got %d arguments. Write: "
                 "pg_query \"host=/run/postgresql dbname=postgres\" 200\n",
                 most, argc - 1);
    return 2;
  }
  try {
    return weir::run({.workers = 1}, [&] { return run(argv[1], count); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "pg_query: %s\n", e.what());
    return 1;
  }
}
