// weir::net::pem: certificates or a key in PEM form, as text or in a file.
//
// Thread-safety: a value.
#pragma once

#include <string>
#include <utility>

namespace weir::net {

class pem {
 public:
  pem() = default;  // nothing
  // Read when the tls_client or tls_server is made, and not again.
  static pem file(std::string path) { return pem(std::move(path), true); }
  static pem text(std::string content) { return pem(std::move(content), false); }

  bool empty() const noexcept { return value_.empty(); }
  bool is_file() const noexcept { return is_file_; }
  // The path or the text.
  const std::string& value() const noexcept { return value_; }

 private:
  pem(std::string value, bool is_file) : value_(std::move(value)), is_file_(is_file) {}

  std::string value_;
  bool is_file_ = false;
};

}  // namespace weir::net
