// Runs a function as a fiber, on one thread with Boost.Fiber's default scheduler (round_robin), on several with
// work_stealing, as its manual has it: the thieves spin while they find nothing.
//
// Thread-safety: none; one at a time.
#pragma once

#include <boost/fiber/all.hpp>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {

template <class F>
void on_fibers(int workers, F f) {
  if (workers == 1) return f();
  namespace fibers = boost::fibers;
  const auto count = static_cast<std::uint32_t>(workers);
  fibers::mutex mutex;
  fibers::condition_variable ended;
  bool done = false;  // guarded by mutex

  // work_stealing's constructor waits for nobody, but its pick_next reads the others' schedulers: all must be there.
  class start_line {
   public:
    explicit start_line(std::uint32_t expected) : missing_(expected) {}
    void wait() {
      std::unique_lock lock(mutex_);
      if (--missing_ == 0) return all_here_.notify_all();
      all_here_.wait(lock, [&] { return missing_ == 0; });
    }

   private:
    std::mutex mutex_;
    std::condition_variable all_here_;
    std::uint32_t missing_;
  } line(count);

  std::vector<std::thread> threads;
  for (int i = 1; i < workers; ++i)
    threads.emplace_back([&] {
      fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(count);
      line.wait();
      std::unique_lock lock(mutex);
      ended.wait(lock, [&] { return done; });
    });
  fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(count);
  line.wait();
  f();
  {
    std::unique_lock lock(mutex);
    done = true;
  }
  ended.notify_all();
  for (std::thread& t : threads) t.join();
}

}  // namespace bench
