// NULL: each side sends READY with its metadata (RFC 37, The NULL Security Mechanism).
//
// RFC 23 wants both sides to send at once; RFC 37 lets the side that was connected to look at the client's READY first,
// so that it can answer with ERROR. That cannot end in two sides that wait: one of them has connected.
#include "weir/net/zmtp/mechanism.h"

namespace weir::net::zmtp {
namespace {

class null_mechanism final : public mechanism {
 public:
  using mechanism::mechanism;

  void begin() override {
    if (options().side == role::client) send_metadata("READY");
  }

  void received(const command& c, std::uint64_t offset) override {
    if (c.name != "READY") return unexpected(c, offset, "READY");
    if (!take_metadata(c.data, offset + 1 + c.name.size())) return;
    if (options().side == role::server) send_metadata("READY");
    done();
  }
};

}  // namespace

std::unique_ptr<mechanism> make_null(handshake& of) { return std::make_unique<null_mechanism>(of); }

}  // namespace weir::net::zmtp
