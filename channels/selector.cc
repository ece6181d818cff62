#include "weir/channels/selector.h"

#include <fmt/core.h>

#include <string>

#include "weir/runtime/base/errors.h"

namespace weir {

using internal::select_case;

selector::selector() = default;
selector::~selector() = default;

selector::id selector::add_entry(std::unique_ptr<entry> e) {
  const id name{++last_id_};
  e->name = name;
  select_case* const source = e->source();
  // What may throw comes first.
  if (entries_.size() == entries_.capacity()) entries_.reserve(entries_.size() * 2 + 4);
  sources_.reserve(entries_.capacity());
  places_.emplace(name, entries_.size());
  classes_ |= source->urgency != 0;
  entries_.push_back(std::move(e));
  sources_.push_back(source);
  changed();
  return name;
}

selector::id selector::add_otherwise(std::unique_ptr<entry> e, site where) {
  if (otherwise_)
    internal::throw_misuse("selector::add", "there can be one otherwise", "a second one", "Remove the first one.",
                           where);
  e->name = id{++last_id_};
  otherwise_ = std::move(e);
  return otherwise_->name;
}

// A look made before is worth nothing: places have moved.
void selector::changed() noexcept { left_ = 0; }

std::unique_ptr<selector::entry> selector::take(std::size_t place) noexcept {
  std::unique_ptr<entry> e = std::move(entries_[place]);
  places_.erase(e->name);
  if (place + 1 != entries_.size()) {
    entries_[place] = std::move(entries_.back());
    sources_[place] = sources_.back();
    places_.find(entries_[place]->name)->second = place;
  }
  entries_.pop_back();
  sources_.pop_back();
  changed();
  return e;
}

bool selector::remove(id which) noexcept {
  std::unique_ptr<entry> e;
  if (otherwise_ && otherwise_->name == which) {
    e = std::move(otherwise_);
  } else {
    const auto found = places_.find(which);
    if (found == places_.end()) return false;
    e = take(found->second);
  }
  if (e.get() == running_) gone_ = std::move(e);
  return true;
}

void selector::when(id which, bool condition, site where) {
  const auto found = places_.find(which);
  if (found == places_.end())
    internal::throw_misuse("selector::when", "the id must be that of a case which is in the selector",
                           fmt::format("id {}", static_cast<std::uint64_t>(which)),
                           "A case of on_send or after leaves when it goes; contains() tells.", where);
  sources_[found->second]->enabled = condition;
  changed();
}

bool selector::contains(id which) const noexcept {
  return places_.count(which) != 0 || (otherwise_ && otherwise_->name == which);
}

std::size_t selector::size() const noexcept { return entries_.size() + (otherwise_ ? 1 : 0); }

int selector::hopeful() noexcept {
  int found = 0;
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (sources_[i]->enabled && internal::is_hopeful(*sources_[i]))
      order_[static_cast<std::size_t>(found++)] = static_cast<int>(i);
  return found;
}

void selector::run(entry* e) {
  struct end_of_body {
    selector& of;
    ~end_of_body() {
      of.running_ = nullptr;
      of.gone_.reset();
    }
  } const end{*this};
  running_ = e;
  e->run();
}

selector::id selector::select(site where) {
  if (running_ != nullptr)
    internal::throw_misuse("selector::select", "a body must not select on its own selector",
                           fmt::format("the body of case {}", static_cast<std::uint64_t>(running_->name)),
                           "Let it return; the next round comes afterwards.", where);
  const int count = static_cast<int>(sources_.size());
  if (order_.size() < sources_.size()) {
    nodes_.resize(sources_.capacity() * sizeof(internal::wait_node));
    order_.resize(sources_.capacity());  // last: its size says that both are there
  }
  int chosen = -1;
  if (left_ > 0 && !classes_) chosen = internal::try_cases(sources_.data(), order_.data(), left_, false);
  if (chosen < 0) {
    left_ = hopeful();
    chosen = internal::try_cases(sources_.data(), order_.data(), left_, classes_);
  }
  if (chosen < 0) {
    left_ = 0;
    chosen = internal::await_case(sources_.data(), nodes_.data(), order_.data(), count,
                                  {otherwise_ != nullptr, classes_}, where);
  }
  if (chosen < 0) {
    const id name = otherwise_->name;
    run(otherwise_.get());
    return name;
  }
  const auto place = static_cast<std::size_t>(chosen);
  internal::settle(*sources_[place]);
  const id name = entries_[place]->name;
  if (entries_[place]->once) {
    gone_ = take(place);
    run(gone_.get());
  } else {
    run(entries_[place].get());
  }
  return name;
}

}  // namespace weir
