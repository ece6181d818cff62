// PLAIN: HELLO with username and password, WELCOME, then metadata: INITIATE, READY (RFC 24). Either side may connect.
//
// Which side is the server is what each was told: libzmq never says so in its greeting.
#include <string>
#include <utility>

#include "weir/net/zmtp/mechanism.h"

namespace weir::net::zmtp {
namespace {

class plain_client final : public mechanism {
 public:
  using mechanism::mechanism;

  void begin() override { send("HELLO", hello_data(options().username, options().password)); }

  void received(const command& c, std::uint64_t offset) override {
    const std::uint64_t data_at = offset + 1 + c.name.size();
    if (!welcome_) {
      if (c.name != "WELCOME") return unexpected(c, offset, "WELCOME");
      if (!c.data.empty()) return fail({rule::welcome_empty, std::to_string(c.data.size()) + " octets", data_at});
      welcome_ = true;
      return send_metadata("INITIATE");
    }
    if (c.name != "READY") return unexpected(c, offset, "READY");
    if (take_metadata(c.data, data_at)) done();
  }

 private:
  bool welcome_ = false;
};

class plain_server final : public mechanism {
 public:
  using mechanism::mechanism;

  void begin() override {}  // the client speaks first

  void received(const command& c, std::uint64_t offset) override {
    const std::uint64_t data_at = offset + 1 + c.name.size();
    if (!welcomed_) {
      if (c.name != "HELLO") return unexpected(c, offset, "HELLO");
      std::string_view username, password;
      violation v;
      if (!read_hello(c.data, data_at, username, password, v)) return refuse(std::move(v));
      return ask(username, password);
    }
    if (c.name != "INITIATE") return unexpected(c, offset, "INITIATE");
    if (!take_metadata(c.data, data_at)) return;
    send_metadata("READY");
    done();
  }

  void accepted() override {
    welcomed_ = true;
    send("WELCOME", {});
  }

 private:
  bool welcomed_ = false;
};

}  // namespace

std::unique_ptr<mechanism> make_plain(handshake& of) {
  if (of.side() == role::client) return std::make_unique<plain_client>(of);
  return std::make_unique<plain_server>(of);
}

}  // namespace weir::net::zmtp
