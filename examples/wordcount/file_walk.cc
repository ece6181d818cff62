#include "examples/wordcount/file_walk.h"

#include <system_error>

namespace wordcount {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t batch_size = 256;

}  // namespace

bool file_walk::next(batch& b) {
  b.files.clear();
  b.faults.clear();
  while (b.files.size() + b.faults.size() < batch_size) {
    if (within_ != fs::directory_iterator())
      step(b);
    else if (to_visit_.empty())
      break;
    else
      visit_next(b);
  }
  return !b.files.empty() || !b.faults.empty();
}

void file_walk::visit_next(batch& b) {
  folder_ = std::move(to_visit_.back());
  to_visit_.pop_back();
  const bool given = to_visit_.size() < given_;
  if (given) given_ = to_visit_.size();

  std::error_code error;
  const fs::file_status status = given ? fs::status(folder_, error) : fs::symlink_status(folder_, error);
  if (status.type() == fs::file_type::directory) {
    within_ = fs::directory_iterator(folder_, error);
  } else if (given && status.type() != fs::file_type::not_found && !error) {
    std::error_code no_size;  // a pipe has none
    const auto size = fs::is_regular_file(status) ? fs::file_size(folder_, no_size) : 0;
    b.files.push_back({folder_.string(), no_size ? 0 : size});
  }
  if (error) b.faults.push_back({folder_.string(), error.message()});
}

void file_walk::step(batch& b) {
  const fs::directory_entry& entry = *within_;
  std::error_code error;
  const fs::file_type type = entry.symlink_status(error).type();
  if (type == fs::file_type::directory) {
    to_visit_.push_back(entry.path());
  } else if (type == fs::file_type::regular) {
    const std::uintmax_t size = entry.file_size(error);
    b.files.push_back({entry.path().string(), error ? 0 : size});  // what is wrong with it, its reader will say
  } else if (error) {
    b.faults.push_back({entry.path().string(), error.message()});
  }
  within_.increment(error);
  if (error) b.faults.push_back({folder_.string(), error.message()});
}

}  // namespace wordcount
