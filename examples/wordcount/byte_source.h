// byte_source: the bytes of one file, unpacked if its name ends in .gz.
//
// Thread-safety: none; used by one reader, off the workers, as every call may wait for a disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace wordcount {

class byte_source {
 public:
  virtual ~byte_source() = default;

  // Opens a file. Never null; if it cannot be opened, the source is at its end and has the fault.
  static std::unique_ptr<byte_source> open(const std::string& path);

  // Reads up to `room` bytes (at least 1); 0 at the end, which fault() explains.
  virtual std::size_t read(char* to, std::size_t room) = 0;

  // Why it ended early; empty if it ended well or has not ended.
  const std::string& fault() const noexcept { return fault_; }
  // False: it could not even be opened.
  virtual bool opened() const noexcept { return true; }
  // Bytes taken from the file so far, packed ones if it is packed.
  virtual std::uint64_t taken() const noexcept = 0;

 protected:
  std::string fault_;
};

}  // namespace wordcount
