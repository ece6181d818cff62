// main() of every test: what Bazel expects of a test and Catch2 v2 does not do.
//
// Thread-safety: Catch2 calls the listener from one thread at a time; other threads read only `running`.
//
// - `bazel test --test_filter=SPEC` chooses test cases.
// - The XML report names every test case. It is rewritten before and after each one, so that after a crash of whatever
//   kind it still says which test case was running and how many had passed.
// - WEIR_SEED is drawn if the environment does not set it; a failed run prints the line that replays it.
// - Before Bazel's time limit a watchdog prints all actors and ends the process with status 124.

// Catch2's signal handlers would replace those that are under test, and would run reporters on an actor's stack.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#define CATCH_CONFIG_RUNNER
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "weir/runtime/dump.h"
#include "weir/runtime/internal/idle_threads.h"

namespace {

const char* env_or(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

// Name of the test case that runs now, null between two; Catch2 keeps the strings until exit. Written by the thread
// that runs Catch2; the watchdog and the handler of SIGABRT read it, and nothing that it orders. Globals, because
// Catch2 creates its listeners itself.
std::atomic<const char*> running{nullptr};
int cases_ended = 0;
int cases_failed = 0;

const char* running_name() {
  const char* name = running.load();
  return name != nullptr ? name : "(none)";
}

// Writes XML_OUTPUT_FILE in the JUnit form.
class xml_report : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    running = test.name.c_str();
    failure_.clear();
    write("<testcase name=\"" + escaped(test.name) +
          "\"><error message=\"the process ended in this test case\"/></testcase>\n");
  }

  bool assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& result = stats.assertionResult;
    if (result.isOk()) return true;
    std::ostringstream text;
    text << result.getSourceInfo() << ": " << result.getExpressionInMacro();
    if (result.hasExpandedExpression()) text << "\n  with " << result.getExpandedExpression();
    if (result.hasMessage()) text << "\n  " << result.getMessage();
    failure_ += text.str() + "\n";
    return true;
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    running = nullptr;
    const bool failed = stats.totals.testCases.failed > 0;
    done_ += "<testcase name=\"" + escaped(stats.testInfo.name) + "\">";
    if (failed) done_ += "<failure message=\"" + escaped(failure_) + "\"/>";
    done_ += "</testcase>\n";
    ++cases_ended;
    cases_failed += failed;
    write("");
  }

  void testRunEnded(const Catch::TestRunStats&) override { write(""); }

 private:
  static std::string escaped(const std::string& text) {
    std::ostringstream out;
    out << Catch::XmlEncode(text, Catch::XmlEncode::ForAttributes);
    return out.str();
  }

  // `unfinished` is the element of a test case that counts as an error unless a later call replaces the file.
  void write(const std::string& unfinished) const {
    static const std::string path = env_or("XML_OUTPUT_FILE", "");
    if (path.empty()) return;
    // Renamed into place: a process killed in the middle leaves the report before this one.
    std::ofstream file(path + ".next", std::ios::trunc);
    const int errors = unfinished.empty() ? 0 : 1;
    file << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\""
         << escaped(env_or("TEST_TARGET", "test")) << "\" tests=\"" << cases_ended + errors << "\" failures=\""
         << cases_failed << "\" errors=\"" << errors << "\">\n"
         << done_ << unfinished << "</testsuite>\n</testsuites>\n";
    file.close();
    if (!file || std::rename((path + ".next").c_str(), path.c_str()) != 0) std::perror(path.c_str());
  }

  std::string done_;     // elements of the test cases that have ended
  std::string failure_;  // failed assertions of the one that runs
};
CATCH_REGISTER_LISTENER(xml_report)

// Seconds until the watchdog acts, 0 for never. Bazel's own limit comes a margin later; the dump needs that time.
double watchdog_seconds() {
  if (const double own = std::atof(env_or("WEIR_TEST_DEADLINE", "0")); own > 0) return own;
  const double limit = std::atof(env_or("TEST_TIMEOUT", "0"));
  return limit - std::min(std::max(limit / 10, 3.0), limit / 2);
}

class watchdog {
 public:
  explicit watchdog(double seconds) {
    if (seconds <= 0) return;
    // Signals that a test sends to the process are for the threads under test: this one inherits a full mask.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this, seconds] { wait(seconds); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~watchdog() {
    {
      std::lock_guard lock(mutex_);
      finished_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void wait(double seconds) {
    // Else it would be a thread that might yet wake somebody, and no deadlock would be found in any test.
    weir::internal::idle_threads_of_process.add_apart();
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return finished_; })) {
      weir::internal::idle_threads_of_process.remove_apart();
      return;
    }
    dprintf(STDERR_FILENO, "\nTIMEOUT after %g s in test case \"%s\" of %s; all actors:\n", seconds, running_name(),
            env_or("TEST_TARGET", "this test"));
    weir::dump_actors(STDERR_FILENO);
    // Not exit(): the destructors of static objects would meet the threads that hang.
    _exit(124);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool finished_ = false;  // guarded by mutex_
  std::thread thread_;
};

// A broken WEIR_CHECK aborts wherever it stands; its report does not know the test case. Children that a test lets die
// on purpose keep quiet. Returning lets abort() end the process.
pid_t test_process = 0;
void name_aborted_test(int) {
  if (getpid() != test_process) return;
  for (const char* part : {"aborted in test case \"", running_name(), "\"\n"})
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) return;
}

}  // namespace

int main(int argc, char** argv) {
  // Through the environment, so that whatever draws random numbers in a test finds it.
  const std::string drawn = std::to_string(std::random_device{}());
  const std::string seed = env_or("WEIR_SEED", drawn.c_str());
  setenv("WEIR_SEED", seed.c_str(), 1);

  Catch::Session session;
  session.configData().rngSeed = static_cast<std::uint32_t>(std::strtoull(seed.c_str(), nullptr, 0));
  const std::string filter = env_or("TESTBRIDGE_TEST_ONLY", "");
  if (!filter.empty()) session.configData().testsOrTags.push_back(filter);
  if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;

  test_process = getpid();
  signal(SIGABRT, name_aborted_test);
  watchdog dog(watchdog_seconds());
  const int status = session.run();
  if (cases_failed > 0) {
    const std::string target = env_or("TEST_TARGET", "");
    const std::string command =
        target.empty() ? "WEIR_SEED=" + seed + " " + argv[0] : "bazel test " + target + " --test_env=WEIR_SEED=" + seed;
    std::fprintf(stderr, "replay: %s\n", command.c_str());
  }
  if (status == 0 && cases_ended == 0 && filter.empty() && argc == 1) {
    std::fprintf(stderr, "no test case ran: a test must be able to fail\n");
    return 1;
  }
  return status;
}
