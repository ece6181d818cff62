// tls_client and tls_server: what they refuse, and where their files are read.
#include <fmt/core.h>

#include <algorithm>

#include "weir/net/tls/internal/context.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/blocking.h"

namespace weir::net {
namespace {

using internal::tls_context;
using weir::internal::throw_misuse;

template <class Options>
void check(const char* call, const Options& options, site where) {
  if (options.certificate.empty() != options.key.empty())
    throw_misuse(call, "a certificate and its key come together",
                 options.key.empty() ? "a certificate only" : "a key only", "Give both.", where);
  const auto bad = [](const std::string& p) { return p.empty() || p.size() > 255; };
  const auto found = std::find_if(options.alpn.begin(), options.alpn.end(), bad);
  if (found != options.alpn.end())
    throw_misuse(call, "the name of a protocol (ALPN) has 1 to 255 bytes", fmt::format("{}", found->size()),
                 "Names are registered with IANA: \"http/1.1\".", where);
  if (options.newest < options.oldest)
    throw_misuse(call, "the newest version is no older than the oldest", "newest 1.2, oldest 1.3", "Swap them.", where);
}

// On the pool for calls that block, for the sake of the files.
template <class Options>
std::shared_ptr<tls_context> make(const Options& options) {
  return blocking([&] { return std::make_shared<tls_context>(options); });
}

}  // namespace

tls_client::tls_client(const tls_client_options& options, site where) {
  check("tls_client", options, where);
  context_ = make(options);
}

tls_server::tls_server(const tls_server_options& options, site where) {
  check("tls_server", options, where);
  if (options.certificate.empty())
    throw_misuse("tls_server", "a server has a certificate and its key", "none", "Give both.", where);
  if (options.clients != tls_clients::anybody && options.client_ca.empty())
    throw_misuse("tls_server", "a server that asks for certificates says whose", "no client_ca",
                 "Give the certificates of the CAs whose clients are let in.", where);
  context_ = make(options);
}

}  // namespace weir::net
