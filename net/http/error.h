// weir::net::http::error: why a request has no response: "GET http://h/x: the connection ended after 10 bytes of the
// body (receiving the body). ...", with a remedy.
//   error_kind    which of the usual kinds it is
//   phase         how far it had come
//
// Thread-safety: a value; copies share their text.
//
// A response is no error, whatever its status says.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace weir::net::http {

enum class error_kind : std::uint8_t {
  bad_url,    // it is none, be it the caller's or a redirect's
  name,       // there is no such name, or it has no address
  connect,    // nobody answers there: refused, unreachable, no name server to ask
  tls,        // no TLS connection: the certificate is not to be believed, no version in common, ...
  timeout,    // the request's deadline came first
  reset,      // the connection went before the response had begun
  truncated,  // the connection went in the middle of the response
  protocol,   // what came is not HTTP, or breaks its rules
  coding,     // the body is not what Content-Encoding says, or that is none this client knows
  too_large,  // the head or the body is beyond a limit
  redirect,   // in a circle, too many, or from https to http
  closed,     // the caller unwinds in a cancelled scope
};
// "bad_url", "name", ...
const char* name_of(error_kind k) noexcept;

enum class phase : std::uint8_t {
  preparing,   // nothing has left this process
  waiting,     // for a place among the connections to that host
  connecting,  // the name's look-up, TCP
  handshake,   // TLS
  sending,     // the request, or a part of it, may have been read by the server
  head,        // waiting for the response
  body,        // reading it
};
// "preparing the request", ..., "receiving the body".
const char* name_of(phase p) noexcept;

class error : public std::runtime_error {
 public:
  // `happened` and `remedy`: sentences without, and with, a full stop.
  error(error_kind kind, http::phase phase, const std::string& method, const std::string& url,
        const std::string& happened, const std::string& remedy);

  error_kind kind() const noexcept { return kind_; }
  http::phase phase() const noexcept { return phase_; }
  // That of the request that failed: after redirects, not the caller's.
  const std::string& url() const noexcept { return texts_->url; }
  // What happened, without method, URL and remedy.
  const std::string& happened() const noexcept { return texts_->happened; }
  const std::string& remedy() const noexcept { return texts_->remedy; }

 private:
  struct texts {
    std::string url, happened, remedy;
  };

  error_kind kind_;
  http::phase phase_;
  std::shared_ptr<const texts> texts_;  // shared, so that a copy cannot throw
};

}  // namespace weir::net::http
