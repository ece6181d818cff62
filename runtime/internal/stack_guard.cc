#include "weir/runtime/internal/stack_guard.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/advice.h"

namespace weir::internal {
namespace {

constexpr int guard_install = 102;  // MADV_GUARD_INSTALL, Linux 6.13

long max_map_count() noexcept {
  long count = 0;
  if (FILE* const f = std::fopen("/proc/sys/vm/max_map_count", "r")) {
    if (std::fscanf(f, "%ld", &count) != 1) count = 0;
    std::fclose(f);
  }
  return count > 0 ? count : 65530;
}

// How many guards the process may still make by mprotect. A counter, relaxed.
std::atomic<long>& mprotects_left() noexcept {
  static std::atomic<long> left{max_map_count() / 4};
  return left;
}

bool protect(const stack_block& block) noexcept {
  if (mprotects_left().fetch_sub(1, std::memory_order_relaxed) > 0 &&
      mprotect(block.guard_page(), block.layout->guard, PROT_NONE) == 0)
    return true;
  mprotects_left().fetch_add(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

stack_guard first_stack_guard(site where) {
  const char* const text = std::getenv("WEIR_STACK_GUARD");
  if (text == nullptr || *text == '\0') return stack_guard::madvise;
  const std::string_view name = text;
  if (name == "madvise") return stack_guard::madvise;
  if (name == "mprotect") return stack_guard::mprotect;
  if (name == "canary") return stack_guard::canary;
  throw_misuse("runtime", "the environment's WEIR_STACK_GUARD must be \"madvise\", \"mprotect\", \"canary\" or unset",
               fmt::format("\"{}\"", text), "Unset it: the best that the kernel can do is found out.", where);
}

void guard_ladder::install(std::span<stack_block> blocks) noexcept {
  std::size_t done = 0;
  if (first_.load(std::memory_order_relaxed) == stack_guard::madvise) {
    std::array<iovec, stack_chain::full> pages;
    for (std::size_t i = 0; i < blocks.size(); ++i) pages[i] = {blocks[i].guard_page(), blocks[i].layout->guard};
    done = advise(std::span(pages).first(blocks.size()), guard_install);
    for (std::size_t i = 0; i < done; ++i) blocks[i].guard = stack_guard::madvise;
    if (done < blocks.size()) first_.store(stack_guard::mprotect, std::memory_order_relaxed);
  }
  for (; done < blocks.size(); ++done) {
    const bool guarded = first_.load(std::memory_order_relaxed) <= stack_guard::mprotect && protect(blocks[done]);
    blocks[done].guard = guarded ? stack_guard::mprotect : stack_guard::canary;
    if (!guarded && unguarded_.fetch_add(1, std::memory_order_relaxed) == 0 && !silent_)
      std::fputs(
          "weir: no guard pages are left for stacks: from here on an overflow is found at a park or at the actor's "
          "end, after it did harm. A kernel from 6.13 on, or a higher vm.max_map_count, would help.\n",
          stderr);
  }
}

void guard_ladder::forget(std::span<const stack_block> blocks) noexcept {
  for (const stack_block& b : blocks) {
    if (b.guard == stack_guard::mprotect) mprotects_left().fetch_add(1, std::memory_order_relaxed);
    if (b.guard == stack_guard::canary) unguarded_.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace weir::internal
