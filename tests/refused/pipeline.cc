// Pipelines that must not compile: what is wrong is said in words, by the stage's name, before anything else is said.
#include "weir/channels/pipeline/pipeline.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

auto numbers() { return weir::from(std::vector<int>{1, 2, 3}); }
auto boxes() {
  return numbers() | weir::map([](int i) { return std::make_unique<int>(i); });
}
using box = std::unique_ptr<int>;
int same(int i) { return i; }
std::string words(const std::string& s) { return s; }

}  // namespace

// accepted
void all_is_well() {
  boxes() | weir::map([](box b) { return *b; }) | weir::on_error(weir::skip) | weir::batch(3) | weir::collect() |
      weir::execute();
}

// refused: weir::map: the function does not take what the stage before it gives
void map_takes() { numbers() | weir::map(words); }

// refused: weir::map: the function returns nothing; use weir::tap, or weir::into as the last stage
void map_gives() {
  numbers() | weir::map([](int) {});
}

// refused: weir::map_with: the first function makes the state and takes nothing
void map_with_makes() { numbers() | weir::map_with(same, same); }

// refused: weir::map_with: the function does not take (state&, what the stage before it gives)
void map_with_takes() {
  numbers() | weir::map_with([] { return 1; }, same);
}

// refused: weir::map_with: the function returns nothing
void map_with_gives() {
  numbers() | weir::map_with([] { return 1; }, [](int&, int) {});
}

// refused: weir::filter: the function does not take a const T& of what the stage before it gives, or returns no bool
void filter_takes() { numbers() | weir::filter(words); }

// refused: weir::flat_map: the function does not take what the stage before it gives
void flat_map_takes() { numbers() | weir::flat_map(words); }

// refused: weir::flat_map: the function returns no range
void flat_map_gives() { numbers() | weir::flat_map(same); }

// refused: weir::tap: the function does not take a const T& of what the stage before it gives
void tap_takes() { numbers() | weir::tap(words); }

// refused: weir::offload_map: the function does not take what the stage before it gives
void offload_map_takes() { numbers() | weir::offload_map(words); }

// refused: weir::offload_map: the function returns nothing
void offload_map_gives() {
  numbers() | weir::offload_map([](int) {});
}

// refused: weir::window: windows share items, so T must be copyable
void window_copies() { boxes() | weir::window(3); }

// refused: weir::into: the function does not take what the stage before it gives
void into_takes() { numbers() | weir::into(words); }

// refused: weir::into: the channel's type cannot be made from what the stage before it gives
void into_sends() { numbers() | weir::into(weir::channel<box>(1).tx); }

// refused: weir::reduce: the function does not take (value, what the stage before it gives), or does not return the
// value
void reduce_takes() { numbers() | weir::reduce(0, words); }

// refused: weir::tee: each branch gets a copy, so T must be copyable
void tee_copies() {
  boxes() | weir::tee([](auto b) { return b | weir::into([](const box&) {}); });
}

// refused: weir::tee: a branch is a weir::sender, or a function that takes its start
void tee_takes() { numbers() | weir::tee(1); }

// refused: weir::tee: the branch has no end: let it end in weir::into
void tee_ends() {
  numbers() | weir::tee([](auto b) { return b | weir::map(same); });
}

// refused: weir::partition_by: the key's function does not take a const T& of what the stage before it gives
void partition_by_key() {
  numbers() | weir::partition_by(words, 2, [](auto part) { return part | weir::map(same); });
}

// refused: weir::partition_by: there is no std::hash for the key
void partition_by_hash() {
  numbers() |
      weir::partition_by([](int i) { return std::pair(i, i); }, 2, [](auto part) { return part | weir::map(same); });
}

// refused: weir::partition_by: the last argument is a function that takes the start of a partition
void partition_by_builds() { numbers() | weir::partition_by(same, 2, same); }

// refused: weir::partition_by: the partitions come together again, so they have no end: leave out into
void partition_by_ends() {
  numbers() | weir::partition_by(same, 2, [](auto part) { return part | weir::into(same); });
}

// refused: weir::merge: it takes pipelines without an end
void merge_takes() { weir::merge(numbers() | weir::collect(), numbers()); }

// refused: weir::merge: what the pipelines give has no common type
void merge_of_one_type() { weir::merge(numbers(), boxes()); }

// refused: weir::zip: it takes two pipelines without an end
void zip_takes() { weir::zip(numbers(), numbers() | weir::collect()); }

// refused: weir::generate: the function takes emit, which takes a T and returns bool
void generate_takes() { weir::generate<int>(same); }

// refused: weir::on_error: name at least one remedy: skip, retry, dead_letter, ...
void on_error_of_nothing() { weir::on_error(); }

// refused: weir::on_error: there is no stage before it
void on_error_of_source() { numbers() | weir::on_error(weir::skip); }

// refused: weir::on_error: the stage before it calls no function that could fail
void on_error_of_batch() { numbers() | weir::batch(3) | weir::on_error(weir::skip); }

// refused: weir::on_error: the stage before it calls no function that could fail
void on_error_of_channel() { numbers() | weir::into(weir::channel<int>(1).tx) | weir::on_error(weir::skip); }

// refused: weir::on_error: the stage has one already: name all remedies in one
void on_error_twice() { numbers() | weir::map(same) | weir::on_error(weir::retry(3)) | weir::on_error(weir::skip); }

// refused: weir::on_error: retry and dead_letter need the item after the call
void retry_keeps() {
  boxes() | weir::map([](box b) { return b; }) | weir::on_error(weir::retry(3)) | weir::collect() | weir::execute();
}

// refused: weir::dead_letter: the channel takes neither failed_item<T> nor T
void dead_letter_sends() {
  numbers() | weir::map(same) | weir::on_error(weir::dead_letter(weir::channel<box>(1).tx)) | weir::collect() |
      weir::execute();
}

// refused: weir::execute: the pipeline has no end: put into, collect or reduce before it
void execute_ends() { numbers() | weir::map(same) | weir::execute(); }

// refused: weir::start: the pipeline has no end: put into, collect or reduce before it
void start_ends() { numbers() | weir::map(same) | weir::start(); }
