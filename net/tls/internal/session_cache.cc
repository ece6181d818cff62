#include "weir/net/tls/internal/session_cache.h"

#include <algorithm>
#include <iterator>

namespace weir::net::internal {

void session_cache::put(const std::string& server, SSL_SESSION* session) {
  std::lock_guard guard(lock_);
  sessions_.emplace_back(server, nullptr);
  sessions_.back().second.reset(session);
  if (sessions_.size() > most_) sessions_.pop_front();
}

session_ptr session_cache::take(const std::string& server) {
  std::lock_guard guard(lock_);
  const auto found =
      std::find_if(sessions_.rbegin(), sessions_.rend(), [&](const auto& entry) { return entry.first == server; });
  if (found == sessions_.rend()) return nullptr;
  if (SSL_SESSION_get_protocol_version(found->second.get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(found->second.get());
    return session_ptr(found->second.get());
  }
  session_ptr taken = std::move(found->second);
  sessions_.erase(std::next(found).base());
  return taken;
}

}  // namespace weir::net::internal
