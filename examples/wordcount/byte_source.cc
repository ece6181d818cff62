#include "examples/wordcount/byte_source.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>

#include "examples/wordcount/fault.h"

namespace wordcount {

namespace {

class plain_source final : public byte_source {
 public:
  explicit plain_source(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0) fault_ = reason_of(errno);
  }
  plain_source(const plain_source&) = delete;
  ~plain_source() override {
    if (fd_ >= 0) ::close(fd_);
  }

  std::size_t read(char* to, std::size_t room) override {
    while (fd_ >= 0 && fault_.empty()) {
      const ssize_t got = ::read(fd_, to, room);
      if (got >= 0) {
        taken_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) fault_ = reason_of(errno);
    }
    return 0;
  }
  bool opened() const noexcept override { return fd_ >= 0; }
  std::uint64_t taken() const noexcept override { return taken_; }

 private:
  int fd_;
  std::uint64_t taken_ = 0;
};

// A gzip file is any number of members, one behind the other; padding with zero bytes may follow (RFC 1952,
// section 2.2, and gzip's manual).
class gzip_source final : public byte_source {
 public:
  explicit gzip_source(const std::string& path) : packed_(path) {
    constexpr int gzip_only = 16;  // added to the window's size: expect a gzip header, check CRC and length
    if (inflateInit2(&stream_, gzip_only + MAX_WBITS) != Z_OK) fail("no memory to unpack it");
    if (!packed_.opened()) fail(packed_.fault());
  }
  gzip_source(const gzip_source&) = delete;
  ~gzip_source() override { inflateEnd(&stream_); }

  std::size_t read(char* to, std::size_t room) override {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(room);
    while (!ended_ && stream_.avail_out == room) {
      if (stream_.avail_in == 0) refill();
      if (between_members_) skip_padding();
      if (!ended_ && stream_.avail_in > 0) unpack();
    }
    return room - stream_.avail_out;
  }
  bool opened() const noexcept override { return packed_.opened(); }
  std::uint64_t taken() const noexcept override { return packed_.taken(); }

 private:
  void fail(std::string reason) {
    fault_ = std::move(reason);
    ended_ = true;
  }

  void refill() {
    const std::size_t got = packed_.read(input_.data(), input_.size());
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(got);
    if (got > 0) return;
    if (!packed_.fault().empty())
      fail(packed_.fault());
    else if (between_members_ && members_ > 0)
      ended_ = true;
    else
      fail("the gzip data ends too early; is the file cut off?");
  }

  void skip_padding() {
    while (members_ > 0 && stream_.avail_in > 0 && *stream_.next_in == 0) ++stream_.next_in, --stream_.avail_in;
    if (stream_.avail_in > 0) between_members_ = false;
  }

  void unpack() {
    const int outcome = inflate(&stream_, Z_NO_FLUSH);
    if (outcome == Z_STREAM_END) {
      inflateReset(&stream_);
      between_members_ = true;
      ++members_;
    } else if (outcome == Z_MEM_ERROR) {
      fail("no memory to unpack it");
    } else if (outcome != Z_OK) {
      fail(std::string("broken gzip data: ") + (stream_.msg ? stream_.msg : zError(outcome)));
    }
  }

  plain_source packed_;
  z_stream stream_{};
  std::array<char, std::size_t{64} << 10> input_;
  bool between_members_ = true;  // before the first one, too
  int members_ = 0;              // unpacked to their end
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<byte_source> byte_source::open(const std::string& path) {
  if (path.ends_with(".gz")) return std::make_unique<gzip_source>(path);
  return std::make_unique<plain_source>(path);
}

}  // namespace wordcount
